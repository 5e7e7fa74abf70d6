"""Post-trade tracking: the volume of a rebalance's window, the mids after its last fill, its row once all is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from marketsim.issuers.orders.parent import ParentOrder, Unfilled
from marketsim.issuers.orders.rebalance_order import MIDS_AFTER, RebalanceOrder, RebalanceRegister

if TYPE_CHECKING:
    from marketsim.clock import MarketEnvironment, ProcessGenerator
    from marketsim.venues.view import View


@dataclass(slots=True)
class PostTradeTracker:
    """Follows the rebalance orders of one token from fill to fill; the register gets each when it is complete."""

    env: MarketEnvironment
    view: View
    register: RebalanceRegister
    orders: dict[int, RebalanceOrder] = field(default_factory=dict)

    def begin(self, order: RebalanceOrder) -> None:
        """Take up a new order."""
        self.orders[order.terms.id] = order

    def filled(self, parent: ParentOrder) -> None:
        """Note that a child got something at this instant; orders that were not taken up are not followed."""
        order = self.orders.get(parent.terms.id)
        if order is parent and order is not None:
            self.env.process(self._follow(order, parent.fills.last_ns))

    def ended(self, parent: ParentOrder, leverage: Fraction | None) -> None:
        """Note that the last child is final, and the leverage it left."""
        parent.is_over = True
        order = self.orders.get(parent.terms.id)
        if order is parent and order is not None:
            order.after.leverage = leverage
            order.after.is_complete |= not order.fills.gross_lots
            self._write_if_complete(order)

    def finish(self, t_ns: int, leverage: Fraction | None) -> None:
        """Complete what is still open at the end of the run; a mid due exactly then is taken."""
        for order in list(self.orders.values()):
            after, fills = order.after, order.fills
            if after.measured_ns != fills.last_ns:
                self._measure(order, self.view.volume_lots(order.market))
            for column, after_ns in MIDS_AFTER.items():
                if column not in after.mids and fills.gross_lots and fills.last_ns + after_ns == t_ns:
                    after.mids[column] = self.view.mid(order.market)
            after.is_complete = True
            if not order.is_over:
                order.unfilled = order.unfilled or Unfilled.END_OF_RUN
            self.ended(order, after.leverage if order.is_over else leverage)

    def _follow(self, order: RebalanceOrder, fill_ns: int) -> ProcessGenerator:
        """Note the volume at the end of a fill's instant, then the mids after it, unless a later fill comes."""
        yield self.env.timeout(1)
        self._measure(order, self.view.volume_before_lots(order.market))
        for column, after_ns in MIDS_AFTER.items():
            yield self.env.timeout(fill_ns + after_ns - int(self.env.now))
            if order.fills.last_ns != fill_ns:
                return
            order.after.mids[column] = self.view.mid(order.market)
        order.after.is_complete = True
        self._write_if_complete(order)

    def _measure(self, order: RebalanceOrder, traded_lots: int) -> None:
        order.after.volume_lots = traded_lots - order.terms.volume_before_lots
        order.after.measured_ns = order.fills.last_ns

    def _write_if_complete(self, order: RebalanceOrder) -> None:
        if order.is_over and order.after.is_complete and self.orders.get(order.terms.id) is order:
            del self.orders[order.terms.id]
            self.register.complete(order)
