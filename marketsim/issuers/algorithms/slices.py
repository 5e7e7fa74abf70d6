"""Execution in equal slices: evenly over a time (twap), or at random instants of a window (hidden)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from marketsim.issuers.algorithms.child import Child, ChildKind, ExecutionPlan, Progress
from marketsim.issuers.algorithms.participation import CappedSpec
from marketsim.issuers.luck import SLICE_TIME
from marketsim.spec import Count, Duration
from marketsim.streams import Stream


class TwapSpec(CappedSpec):
    """`slices` equal market orders, evenly over `over`."""

    algorithm: Literal["twap"]
    over: Duration
    slices: Count


class HiddenSpec(CappedSpec):
    """`slices` equal market orders at random instants of a `window` that begins at the decision."""

    algorithm: Literal["hidden"]
    window: Duration
    slices: Count


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


def equal_share(slices: int, now: Progress) -> Child:
    """A market order for an equal share of what remains among the children that are left."""
    return Child(ChildKind.MARKET, round(Fraction(now.remaining_lots, slices - now.number)))
