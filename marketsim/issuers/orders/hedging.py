"""Hedging: works the perpetuals a fund trades because cash came in or goes out, or because it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketsim.issuers.algorithms.child import ExecutionPlan
from marketsim.issuers.books.reconciliation import Reconciliation
from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.orders.executor import ParentOrderExecutor
from marketsim.issuers.orders.off_book import OffBookTrading
from marketsim.issuers.orders.parent import OrderTerms, ParentOrder
from marketsim.messages import Fill, Purpose

if TYPE_CHECKING:
    from marketsim.clock import MarketEnvironment, ProcessGenerator

FillHook = Callable[[str, Sequence[Fill]], None]
"""Hears the fills of a hedge: market, fills."""


@dataclass(slots=True, eq=False, kw_only=True)
class HedgeOrder(ParentOrder):
    """One leg's order of a hedge; its fills go to `on_fills` as they happen. Not a row of table `rebalances`."""

    side: Purpose
    on_fills: FillHook

    @property
    def purpose(self) -> Purpose:
        """Creation or redemption."""
        return self.side

    def book(self, fills: list[Fill], *, in_book: bool, cross_lots: int, mid: float | None) -> None:
        """Enter fills, and pass them on."""
        ParentOrder.book(self, fills, in_book=in_book, cross_lots=cross_lots, mid=mid)
        self.on_fills(self.market, fills)


@dataclass(slots=True)
class Hedging:
    """Works hedges of one token; rebalances meanwhile count them as done (`books.committed`).

    next_number: a number for a new hedge, of all tokens together. plan: by which hedges of the primary market trade.
    """

    env: MarketEnvironment
    books: TokenBooks
    executor: ParentOrderExecutor
    off_book: OffBookTrading
    reconciliation: Reconciliation
    next_number: Callable[[], int]

    def work(
        self, lots: Mapping[str, int], side: Purpose, number: int, plan: ExecutionPlan, on_fills: FillHook
    ) -> ProcessGenerator:
        """Trade signed lots by market by a plan, all under one number, until all orders are over."""
        orders = self._orders(lots, side, number, plan, on_fills)
        self.books.hedges += orders
        yield self.env.all_of([self.env.process(self.executor.work(order)) for order in orders])
        self.books.hedges = [hedge for hedge in self.books.hedges if not any(hedge is order for order in orders)]
        self.reconciliation.reconcile()

    def close_off_book(self) -> None:
        """Close at the mark whatever position is left."""
        for leg in self.books.holding().legs:
            if leg.position_lots and not self.books.token.is_over:
                fill = self.off_book.trade(leg.market, -leg.position_lots)
                self.books.book_fills(leg.market, [fill])

    def _orders(
        self, lots: Mapping[str, int], side: Purpose, number: int, plan: ExecutionPlan, on_fills: FillHook
    ) -> list[HedgeOrder]:
        token, view, now_ns = self.books.token, self.books.view, int(self.env.now)
        return [
            HedgeOrder(
                OrderTerms(
                    id=number,
                    token=token.id,
                    market=leg.market,
                    tick=float(leg.tick),
                    plan=plan.opened(now_ns, place),
                    decided_ns=now_ns,
                    target_lots=lots[leg.market],
                    arrival_mid=view.mid(leg.market),
                    volume_before_lots=view.volume_before_lots(leg.market),
                ),
                side=side,
                on_fills=on_fills,
            )
            for place, leg in enumerate(token.legs)
            if leg.market in lots
        ]
