"""Execution all at once: one market order, or a trade at the mark outside the book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from marketsim.issuers.algorithms.child import Child, ChildKind, ExecutionKindSpec, ExecutionPlan, Progress
from marketsim.spec import Flag


class MarketExecutionSpec(ExecutionKindSpec):
    """One market order."""

    algorithm: Literal["market"]


class OffBookSpec(ExecutionKindSpec):
    """At the mark price against `outside`, never in the book; pays the taker fee unless `off_book_fees` is false."""

    algorithm: Literal["off_book"]
    off_book_fees: Flag = True


@dataclass(frozen=True, slots=True)
class SinglePlan:
    """All at once, as one child."""

    kind: ChildKind
    patience: int | None = None

    def opened(self, decided_ns: int, leg: int) -> ExecutionPlan:
        """The same for every order."""
        return self

    def due_ns(self, number: int) -> int | None:
        """At the decision, and never again."""
        return 0 if number == 0 else None

    def child(self, now: Progress) -> Child:
        """Everything that remains."""
        return Child(self.kind, now.remaining_lots)
