"""Trading off the book: a fund trades at the mark against `outside`, and no order reaches the market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketsim.messages import Fill

if TYPE_CHECKING:
    from marketsim.venues.gateway import Gateway
    from marketsim.venues.view import View


@dataclass(frozen=True, slots=True)
class OffBookTrading:
    """Trades of one account at the mark; charges_fee: whether they pay the taker fee."""

    account: int
    view: View
    gateway: Gateway
    charges_fee: bool

    def trade(self, market: str, lots: int) -> Fill:
        """Trade signed lots now."""
        price_ticks = self.view.mark_ticks(market)
        return self.gateway.off_book(self.account, market, lots, price_ticks=price_ticks, charge_fee=self.charges_fee)
