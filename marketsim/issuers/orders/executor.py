"""The parent-order executor: sends the children of a fund's orders as they fall due, and hears what became of them.

A plan says what is due (`algorithms`); here it is sent, waited for, moved, tried again when the venue refuses it, and
given up. Fills are entered as they happen, those of resting orders too. Everything remembered stands in the parent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from marketsim.issuers.algorithms.child import Child, ChildKind, Progress
from marketsim.issuers.books.reconciliation import Reconciliation
from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.context import AddRow, ChangeSignal
from marketsim.issuers.fund.token import LegTerms, TokenState
from marketsim.issuers.orders.off_book import OffBookTrading
from marketsim.issuers.orders.open_orders import OpenOrders
from marketsim.issuers.orders.parent import OpenOrder, ParentOrder, Unfilled
from marketsim.issuers.orders.post_trade import PostTradeTracker
from marketsim.issuers.orders.treatment import Flow, Treatment
from marketsim.messages import Purpose

if TYPE_CHECKING:
    from marketsim.clock import Event, MarketEnvironment, ProcessGenerator
    from marketsim.venues.gateway import Gateway
    from marketsim.venues.view import View

CROSSED = "post_only"
"""Why a venue refuses a resting order that would trade at once: no fault, its price is taken anew at the next look."""


@dataclass(slots=True)
class ParentOrderExecutor:
    """Works the parent orders of one token.

    log_rebalance: says that an order takes time. treatment: takes flows out of the market that an arm wants out of it.
    heard: tells who asks that a child or an order has ended.
    """

    env: MarketEnvironment
    view: View
    gateway: Gateway
    books: TokenBooks
    open_orders: OpenOrders
    off_book: OffBookTrading
    reconciliation: Reconciliation
    tracker: PostTradeTracker
    treatment: Treatment
    log_rebalance: Callable[[], None]
    add_row: AddRow
    heard: ChangeSignal

    def begin(self, parent: ParentOrder) -> Event:
        """Work an order from now on; the event fires when it is over."""
        parent.over = self.env.event()
        self.env.process(self.work(parent))
        return parent.over

    def recall(self, parent: ParentOrder) -> ProcessGenerator:
        """End an order before its time: nothing more is sent, and what rests in the book comes back."""
        parent.unfilled = parent.unfilled or Unfilled.SUPERSEDED
        if parent.children.on_its_way is not None:
            yield parent.children.on_its_way.order.done
        if not parent.is_over:
            yield from self._call_back(parent)
            self._end(parent)

    def work(self, parent: ParentOrder) -> ProcessGenerator:
        """Send children as they fall due, until all is done, nothing more is to be had, or the venue stepped in."""
        leg = next(leg for leg in self.books.token.legs if leg.market == parent.market)
        seizures = self.reconciliation.seizures
        while (due_ns := parent.next_due_ns()) is not None:
            if due_ns > self.env.now:
                if parent.purpose is Purpose.REBALANCE:
                    self.log_rebalance()
                yield from self._wait(parent, due_ns)
                if parent.is_over:
                    return
                self.reconciliation.reconcile()
            if self._must_stop(parent, seizures) or int(self.env.now) < due_ns:
                continue
            yield from self._send_due(parent, leg)
        yield from self._call_back(parent)
        self._end(parent)

    def _end(self, parent: ParentOrder) -> None:
        """Close an order, once."""
        if parent.is_over:
            return
        self.tracker.ended(parent, self.books.holding().leverage)
        if parent.over is not None:
            parent.over.succeed()
        self.heard.notify()

    def _wait(self, parent: ParentOrder, due_ns: int) -> ProcessGenerator:
        """Until the next child is due, or the resting one is final."""
        alarm = self.env.timeout(due_ns - int(self.env.now))
        if parent.children.resting is None:
            yield alarm
            return
        sent = parent.children.resting
        yield self.env.any_of([alarm, sent.order.done])
        if sent is parent.children.resting and sent.order.is_final:
            self._retire(parent, sent)

    def _must_stop(self, parent: ParentOrder, seizures: int) -> bool:
        if self.books.token.state is TokenState.WIPED:
            parent.unfilled = Unfilled.WIPED
        elif self.reconciliation.seizures != seizures:
            parent.unfilled = Unfilled.SEIZED
        elif parent.purpose is Purpose.REBALANCE and not self.books.token.supply_lots:
            parent.unfilled = Unfilled.EMPTY
        return parent.unfilled is not None

    def _send_due(self, parent: ParentOrder, leg: LegTerms) -> ProcessGenerator:
        if parent.children.resting is not None:
            child = self._child(parent, leg)
            if child.kind is ChildKind.RESTING and child.limit_ticks == parent.children.resting.child.limit_ticks:
                parent.children.number += 1
                return
            yield from self._call_back(parent)
            if parent.unfilled is not None:
                return
        if self.treatment.flow(parent.purpose) is Flow.BOOK:
            parent.resize()
        child = self._child(parent, leg)
        parent.children.number += 1
        if not child.lots:
            parent.child_skipped(is_held_back=child.is_held_back)
        elif child.kind is ChildKind.OFF_BOOK and self.gateway.is_in_liquidation(self.books.token.account):
            parent.unfilled = Unfilled.SEIZED  # the venue closes the position; until then nobody else trades it
        elif child.kind is ChildKind.OFF_BOOK:
            fill = self.off_book.trade(parent.market, child.lots)
            self.open_orders.enter(parent, [fill], in_book=False)
            self._note_child(parent, child, int(self.env.now), child.lots, self.view.mid(parent.market), "filled")
            parent.child_ended(got_something=True)
            self.heard.notify()
        else:
            sent = self._send(parent, child)
            if child.kind is ChildKind.RESTING:
                parent.children.resting = sent
            else:
                parent.children.on_its_way = sent
                yield sent.order.done
                parent.children.on_its_way = None
                self._retire(parent, sent)

    def _child(self, parent: ParentOrder, leg: LegTerms) -> Child:
        """The child that is due: at the mark with `outside` where an arm wants that, at market without a book."""
        child = parent.terms.plan.child(self._progress(parent, leg))
        if self.treatment.flow(parent.purpose) is Flow.OFF_BOOK:
            return replace(child, kind=ChildKind.OFF_BOOK, limit_ticks=None)
        if child.kind is not ChildKind.OFF_BOOK and not self.view.has_book(parent.market):
            return replace(child, kind=ChildKind.MARKET, limit_ticks=None)
        return child

    def _note_child(
        self, parent: ParentOrder, child: Child, sent_ns: int, filled_lots: int, mid: float | None, reason: str
    ) -> None:
        self.add_row("children", **parent.child_row(child, sent_ns, int(self.env.now), filled_lots, mid, reason))

    def _send(self, parent: ParentOrder, child: Child) -> OpenOrder:
        mid = self.view.mid(parent.market)
        order = self.gateway.send(
            self.books.token.account,
            parent.market,
            child.lots,
            order_type="market" if child.kind is ChildKind.MARKET else "limit",
            price_ticks=child.limit_ticks,
            tif="post_only" if child.kind is ChildKind.RESTING else "ioc",
            purpose=parent.purpose,
            parent=parent.terms.id,
            decided_ns=parent.terms.decided_ns,
        )
        if child.kind is ChildKind.RESTING:
            order.on_fill = self.reconciliation.reconcile
        sent = OpenOrder(parent, order, child, int(self.env.now), mid)
        self.open_orders.orders.append(sent)
        return sent

    def _call_back(self, parent: ParentOrder) -> ProcessGenerator:
        """Take the resting order out of the book, if there is one, and wait until it is final."""
        sent = parent.children.resting
        if sent is not None:
            if not sent.order.is_final:
                self.gateway.cancel(sent.order)
                yield sent.order.done
            if parent.children.resting is sent:
                self._retire(parent, sent)

    def _retire(self, parent: ParentOrder, sent: OpenOrder) -> None:
        """Enter the end of a child: what it got, or why the venue refused it."""
        self.open_orders.enter_fills()
        self.open_orders.orders.remove(sent)
        parent.children.resting = None
        order = sent.order
        self._note_child(parent, sent.child, sent.sent_ns, order.filled_lots, sent.mid, order.reason)
        if sent.order.status == "rejected" and sent.order.reason != CROSSED:
            parent.child_refused(sent.order.reason, int(self.env.now))
        else:
            parent.child_ended(got_something=bool(sent.order.fills), is_held_back=sent.child.is_held_back)
        if not parent.fills.gross_lots:
            parent.fills.last_mid = self.view.mid(parent.market)
        self.reconciliation.reconcile()
        self.heard.notify()

    def _progress(self, parent: ParentOrder, leg: LegTerms) -> Progress:
        market, mark = parent.market, self.view.mark_ticks(parent.market)
        opposite = self.view.ask_ticks(market) if parent.remaining_lots > 0 else self.view.bid_ticks(market)
        return Progress(
            parent.children.number,
            parent.remaining_lots,
            Fraction(self.books.price(market, "mid")),
            leg.atoms_per_tick_lot,
            parent.fills.gross_lots,
            self.view.volume_lots(market) - parent.terms.volume_before_lots - parent.fills.in_book_lots,
            mark if opposite is None else opposite,
        )
