"""The rebalancer: carries a decided reset out, from its fees to its last fill, and remembers it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketsim.issuers.books.reconciliation import Reconciliation
from marketsim.issuers.context import EventLog
from marketsim.issuers.fees.charging import FeeCharging
from marketsim.issuers.fees.keeper_reward import KeeperPayments
from marketsim.issuers.life_cycle.status import TokenStatus
from marketsim.issuers.orders.executor import ParentOrderExecutor
from marketsim.issuers.orders.rebalance_order import RebalanceOrder
from marketsim.issuers.orders.treatment import Flow
from marketsim.issuers.policies.decision import Decision
from marketsim.issuers.resets.interruption import ResetInterruption
from marketsim.issuers.resets.progress import ResetProgress
from marketsim.issuers.resets.reset_orders import ResetOrders

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


@dataclass(frozen=True, slots=True)
class Rebalancer:
    """Carries out the resets of one token. publish: announces anew what may be known of the next one.

    interruption: what may end their orders before their time.
    """

    status: TokenStatus
    charging: FeeCharging
    reward: KeeperPayments
    orders: ResetOrders
    executor: ParentOrderExecutor
    reconciliation: Reconciliation
    progress: ResetProgress
    interruption: ResetInterruption
    publish: Callable[[], None]
    log: EventLog

    def rebalance(self, decision: Decision) -> ProcessGenerator:
        """Take the fees, work every leg's order at once, then remember the reset, unless an emergency cut it short."""
        is_withheld = self.executor.treatment.rebalance is Flow.WITHHELD
        if not is_withheld:
            if decision.lots:
                self.charging.charge_rebalance()
            if decision.trigger.is_rewarded:
                self.reward.pay()
        orders = self.orders.of(decision)
        if is_withheld:
            self._withhold(orders)
            return
        self.status.begin_rebalance()
        self.progress.orders = orders
        self.publish()
        if orders:
            env = self.executor.env
            over = [self.executor.begin(order) for order in orders]
            if self.interruption.may_happen:
                env.process(self.interruption.guard(orders))
            yield env.all_of(over)
        self.reconciliation.reconcile()
        self._log_backlog(orders)
        self.progress.orders = ()
        self.pass_reset()
        if not self.status.token.is_over and not self.progress.is_interrupted:
            self.status.end_rebalance()
            self._remember_reset()

    def pass_reset(self) -> None:
        """Count a reset that is done or was skipped; what was announced of it is withdrawn."""
        self.progress.passed()
        self.publish()

    def finish(self, t_ns: int) -> None:
        """Close the books at the end of the run: rows of rebalances not yet written, the last attribution."""
        self.executor.open_orders.enter_fills()
        self.executor.tracker.finish(t_ns, self.orders.books.holding().leverage)
        self._log_backlog(self.progress.orders)
        self.reconciliation.end_interval(t_ns)

    def _withhold(self, orders: Sequence[RebalanceOrder]) -> None:
        """Write down orders that an arm holds back, as if the reset had been made; the position stays."""
        for order in orders:
            order.is_withheld = True
            self.executor.tracker.ended(order, self.orders.books.holding().leverage)
        self.pass_reset()
        self._remember_reset()

    def _remember_reset(self) -> None:
        self.orders.books.mark_reset(self.orders.source)
        self.reconciliation.end_interval(self.orders.clock.now_ns)

    def _log_backlog(self, orders: Sequence[RebalanceOrder]) -> None:
        """Log what orders of one reset could not trade, and why."""
        left = [order.backlog() for order in orders if order.reason is not None]
        if left:
            self.log.write("backlog", {"orders": left})
