"""Execution `pov`: a share of the market's own volume, for at most a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal

from marketsim.issuers.algorithms.child import Child, ExecutionPlan, Progress, at_most, immediate_child
from marketsim.issuers.algorithms.family import EXECUTIONS, ExecutionSpec
from marketsim.issuers.algorithms.participation import free_lots
from marketsim.ranges import ABOVE_ZERO, CADENCE, PART
from marketsim.spec import Duration, Rate
from marketsim.units import NS_PER_SECOND, format_duration, format_rate

if TYPE_CHECKING:
    from marketsim.streams import Stream


@EXECUTIONS.register
class PovSpec(ExecutionSpec):
    """Immediate-or-cancel orders that keep its volume at `share` of the market's, for at most `over`.

    every: how often it sends one.
    """

    algorithm: Literal["pov"]
    share: Annotated[Rate, PART]
    over: Annotated[Duration, ABOVE_ZERO]
    every: Annotated[Duration, CADENCE] = 10 * NS_PER_SECOND

    def sentence(self) -> str:
        """What it sends, and for how long."""
        share, over = format_rate(self.share), format_duration(self.over)
        return f"It sends immediate-or-cancel orders that keep it at {share} of the volume, for at most {over}."

    def plan(self, stream: Stream) -> ExecutionPlan:
        """What its share of the volume allows, again and again."""
        return PovPlan(Fraction(self.share), self.over, self.every)


@dataclass(frozen=True, slots=True)
class PovPlan:
    """Every `every_ns` what its share of the volume so far allows, within 2 % of the mid, until `over_ns` is over."""

    share: Fraction
    over_ns: int
    every_ns: int
    patience: int | None = None

    def opened(self, decided_ns: int, leg: int) -> ExecutionPlan:
        """The same for every order."""
        return self

    def due_ns(self, number: int) -> int | None:
        """Every `every_ns` from the decision on, ends included."""
        at_ns = number * self.every_ns
        return at_ns if at_ns <= self.over_ns else None

    def child(self, now: Progress) -> Child:
        """What is still free of its share."""
        lots = at_most(free_lots(self.share, now), now.remaining_lots)
        return replace(immediate_child(lots, now.price_ticks), is_held_back=lots != now.remaining_lots)
