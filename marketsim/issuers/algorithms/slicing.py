"""What several algorithms are made of: one child for everything, or equal slices of what remains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from marketsim.issuers.algorithms.child import Child, ChildKind, ExecutionPlan, Progress
from marketsim.spec import Fault


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


def equal_share(slices: int, now: Progress) -> Child:
    """A market order for an equal share of what remains among the children that are left."""
    return Child(ChildKind.MARKET, round(Fraction(now.remaining_lots, slices - now.number)))


def slices_faults(slices: int, length_ns: int) -> Iterator[Fault]:
    """Slices that have a nanosecond each."""
    if slices > length_ns:
        yield Fault(("slices",), "more slices than nanoseconds", "fewer slices")
