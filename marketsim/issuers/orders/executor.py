"""The dealer: works a token's parent orders in the market, child by child, and hears what became of them.

A plan says what is due (`algorithms`); here it is sent, waited for, moved, tried again when the venue refuses it, and
given up. Fills are entered as they happen, those of resting orders too. Everything remembered stands in the parent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from marketsim.issuers.algorithms.child import Child, ChildKind, Progress
from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.fund.token import LegTerms, TokenState
from marketsim.issuers.orders.parent import LiveOrder, ParentOrder, Unfilled
from marketsim.issuers.orders.post_trade import Aftermath
from marketsim.issuers.orders.treatment import Flow, Treatment
from marketsim.messages import Purpose

if TYPE_CHECKING:
    from marketsim.clock import MarketEnvironment, ProcessGenerator
    from marketsim.messages import Fill
    from marketsim.venues.gateway import Gateway
    from marketsim.venues.view import View

CROSSED = "post_only"
"""Why a venue refuses a resting order that would trade at once: no fault, its price is taken anew at the next look."""


@dataclass(slots=True)
class Dealer:
    """Works the parent orders of one token.

    off_book_fees: whether off-book fills pay the taker fee. is_fund: whether an account is a token's. take_stock:
    enters what the venue did to the account. announce: says that an order takes time. make_good: hears the fills of
    rebalances by market, to pay for what they cost. add_row: `journal.add`, for table `children`. treatment: takes
    flows out of the market that an arm wants out of it.
    """

    env: MarketEnvironment
    view: View
    gateway: Gateway
    books: TokenBooks
    aftermath: Aftermath
    off_book_fees: bool
    is_fund: Callable[[int], bool]
    take_stock: Callable[[], None]
    announce: Callable[[], None]
    add_row: Callable[..., None]
    treatment: Treatment
    make_good: Callable[[str, list[Fill]], None]
    seizures: int = 0
    live: list[LiveOrder] = field(default_factory=list)

    def enter_fills(self) -> None:
        """Enter what the orders under way have got since the last time; called before anybody looks at the account."""
        for live in self.live:
            fills = live.order.fills[live.entered :]
            if fills:
                live.entered += len(fills)
                self._enter(live.parent, fills, in_book=True)

    def work(self, parent: ParentOrder) -> ProcessGenerator:
        """Send children as they fall due, until all is done, nothing more is to be had, or the venue stepped in."""
        leg = next(leg for leg in self.books.token.legs if leg.market == parent.market)
        seizures = self.seizures
        while (due_ns := parent.next_due_ns()) is not None:
            if due_ns > self.env.now:
                if parent.purpose is Purpose.REBALANCE:
                    self.announce()
                yield from self._wait(parent, due_ns)
                self.take_stock()
            if self._must_stop(parent, seizures) or int(self.env.now) < due_ns:
                continue
            yield from self._send_due(parent, leg)
        yield from self._call_back(parent)
        self.aftermath.ended(parent, self.books.holding().leverage)

    def _wait(self, parent: ParentOrder, due_ns: int) -> ProcessGenerator:
        """Until the next child is due, or the resting one is final."""
        alarm = self.env.timeout(due_ns - int(self.env.now))
        if parent.resting is None:
            yield alarm
            return
        yield self.env.any_of([alarm, parent.resting.order.done])
        if parent.resting.order.is_final:
            self._retire(parent, parent.resting)

    def _must_stop(self, parent: ParentOrder, seizures: int) -> bool:
        if self.books.token.state is TokenState.WIPED:
            parent.unfilled = Unfilled.WIPED
        elif self.seizures != seizures:
            parent.unfilled = Unfilled.SEIZED
        return parent.unfilled is not None

    def _send_due(self, parent: ParentOrder, leg: LegTerms) -> ProcessGenerator:
        child = self._child(parent, leg)
        if parent.resting is not None:
            if child.kind is ChildKind.RESTING and child.limit_ticks == parent.resting.child.limit_ticks:
                parent.number += 1
                return
            yield from self._call_back(parent)
            child = self._child(parent, leg)
        parent.number += 1
        if not child.lots:
            parent.child_skipped(is_held_back=child.is_held_back)
        elif child.kind is ChildKind.OFF_BOOK:
            self._enter(parent, [self._trade_off_book(parent, child.lots)], in_book=False)
            self._note_child(parent, child, int(self.env.now), child.lots, self.view.mid(parent.market), "filled")
            parent.child_ended(got_something=True)
        else:
            live = self._send(parent, child)
            if child.kind is ChildKind.RESTING:
                parent.resting = live
            else:
                yield live.order.done
                self._retire(parent, live)

    def _child(self, parent: ParentOrder, leg: LegTerms) -> Child:
        """The child that is due, at the mark with `outside` where its flow is taken out of the book."""
        child = parent.plan.child(self._progress(parent, leg))
        if self.treatment.flow(parent.purpose) is Flow.OFF_BOOK:
            return replace(child, kind=ChildKind.OFF_BOOK, limit_ticks=None)
        return child

    def _note_child(
        self, parent: ParentOrder, child: Child, sent_ns: int, filled_lots: int, mid: float | None, reason: str
    ) -> None:
        self.add_row("children", **parent.child_row(child, sent_ns, int(self.env.now), filled_lots, mid, reason))

    def _send(self, parent: ParentOrder, child: Child) -> LiveOrder:
        mid = self.view.mid(parent.market)
        order = self.gateway.send(
            self.books.token.account,
            parent.market,
            child.lots,
            order_type="market" if child.kind is ChildKind.MARKET else "limit",
            price_ticks=child.limit_ticks,
            tif="post_only" if child.kind is ChildKind.RESTING else "ioc",
            purpose=parent.purpose,
            parent=parent.id,
        )
        if child.kind is ChildKind.RESTING:
            order.on_fill = self.take_stock
        live = LiveOrder(parent, order, child, int(self.env.now), mid)
        self.live.append(live)
        return live

    def _call_back(self, parent: ParentOrder) -> ProcessGenerator:
        """Take the resting order out of the book, if there is one, and wait until it is final."""
        live = parent.resting
        if live is not None:
            if not live.order.is_final:
                self.gateway.cancel(live.order)
                yield live.order.done
            self._retire(parent, live)

    def _retire(self, parent: ParentOrder, live: LiveOrder) -> None:
        """Enter the end of a child: what it got, or why the venue refused it."""
        self.enter_fills()
        self.live.remove(live)
        parent.resting = None
        order = live.order
        self._note_child(parent, live.child, live.sent_ns, order.filled_lots, live.mid, order.reason)
        if live.order.status == "rejected" and live.order.reason != CROSSED:
            parent.child_refused(live.order.reason, int(self.env.now))
        else:
            parent.child_ended(got_something=bool(live.order.fills), is_held_back=live.child.is_held_back)
        if not parent.filled_lots:
            parent.last_mid = self.view.mid(parent.market)
        self.take_stock()

    def _enter(self, parent: ParentOrder, fills: list[Fill], *, in_book: bool) -> None:
        self.books.book_fills(parent.market, fills)
        if parent.purpose is Purpose.REBALANCE:
            self.make_good(parent.market, fills)
        crossed = sum(abs(fill.lots) for fill in fills if self.is_fund(fill.other_account))
        parent.book(fills, in_book=in_book, cross_lots=crossed, mid=self.view.mid(parent.market))
        self.aftermath.filled(parent)

    def _trade_off_book(self, parent: ParentOrder, lots: int) -> Fill:
        return self.gateway.off_book(
            self.books.token.account,
            parent.market,
            lots,
            price_ticks=self.view.mark_ticks(parent.market),
            charge_fee=self.off_book_fees,
            purpose=parent.purpose,
            parent=parent.id,
        )

    def _progress(self, parent: ParentOrder, leg: LegTerms) -> Progress:
        market, mark = parent.market, self.view.mark_ticks(parent.market)
        opposite = self.view.ask_ticks(market) if parent.target_lots > 0 else self.view.bid_ticks(market)
        return Progress(
            parent.number,
            parent.remaining_lots,
            Fraction(self.books.price(market, "mid")),
            leg.atoms_per_tick_lot,
            abs(parent.filled_lots),
            self.view.volume_lots(market) - parent.volume_before_lots - parent.booked_lots,
            mark if opposite is None else opposite,
        )
