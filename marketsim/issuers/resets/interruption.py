"""Interruption of a reset: an emergency or ripcord that falls due while an order is worked ends it.

What is left of the order is called back, and the emergency decided at that instant (docs/products.md#families,
docs/products.md#ftx: watched all the time). An emergency that was due when the order was decided brought nothing new;
and one that is worked itself goes on while what is due anew would trade to the same side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketsim.issuers.orders.executor import ParentOrderExecutor
from marketsim.issuers.orders.rebalance_order import RebalanceOrder
from marketsim.issuers.policies.decision import Decision
from marketsim.issuers.resets.decisions import ResetDecisions
from marketsim.issuers.resets.progress import ResetProgress
from marketsim.issuers.resets.watch import ResetWatch

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


@dataclass(slots=True)
class ResetInterruption:
    """Watches the orders of one token's resets. may_happen: whether its policy knows anything that is urgent."""

    may_happen: bool
    decisions: ResetDecisions
    watch: ResetWatch
    executor: ParentOrderExecutor
    progress: ResetProgress
    was_due: bool = False

    def guard(self, orders: Sequence[RebalanceOrder]) -> ProcessGenerator:
        """Until all orders are over, look for what is urgent, and call them back when it falls due."""
        self.was_due = self._is_due(orders)
        while True:
            yield from self.watch.wait_during(self.executor.heard.next_change())
            if all(order.is_over for order in orders):
                return
            is_due, was_due = self._is_due(orders), self.was_due
            self.was_due = is_due
            if is_due and not was_due:
                self.progress.is_interrupted = True
                for order in orders:
                    yield from self.executor.recall(order)
                return

    def _is_due(self, orders: Sequence[RebalanceOrder]) -> bool:
        """Whether something urgent asks for other orders than those that are worked."""
        decision = self.decisions.foresee_urgent()
        if decision is None:
            return False
        is_urgent = any(order.reset.trigger.is_urgent for order in orders)
        return not is_urgent or any(_is_against(decision, order) for order in orders)


def _is_against(decision: Decision, order: RebalanceOrder) -> bool:
    """Whether a decision would trade an order's market to the other side."""
    return decision.lots.get(order.market, 0) * order.remaining_lots < 0
