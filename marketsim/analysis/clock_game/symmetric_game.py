"""A finite game of players that are alike, each choosing one of some times: pure equilibria, and what they cost.

Players are alike in what they may choose and in what it costs them, so a schedule is how many choose each time: a
sorted tuple of their choices. A schedule is a pure Nash equilibrium where no player would pay less by another choice
while the others stay (Nash 1950); a tie is one too. The price of anarchy is the total cost of the costliest equilibrium
over that of the cheapest schedule (Koutsoupias and Papadimitriou 1999), the price of stability that of the cheapest
equilibrium over it (Anshelevich et al. 2004). All schedules are looked at, so that there is nothing to converge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

Schedule = tuple[int, ...]
"""The times that the players chose, by number, sorted."""


def all_schedules(players: int, times: int) -> list[Schedule]:
    """Every schedule of so many players on so many times, in order."""
    return list(combinations_with_replacement(range(times), players))


@dataclass(frozen=True)
class SymmetricGame:
    """cost: of each schedule, what a player pays who chose a time of it; every schedule of its players has to be there.

    times: how many there are to choose from.
    """

    cost: Mapping[Schedule, Mapping[int, float]]
    times: int

    def total(self, schedule: Schedule) -> float:
        """What all players of a schedule pay together."""
        return sum(self.cost[schedule][time] for time in schedule)

    def best_response(self, schedule: Schedule) -> tuple[int, int, float]:
        """The change of one player's choice that takes most off its cost: (from, to, what it takes off).

        What it takes off is negative where every change costs more; 0 in a game of one time.
        """
        changes = [
            (old, new, self.cost[schedule][old] - self.cost[_moved(schedule, old, new)][new])
            for old in dict.fromkeys(schedule)
            for new in range(self.times)
            if new != old
        ]
        return max(changes, key=lambda change: change[2], default=(schedule[0], schedule[0], 0.0))

    @cached_property
    def equilibria(self) -> tuple[Schedule, ...]:
        """The pure Nash equilibria; a symmetric game of three times or more may have none."""
        return tuple(schedule for schedule in self.cost if self.best_response(schedule)[2] <= 0)

    @cached_property
    def optimum(self) -> Schedule:
        """The schedule that costs all together least; of equals the first."""
        return min(self.cost, key=self.total)

    @property
    def price_of_anarchy(self) -> float | None:
        """Costliest equilibrium over cheapest schedule; None without an equilibrium, or where the least is not > 0."""
        return self._over_optimum(max(map(self.total, self.equilibria), default=None))

    @property
    def price_of_stability(self) -> float | None:
        """Cheapest equilibrium over cheapest schedule; None as for the price of anarchy."""
        return self._over_optimum(min(map(self.total, self.equilibria), default=None))

    def _over_optimum(self, cost: float | None) -> float | None:
        least = self.total(self.optimum)
        return None if cost is None or least <= 0 else cost / least


def _moved(schedule: Schedule, old: int, new: int) -> Schedule:
    """The schedule in which one player chose another time."""
    others = list(schedule)
    others.remove(old)
    return tuple(sorted([*others, new]))
