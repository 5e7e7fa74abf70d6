"""The instants at which an issuer looks at the price: always, at a steady pace, or at random times."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from marketsim.issuers.random_draws import LOOK_JITTER
from marketsim.units import NS_PER_SECOND

if TYPE_CHECKING:
    from marketsim.streams import Stream

AGAIN_NS = NS_PER_SECOND
"""How long a continuous watch waits before looking again at a bound that is still crossed (the cadence of marks)."""


class Looks(Protocol):
    """Instants at which an issuer looks."""

    def falls_on(self, t_ns: int) -> bool:
        """Whether it looks at this instant [ns from the start]."""
        ...

    def next_ns(self, after_ns: int) -> int:
        """The first look strictly after an instant [ns from the start]."""
        ...


@dataclass(frozen=True, slots=True)
class ContinuousLooks:
    """Every instant; while a bound stays crossed, again every second."""

    def falls_on(self, t_ns: int) -> bool:
        """Always."""
        return True

    def next_ns(self, after_ns: int) -> int:
        """The next whole second of the run."""
        return (after_ns // AGAIN_NS + 1) * AGAIN_NS


@dataclass(frozen=True, slots=True)
class SteadyLooks:
    """Once in every interval of `every_ns` from the start of the run, `delay_ns(number)` (shorter) after it begins."""

    every_ns: int
    delay_ns: Callable[[int], int]

    def falls_on(self, t_ns: int) -> bool:
        """Whether this is the look of its interval."""
        return t_ns == self._at(t_ns // self.every_ns)

    def next_ns(self, after_ns: int) -> int:
        """The look of this interval, or of the next."""
        number = after_ns // self.every_ns
        at_ns = self._at(number)
        return at_ns if at_ns > after_ns else self._at(number + 1)

    def _at(self, number: int) -> int:
        return number * self.every_ns + self.delay_ns(number)


@dataclass(slots=True)
class RandomLooks:
    """Looks whose gaps are drawn one by one: `gaps(first, count)` gives those of looks first, first + 1, ... [ns].

    Look 0 is at the start of the run. What was drawn is kept, since it never changes.
    """

    gaps: Callable[[int, int], Sequence[int]]
    _known_ns: list[int] = field(default_factory=lambda: [0])

    def falls_on(self, t_ns: int) -> bool:
        """Whether a look was drawn for exactly this instant."""
        return self._known_ns[self.number(t_ns)] == t_ns

    def next_ns(self, after_ns: int) -> int:
        """The first drawn look after an instant."""
        return self._known_ns[self.number(after_ns) + 1]

    def number(self, t_ns: int) -> int:
        """The number of the last look at or before an instant."""
        while self._known_ns[-1] <= t_ns:
            for gap_ns in self.gaps(len(self._known_ns), 256):
                self._known_ns.append(self._known_ns[-1] + max(gap_ns, 1))
        return bisect_right(self._known_ns, t_ns) - 1


def looks_every(poll_ns: int, jitter_ns: int = 0, stream: Stream | None = None) -> Looks:
    """Looks of a declared `poll` (0: always), each up to `jitter_ns` <= poll_ns later by the token's own luck."""
    if poll_ns == 0:
        return ContinuousLooks()
    if jitter_ns == 0 or stream is None:
        return SteadyLooks(poll_ns, _no_delay)
    luck = stream
    return SteadyLooks(poll_ns, lambda number: int(luck.bits(LOOK_JITTER, number)) * jitter_ns >> 64)


def _no_delay(number: int) -> int:
    return 0
