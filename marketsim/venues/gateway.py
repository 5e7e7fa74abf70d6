"""The gateway: the only way in which a Python participant acts on a venue and learns what came of it.

`send` stamps an order and puts it on its way; it reaches the book after the participant's latency. What is sent without
one leaves when all have decided who decide at that instant. Messages of several participants that arrive at one instant
go in an order drawn for it, by their `arrival_keys`. Fills and ends come back as notices of the kernel, at the exact
instant, in phase DELIVERY.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from marketsim.clock import Event, MarketEnvironment
from marketsim.errors import UsageError
from marketsim.kernel import advance as doors
from marketsim.kernel import codes
from marketsim.kernel.layout import NOTICE
from marketsim.messages import Fill, Order, Purpose
from marketsim.streams import stream_key
from marketsim.venues.clearing import ArrivingOrder, Clearing

TIFS = {"gtc": 0, "ioc": codes.F_IOC, "post_only": codes.F_POST_ONLY}
ORDER_TYPES = ("limit", "market")
LARGEST_ORDER_ATOMS = 2**60  # more might overflow an account's 64 bits; the book rejects it for its size
LARGEST_PRICE_TICKS = 2**40
_ENTRY = {name: code for code, name in enumerate(codes.ENTRIES)}
_field = (NOTICE.names or ()).index
_T, _KIND, _ACCOUNT, _MARKET = _field("t_ns"), _field("kind"), _field("account"), _field("market")
_ORDER, _LOTS, _PRICE, _FEE = _field("order_id"), _field("lots"), _field("price_ticks"), _field("fee_atoms")
_MARK, _INDEX = _field("mark_ticks"), _field("index_ticks")
_REASON, _OTHER = _field("reason"), _field("other_account")


def arrival_key(seed: int, replication: int, name: str) -> int:
    """Key of the stream that ranks the messages of a fund, an agent, a trader with a desk or the venue's engines."""
    key = stream_key(seed, replication, f"arrival:{name}")
    return key - 2**64 if key >= 2**63 else key


