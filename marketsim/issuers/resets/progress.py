"""Progress of a token's resets: how many there were, and the orders of the one under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marketsim.issuers.orders.rebalance_order import RebalanceOrder


@dataclass(slots=True)
class ResetProgress:
    """number: of the next reset, or of the one under way. due_ns: when that fell due, None where a price brought it.

    orders: of the one under way, if any. is_interrupted: whether an emergency ended it, and is to be decided now.
    """

    number: int = 0
    due_ns: int | None = None
    orders: Sequence[RebalanceOrder] = ()
    is_interrupted: bool = False

    def passed(self) -> None:
        """Count a reset that is done or was skipped."""
        self.number += 1
        self.due_ns = None
