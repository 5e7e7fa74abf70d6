"""Execution `off_book`: all at once, at the mark and outside the book."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from marketsim.issuers.algorithms.child import ChildKind, ExecutionPlan
from marketsim.issuers.algorithms.family import EXECUTIONS, ExecutionSpec
from marketsim.issuers.algorithms.slicing import SinglePlan
from marketsim.spec import Flag

if TYPE_CHECKING:
    from marketsim.streams import Stream


@EXECUTIONS.register
class OffBookSpec(ExecutionSpec):
    """At the mark price against `outside`, never in the book; pays the taker fee unless `off_book_fees` is false."""

    is_in_book: ClassVar[bool] = False

    algorithm: Literal["off_book"]
    off_book_fees: Flag = True

    def sentence(self) -> str:
        """Where it trades."""
        fee = ", paying the taker fee" if self.off_book_fees else ""
        return f"It trades at the mark price outside the book{fee}."

    def plan(self, stream: Stream) -> ExecutionPlan:
        """Everything at once, at the mark."""
        return SinglePlan(ChildKind.OFF_BOOK)

    @property
    def is_charged_off_book(self) -> bool:
        """As declared."""
        return self.off_book_fees
