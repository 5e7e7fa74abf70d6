"""Open orders of a fund: children in the market, and the entry of their fills into books, parents and measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.orders.parent import OpenOrder, ParentOrder
from marketsim.issuers.orders.post_trade import PostTradeTracker
from marketsim.messages import Fill, Purpose

if TYPE_CHECKING:
    from marketsim.venues.view import View


@dataclass(slots=True)
class OpenOrders:
    """Children of one token that are on their way or in the book.

    is_fund: whether an account is a token's. absorb_costs: hears the fills of rebalances by market, to pay the fund
    back what they cost where the issuer bears that.
    """

    view: View
    books: TokenBooks
    tracker: PostTradeTracker
    is_fund: Callable[[int], bool]
    absorb_costs: Callable[[str, list[Fill]], None]
    orders: list[OpenOrder] = field(default_factory=list)

    def enter_fills(self) -> None:
        """Enter what open orders have got since the last time; called before anybody looks at the account."""
        for sent in self.orders:
            fills = sent.order.fills[sent.entered :]
            if fills:
                sent.entered += len(fills)
                self.enter(sent.parent, fills, in_book=True)

    def enter(self, parent: ParentOrder, fills: list[Fill], *, in_book: bool) -> None:
        """Enter fills of one parent order at one instant."""
        self.books.book_fills(parent.market, fills)
        if parent.purpose is Purpose.REBALANCE:
            self.absorb_costs(parent.market, fills)
        crossed = sum(abs(fill.lots) for fill in fills if self.is_fund(fill.other_account))
        parent.book(fills, in_book=in_book, cross_lots=crossed, mid=self.view.mid(parent.market))
        self.tracker.filled(parent)
