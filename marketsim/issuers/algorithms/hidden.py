"""Execution `hidden`: equal slices at random instants of a window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from marketsim.issuers.algorithms.child import Child, ChildKind, ExecutionPlan, Progress
from marketsim.issuers.algorithms.family import EXECUTIONS
from marketsim.issuers.algorithms.participation import CappedSpec
from marketsim.issuers.algorithms.slicing import equal_share, slices_faults
from marketsim.issuers.random_draws import SLICE_TIME
from marketsim.ranges import ABOVE_ZERO, SLICES
from marketsim.spec import Count, Duration, Fault
from marketsim.units import format_duration

if TYPE_CHECKING:
    from marketsim.streams import Stream


@EXECUTIONS.register
class HiddenSpec(CappedSpec):
    """`slices` equal market orders at random instants of a `window` that begins at the decision."""

    algorithm: Literal["hidden"]
    window: Annotated[Duration, ABOVE_ZERO]
    slices: Annotated[Count, SLICES]

    def faults(self, gross: Decimal) -> Iterator[Fault]:
        """Slices that have a nanosecond each, beside what the base finds."""
        yield from super().faults(gross)
        yield from slices_faults(self.slices, self.window)

    def sentence(self) -> str:
        """What it sends, and in which window."""
        return f"It sends {self.slices} market orders at random times of a window of {format_duration(self.window)}."

    def plan(self, stream: Stream) -> ExecutionPlan:
        """Slices at instants drawn from the token's own stream."""
        return self.capped(HiddenPlan(self.window, self.slices, stream))


@dataclass(frozen=True, slots=True)
class HiddenPlan:
    """`slices` market orders at instants drawn uniformly from a window, by the token's own luck at the decision."""

    window_ns: int
    slices: int
    stream: Stream
    patience: int | None = None

    def opened(self, decided_ns: int, leg: int) -> ExecutionPlan:
        """The plan with this order's instants."""
        draws = (int(self.stream.bits(SLICE_TIME + leg, decided_ns, part)) for part in range(self.slices))
        return ListedPlan(tuple(sorted(bits * self.window_ns >> 64 for bits in draws)))

    def due_ns(self, number: int) -> int | None:
        """No order, no instants."""
        return None

    def child(self, now: Progress) -> Child:
        """Nothing."""
        return Child(ChildKind.MARKET, 0)


@dataclass(frozen=True, slots=True)
class ListedPlan:
    """Equal market orders at listed times after the decision [ns, ascending]."""

    times_ns: tuple[int, ...]
    patience: int | None = None

    def opened(self, decided_ns: int, leg: int) -> ExecutionPlan:
        """This plan is one order's."""
        return self

    def due_ns(self, number: int) -> int | None:
        """The time on the list."""
        return self.times_ns[number] if number < len(self.times_ns) else None

    def child(self, now: Progress) -> Child:
        """An equal share of what remains, to the nearest lot (ties to even); the last takes all."""
        return equal_share(len(self.times_ns), now)
