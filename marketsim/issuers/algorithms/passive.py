"""Execution `passive`: waits in the book, and takes what is left when its time is out."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from marketsim.issuers.algorithms.child import Child, ChildKind, ExecutionPlan, Progress, immediate_child
from marketsim.issuers.algorithms.family import EXECUTIONS, ExecutionSpec
from marketsim.ranges import ABOVE_ZERO, CADENCE, UP_TO_TENTH
from marketsim.spec import Duration, Rate
from marketsim.units import NS_PER_SECOND, format_duration, format_rate

if TYPE_CHECKING:
    from marketsim.streams import Stream


@EXECUTIONS.register
class PassiveSpec(ExecutionSpec):
    """A resting order `offset` behind the best opposite price; after `timeout` what is left, immediate or cancel.

    reprice: how often it looks whether its price is still that one, and moves if not.
    """

    rests_orders: ClassVar[bool] = True

    algorithm: Literal["passive"]
    offset: Annotated[Rate, UP_TO_TENTH]
    timeout: Annotated[Duration, ABOVE_ZERO]
    reprice: Annotated[Duration, CADENCE] = 10 * NS_PER_SECOND

    def sentence(self) -> str:
        """Where it waits, and for how long."""
        away, timeout = format_rate(self.offset), format_duration(self.timeout)
        return f"It waits in the book {away} behind the other side, and takes what is left after {timeout}."

    def plan(self, stream: Stream) -> ExecutionPlan:
        """A resting order that moves, and at the end one that takes."""
        return PassivePlan(Fraction(self.offset), self.timeout, self.reprice)


@dataclass(frozen=True, slots=True)
class PassivePlan:
    """Post-only orders `offset` behind the best opposite price, moved every `reprice_ns`; at the end one that takes.

    Measured from the opposite side, so that an order never chases itself; at least one tick away from it. The last
    child is immediate or cancel within 2 % of the mid.
    """

    offset: Fraction
    timeout_ns: int
    reprice_ns: int
    patience: int | None = None

    def opened(self, decided_ns: int, leg: int) -> ExecutionPlan:
        """The same for every order."""
        return self

    def due_ns(self, number: int) -> int | None:
        """Every `reprice_ns`, then once at the end of the timeout."""
        at_ns = number * self.reprice_ns
        if at_ns < self.timeout_ns:
            return at_ns
        return self.timeout_ns if at_ns - self.reprice_ns < self.timeout_ns else None

    def child(self, now: Progress) -> Child:
        """All that remains, resting; at the timeout, taking."""
        if now.number * self.reprice_ns >= self.timeout_ns:
            return immediate_child(now.remaining_lots, now.price_ticks)
        return Child(ChildKind.RESTING, now.remaining_lots, self._price_ticks(now))

    def _price_ticks(self, now: Progress) -> int:
        if now.remaining_lots > 0:
            return max(min(floor(now.opposite_ticks * (1 - self.offset)), now.opposite_ticks - 1), 1)
        return max(ceil(now.opposite_ticks * (1 + self.offset)), now.opposite_ticks + 1)
