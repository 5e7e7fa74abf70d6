"""Execution `ioc_ladder`: immediate-or-cancel orders of a largest size, one after the other (FTX)."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING, Annotated, Literal

from marketsim.issuers.algorithms.child import Child, ExecutionPlan, Progress, at_most, immediate_child
from marketsim.issuers.algorithms.family import EXECUTIONS
from marketsim.issuers.algorithms.participation import CappedSpec
from marketsim.ranges import ABOVE_ZERO, AT_LEAST_ONE
from marketsim.spec import OMITTED_AT_DEFAULT, Count, Duration, MoneyAmount
from marketsim.units import format_duration, format_money, to_atoms

if TYPE_CHECKING:
    from marketsim.streams import Stream

LADDER_PATIENCE = 6
"""Children in a row that find nothing to trade with before a ladder gives up (our choice: a minute of FTX's ladder)."""

MOST_CHILDREN = 500
"""Children after which a ladder whose rest is sized anew ends (our choice: 83 minutes of FTX's ladder)."""


@EXECUTIONS.register
class IocLadderSpec(CappedSpec):
    """Immediate-or-cancel orders of at most `slice` of notional, one every `every`, until done.

    max_children: where each is sized anew, as many as there are at most; an order that follows the price it makes may
    have no end.
    """

    algorithm: Literal["ioc_ladder"]
    slice: Annotated[MoneyAmount, ABOVE_ZERO]
    every: Annotated[Duration, ABOVE_ZERO]
    max_children: Annotated[Count, AT_LEAST_ONE, OMITTED_AT_DEFAULT] = MOST_CHILDREN

    def sentence(self) -> str:
        """What it sends, and how often."""
        slice_, every = format_money(self.slice), format_duration(self.every)
        most = f", at most {self.max_children:,} of them" if self.resizes else ""
        return f"It sends immediate-or-cancel orders of at most {slice_}, one every {every}{most}."

    def plan(self, stream: Stream) -> ExecutionPlan:
        """One slice after the other."""
        most = self.max_children if self.resizes else None
        return self.capped(LadderPlan(to_atoms(self.slice.amount), self.every, most))


@dataclass(frozen=True, slots=True)
class LadderPlan:
    """At most `slice_atoms` of notional every `every_ns`, immediate or cancel, within 2 % of the mid, until done.

    Source: FTX's rebalances of at most 4 M USD per 10 s in its own book. A slice is rounded down to lots, but is never
    less than one.
    """

    slice_atoms: int
    every_ns: int
    most_children: int | None = None
    patience: int | None = LADDER_PATIENCE

    def opened(self, decided_ns: int, leg: int) -> ExecutionPlan:
        """The same for every order."""
        return self

    def due_ns(self, number: int) -> int | None:
        """Every `every_ns` from the decision on, as many as there may be."""
        is_last = self.most_children is not None and number >= self.most_children
        return None if is_last else number * self.every_ns

    def child(self, now: Progress) -> Child:
        """One slice of what remains."""
        most = max(floor(self.slice_atoms / (now.price_ticks * now.atoms_per_tick_lot)), 1)
        return immediate_child(at_most(most, now.remaining_lots), now.price_ticks)