class Gateway:
    """Sends, cancels, trades off the book and pays, for accounts of Python participants.

    positions: record of (account, market); outside: record of `outside` by market; ledger: the account of a ledger
    cohort in an account's own venue and currency, by (account, cohort). ticks: size of a tick by market, for average
    prices. clearings: of the markets without a book, which take market orders only. requests: who deals in the primary
    of each token market; paid: told of every payment (account, entry, atoms). arrival_keys: by account, of the stream
    that ranks its messages among those of one instant; who has none comes in the order of sending.
    `watch(account, hook)` calls `hook()` when the venue liquidates or deleverages that account.
    """

    def __init__(
        self,
        env: MarketEnvironment,
        positions: Mapping[tuple[int, str], int],
        outside: Mapping[str, int],
        ledger: Mapping[tuple[int, str], int],
    ) -> None:
        self.env = env
        self._world = env.world
        self._positions = positions
        self._outside = outside
        self._ledger = ledger
        self._orders: dict[int, Order] = {}
        self._called_back: dict[int, int] = {}  # when a cancel arrives for an order that is still on its way
        self._hooks: dict[int, Callable[[], None]] = {}
        self.ticks: dict[str, Decimal] = {}
        self.clearings: dict[str, Clearing] = {}
        self.requests: dict[int, Callable[[int, int], None]] = {}
        self.paid: list[Callable[[int, str, int], None]] = []
        self.arrival_keys: dict[int, int] = {}
        self._held: list[Callable[[], None]] = []
        env.on_notice = self._handle_notice
        env.on_release = self._let_go

    def watch(self, account: int, hook: Callable[[], None]) -> None:
        """Call `hook` whenever the venue touches the account's position by liquidation or deleveraging."""
        self._hooks[account] = hook

    def send(
        self,
        account: int,
        market: str,
        lots: int,
        *,
        order_type: str = "limit",
        price_ticks: int | None = None,
        tif: str = "gtc",
        reduce_only: bool = False,
        purpose: int = Purpose.NORMAL,
        parent: int = -1,
        latency_ns: int = 0,
        decided_ns: int | None = None,
    ) -> Order:
        """Send an order of signed lots (+ buys); returns at once, `order.done` fires when the order is final.

        A market order takes what there is and cancels its rest. An order that cannot stand comes back `rejected` with
        its reason. decided_ns: when the order it is a part of was decided, absent: now. Raises UsageError for words and
        combinations that are no order, and for a limit order where there is no book.
        """
        flags = _flags(order_type, price_ticks, tif) | (codes.F_REDUCE if reduce_only else 0)
        if market in self.clearings and order_type != "market":
            raise UsageError(
                f"type was {order_type!r}; {market} matches by a formula, has no book and takes market orders"
            )
        flags |= codes.F_SIDE if lots < 0 else 0
        order_id = self._world.next_order_id()
        order = Order(order_id, account, market, lots, Event(self.env), tick=self.ticks.get(market))
        self._orders[order_id] = order
        price, size = 1 if price_ticks is None else price_ticks, abs(lots)
        number = self.env.markets[market]
        worth = max(price, self._world.market_int(number, "mark_ticks")) * self._world.market_int(number, "atoms")
        if price > LARGEST_PRICE_TICKS:
            price = 0
        elif size * worth > LARGEST_ORDER_ATOMS:
            size = 0
        if market in self.clearings:
            position, decided = self._positions[account, market], self.env.now if decided_ns is None else decided_ns
            arriving = ArrivingOrder(order, position, flags, size, int(purpose), parent, decided)
            self.clearings[market].take(arriving, self.env.now + latency_ns)
            return order
        position, key = self._positions[account, market], self.arrival_keys.get(account, 0)
        # an enum would cost the compiled door twenty microseconds to recognise
        message = (position, flags, price, size, int(purpose), parent, order_id, key)
        self._leave(self.env.now + latency_ns, partial(self._world.send_order, self.env.now + latency_ns, *message))
        return order

    def _leave(self, arrival_ns: int, send: Callable[[], None]) -> None:
        """Send a message now; one that arrives at once when all have decided who decide now."""
        if arrival_ns > self.env.now or self.env.is_closed:
            send()
            return
        self._held.append(send)
        self.env.hold()

    def _let_go(self) -> None:
        held, self._held = self._held, []
        for send in held:
            send()

    def cancel(self, order: Order, latency_ns: int = 0) -> None:
        """Ask for an order back; nothing happens if it is gone when the message arrives.

        One still on its way is taken back as soon as both messages are at the venue.
        """
        arrival = self.env.now + latency_ns
        if order.record >= 0:
            self._send_cancel(order, arrival)
        elif not order.is_final:
            self._called_back[order.order_id] = arrival

    def _send_cancel(self, order: Order, arrival_ns: int) -> None:
        position, key = self._positions[order.account, order.market], self.arrival_keys.get(order.account, 0)
        message = (arrival_ns, position, order.record, order.order_id, key)
        self._leave(arrival_ns, partial(self._world.send_cancel, *message))

    def cancel_all(self, market: str) -> None:
        """Cancel every resting order of a market; their owners are notified."""
        gone = codes.MAX_FILLS
        while gone == codes.MAX_FILLS:
            self.env.on_log()  # room for the rows
            gone = int(doors.cancel_market(self._world.address, self.env.now, self.env.markets[market]))
            self.env.deliver_notices()

    def is_in_liquidation(self, account: int) -> bool:
        """Whether the venue has an account in its queue, or an order on the way for it: it can send nothing then."""
        return int(self._world.accounts["state"][account]) == codes.S_QUEUED

    def off_book(self, account: int, market: str, lots: int, *, price_ticks: int, charge_fee: bool) -> Fill:
        """Trade signed lots at a price against `outside`, at once and in no book."""
        now, position = self.env.now, self._positions[account, market]
        fee = doors.trade_off_book(
            self._world.address, now, position, self._outside[market], lots, price_ticks, int(charge_fee)
        )
        number = self.env.markets[market]
        mark, index = self._world.market_int(number, "mark_ticks"), self._world.market_int(number, "index_ticks")
        return Fill(now, price_ticks, lots, int(fee), mark, index)

    def pay(self, from_account: int, to_cohort: str, atoms: int, entry: str) -> None:
        """Move cash from an account to a ledger cohort under a ledger entry."""
        doors.pay_atoms(self._world.address, _ENTRY[entry], from_account, self._ledger[from_account, to_cohort], atoms)
        for hook in self.paid:
            hook(from_account, entry, atoms)

    def ledger_account(self, near: int, role: str) -> int:
        """Account of a ledger cohort (`issuer:alpha`, `rounding`) in an account's venue and currency."""
        return self._ledger[near, role]

    def transfer(self, payer: int, receiver: int, atoms: int, entry: str) -> None:
        """Move cash between two accounts of one venue and currency under a ledger entry; less than 0 goes back."""
        if atoms < 0:
            payer, receiver, atoms = receiver, payer, -atoms
        if atoms:
            doors.pay_atoms(self._world.address, _ENTRY[entry], payer, receiver, atoms)

    def hand_over(self, giver: int, receiver: int, market: str, lots: int, price_ticks: int) -> None:
        """Hand signed lots of a position from one account to another at a price, free of charge and in no book."""
        positions = self._positions
        given, taken = positions[giver, market], positions[receiver, market]
        doors.trade_off_book(self._world.address, self.env.now, taken, given, lots, price_ticks, 0)

    # -- what comes back

    def _handle_notice(self, notices: memoryview, row: int) -> None:
        kind = notices[row + _KIND]
        if kind == codes.N_REQUEST:
            self._pass_on(notices, row)
            return
        if kind == codes.N_IMPACT:
            self._clearing_of(notices[row + _MARKET]).hear(notices[row + _LOTS], notices[row + _T])
            return
        if kind == codes.N_LIQUIDATION:
            hook = self._hooks.get(notices[row + _ACCOUNT])
            if hook is not None:
                self._call(hook, notices[row + _T])
            return
        order = self._orders.get(notices[row + _ORDER])
        if order is None:
            return
        if kind == codes.N_FILL:
            self._fill(order, notices, row)
        elif kind == codes.N_RESTING:
            order.status, order.record = "resting", notices[row + _OTHER]
            if order.order_id in self._called_back:
                self._send_cancel(order, max(self._called_back.pop(order.order_id), notices[row + _T]))
        else:
            self._finish(order, notices, row)

    def _clearing_of(self, number: int) -> Clearing:
        return next(clearing for clearing in self.clearings.values() if clearing.number == number)

    def _pass_on(self, notices: memoryview, row: int) -> None:
        """A holder asks a token's fund for units: hand it on to the token's primary market, at this instant."""
        deal = self.requests.get(notices[row + _MARKET])
        if deal is not None:
            account, lots = notices[row + _ACCOUNT], notices[row + _LOTS]
            wake: Any = Event(self.env)
            wake.callbacks.append(lambda _: deal(account, lots))
            self.env.fire(wake, notices[row + _T])

    def _fill(self, order: Order, notices: memoryview, row: int) -> None:
        lots = notices[row + _LOTS]
        order.filled_lots += lots
        order.fills.append(
            Fill(
                notices[row + _T],
                notices[row + _PRICE],
                lots,
                notices[row + _FEE],
                notices[row + _MARK],
                notices[row + _INDEX],
                notices[row + _OTHER],
            )
        )
        if order.on_fill is not None:
            self._call(order.on_fill, notices[row + _T])

    def _call(self, hook: Callable[[], None], t_ns: int) -> None:
        """Call somebody at the kernel's instant, in phase DELIVERY: until then the clock stands before it."""
        wake: Any = Event(self.env)
        wake.callbacks.append(lambda _: hook())
        self.env.fire(wake, t_ns)

    def _finish(self, order: Order, notices: memoryview, row: int) -> None:
        reason = notices[row + _REASON]
        order.reason = codes.REASONS[reason]
        order.record = -1
        if reason == codes.R_FILLED:
            order.status = "filled"
        elif order.status == "resting" or order.fills or reason in (codes.R_IOC_REST, codes.R_EMPTY_BOOK):
            order.status = "cancelled"
        else:
            order.status = "rejected"
        del self._orders[order.order_id]
        self._called_back.pop(order.order_id, None)
        self.env.fire(order.done, notices[row + _T], order)


def _flags(order_type: str, price_ticks: int | None, tif: str) -> int:
    """The kernel's flags of an order's type and time in force."""
    if order_type not in ORDER_TYPES:
        raise UsageError(f"type was {order_type!r}; allowed: {', '.join(ORDER_TYPES)}")
    if (price_ticks is None) != (order_type == "market"):
        raise UsageError(
            f"a {order_type} order was given price {price_ticks}; a limit order has one, a market order none"
        )
    if tif not in TIFS:
        raise UsageError(f"tif was {tif!r}; allowed: {', '.join(TIFS)}")
    return codes.F_NOTIFY | (codes.F_MARKET | codes.F_IOC if order_type == "market" else TIFS[tif])
