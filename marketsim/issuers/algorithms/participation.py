"""The share of a market's own volume that an order may be, and the cap on it that algorithms may have.

Volume counts from the decision on. An order that may be a share s of all volume may have traded s / (1 - s) of what
others have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from typing import Annotated

from marketsim.issuers.algorithms.child import Child, ExecutionPlan, Progress, at_most
from marketsim.issuers.algorithms.family import ExecutionSpec
from marketsim.ranges import PART
from marketsim.spec import Rate
from marketsim.units import format_rate


class CappedSpec(ExecutionSpec):
    """What an algorithm of several children may say: its volume is at most `max_participation` of the market's."""

    max_participation: Annotated[Rate | None, PART] = None

    def sentences(self) -> Iterator[str]:
        """What it sends, its cap, and what its orders allow for."""
        first, *others = super().sentences()
        yield first
        if self.max_participation is not None:
            yield f"It is never more than {format_rate(self.max_participation)} of the market's volume."
        yield from others

    def capped(self, plan: ExecutionPlan) -> ExecutionPlan:
        """A plan with the cap declared, if there is one."""
        return plan if self.max_participation is None else CappedPlan(plan, Fraction(self.max_participation))


@dataclass(frozen=True, slots=True)
class CappedPlan:
    """Another plan, none of whose children takes its order beyond a share of the market's volume."""

    plan: ExecutionPlan
    share: Fraction

    @property
    def patience(self) -> int | None:
        """That of the other plan."""
        return self.plan.patience

    def opened(self, decided_ns: int, leg: int) -> ExecutionPlan:
        """The other plan for this order, capped."""
        return CappedPlan(self.plan.opened(decided_ns, leg), self.share)

    def due_ns(self, number: int) -> int | None:
        """When the other plan's is."""
        return self.plan.due_ns(number)

    def child(self, now: Progress) -> Child:
        """The other plan's, no larger than the cap allows."""
        wanted = self.plan.child(now)
        lots = at_most(free_lots(self.share, now), wanted.lots)
        return replace(wanted, lots=lots, is_held_back=lots != wanted.lots)


def free_lots(share: Fraction, now: Progress) -> int:
    """Lots an order may still trade now if its part of all volume since the decision may be `share` < 1."""
    return max(floor(share / (1 - share) * now.others_lots) - now.done_lots, 0)
