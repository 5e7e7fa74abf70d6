"""Execution `twap`: equal slices, evenly over a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from marketsim.issuers.algorithms.child import Child, ExecutionPlan, Progress
from marketsim.issuers.algorithms.family import EXECUTIONS
from marketsim.issuers.algorithms.participation import CappedSpec
from marketsim.issuers.algorithms.slicing import equal_share, slices_faults
from marketsim.ranges import ABOVE_ZERO, AT_LEAST_ONE
from marketsim.spec import Count, Duration, Fault
from marketsim.units import format_duration

if TYPE_CHECKING:
    from marketsim.streams import Stream


@EXECUTIONS.register
class TwapSpec(CappedSpec):
    """`slices` equal market orders, evenly over `over`."""

    algorithm: Literal["twap"]
    over: Annotated[Duration, ABOVE_ZERO]
    slices: Annotated[Count, AT_LEAST_ONE]

    def faults(self, gross: Decimal) -> Iterator[Fault]:
        """Slices that have a nanosecond each, beside what the base finds."""
        yield from super().faults(gross)
        yield from slices_faults(self.slices, self.over)

    def sentence(self) -> str:
        """What it sends, and for how long."""
        return f"It sends {self.slices} market orders over {format_duration(self.over)}."

    def plan(self, stream: Stream) -> ExecutionPlan:
        """One slice after the other."""
        return self.capped(TwapPlan(self.over, self.slices))


@dataclass(frozen=True, slots=True)
class TwapPlan:
    """`slices` market orders, the first at the decision, one every `over_ns / slices`."""

    over_ns: int
    slices: int
    patience: int | None = None

    def opened(self, decided_ns: int, leg: int) -> ExecutionPlan:
        """The same for every order."""
        return self

    def due_ns(self, number: int) -> int | None:
        """At number / slices of the way."""
        return number * self.over_ns // self.slices if number < self.slices else None

    def child(self, now: Progress) -> Child:
        """An equal share of what remains, to the nearest lot (ties to even); the last takes all."""
        return equal_share(self.slices, now)
