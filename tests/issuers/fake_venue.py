"""A small venue for the issuers' tests: one clock, prices set by hand, fills at the mark from a stated depth."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import simpy

from marketsim.announcements import AnnouncementFeed
from marketsim.issuers.context import LedgerAccounts, RunClock
from marketsim.issuers.desk import TokenDesk
from marketsim.issuers.desk_assembly import RunContext, TokenContext, open_desk
from marketsim.issuers.fund.holdings import HoldingsRegister, check_supply
from marketsim.issuers.fund.token import LegTerms
from marketsim.issuers.orders.rebalance_order import RebalanceRegister
from marketsim.issuers.token_spec import TokenSpec, open_token, opening_lots
from marketsim.messages import Fill
from marketsim.streams import Stream

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
BTC = "BTC-PERP"
TICK = Decimal("0.1")
ATOMS_PER_TICK_LOT = 10_000  # tick 0.1 USDT x lot 0.001 BTC
ISSUER, ROUNDING, HOLDERS, OUTSIDE = 1_200_000_000, 1_200_000_001, 1_200_000_002, 1_200_000_003
ALICE, BOB, CAROL = 1, 2, 3


@dataclass
class FakeOrder:
    done: Any
    fills: list[Fill]
    sent: dict[str, Any]
    status: str = "filled"
    reason: str = "filled"
    on_fill: Any = None

    @property
    def is_final(self) -> bool:
        return self.status in ("filled", "cancelled", "rejected")

    @property
    def filled_lots(self) -> int:
        return sum(fill.lots for fill in self.fills)

    @property
    def remaining_lots(self) -> int:
        lots: int = self.sent["lots"]
        return lots - sum(fill.lots for fill in self.fills)


class FakeCrossing(simpy.Event):
    """An event that the world lets happen when a price gets there."""

    is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


@dataclass
class FakeMarket:
    mark: int
    index: int
    mid: float | None
    volume: int = 0
    volume_before: tuple[int, int] = (-1, 0)  # the last instant of a trade, and the volume before it

    @property
    def prices(self) -> dict[str, float | None]:
        return {"mark": self.mark, "index": self.index, "last": self.mark, "mid": self.mid}


@dataclass
class World(simpy.Environment):
    """Clock, view and gateway in one; `depth` is how many lots an order finds, None for any number."""

    marks: dict[str, int]
    fee_parts: int = 0  # parts of 1e8 of notional
    slip_ticks: int = 0  # how much worse than the mark every order in the book fills
    depth: int | None = None
    refusals: list[str] = field(default_factory=list)  # reasons for which the next orders are refused
    cash: dict[int, int] = field(default_factory=dict)
    positions: dict[tuple[int, str], int] = field(default_factory=dict)
    funding: dict[int, int] = field(default_factory=dict)
    orders: list[FakeOrder] = field(default_factory=list)
    paid: list[tuple[int, int, str, int, str]] = field(default_factory=list)
    flows: list[tuple[int, int, int, str]] = field(default_factory=list)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    desks: list[TokenDesk] = field(default_factory=list)
    feed: AnnouncementFeed = field(default_factory=AnnouncementFeed)
    hedges: int = 0
    others_atoms: int = 0  # what everybody has who is not an account here

    def __post_init__(self) -> None:
        simpy.Environment.__init__(self)
        self.markets = {name: FakeMarket(ticks, ticks, float(ticks)) for name, ticks in self.marks.items()}
        self.crossings: list[tuple[FakeCrossing, str, str, int | None, int | None]] = []
        self.register = RebalanceRegister(self.add_row)

    __hash__ = object.__hash__

    def add_row(self, table: str, **row: Any) -> None:
        self.rows.setdefault(table, []).append(row)

    # -- clock

    def crossing(self, market: str, *, source: str, above: int | None = None, below: int | None = None) -> FakeCrossing:
        event = FakeCrossing(self)
        self.crossings.append((event, market, source, above, below))
        self._fire()
        return event

    def _fire(self) -> None:
        self.crossings = [c for c in self.crossings if not c[0].triggered and not c[0].is_cancelled]
        for event, market, source, above, below in self.crossings:
            price = self.markets[market].prices[source]
            if price is not None and ((above is not None and price >= above) or (below is not None and price <= below)):
                event.succeed()

    def set_price(self, ticks: int, market: str = BTC, index: int | None = None) -> None:
        self.markets[market].mark = ticks
        self.markets[market].index = ticks if index is None else index
        self.markets[market].mid = float(ticks)
        self._fire()

    def follow(self, path: Iterable[tuple[int, int]], market: str = BTC) -> None:
        """Set the price at each instant of a path (t_ns, ticks), before anybody decides anything there."""

        def walk() -> Generator[Any, Any, None]:
            for t_ns, ticks in path:
                event = self.event()
                event._ok, event._value = True, None
                self.schedule(event, priority=0, delay=t_ns - self.now)
                yield event
                self.set_price(ticks, market)

        self.process(walk())

    def run_to(self, t_ns: int) -> None:
        """Run everything up to and at an instant."""
        self.run(until=t_ns + 1)

    # -- view

    def has_book(self, market: str) -> bool:
        return True

    def mid(self, market: str) -> float | None:
        return self.markets[market].mid

    def mark_ticks(self, market: str) -> int:
        return self.markets[market].mark

    def index_ticks(self, market: str) -> int:
        return self.markets[market].index

    def last_ticks(self, market: str) -> int:
        return self.markets[market].mark

    def cash_atoms(self, account: int) -> int:
        return self.cash[account]

    def position_lots(self, account: int, market: str) -> int:
        return self.positions.get((account, market), 0)

    def funding_atoms(self, account: int) -> int:
        return self.funding.get(account, 0)

    def bid_ticks(self, market: str) -> int | None:
        return self.markets[market].mark - 1

    def ask_ticks(self, market: str) -> int | None:
        return self.markets[market].mark + 1

    def volume_lots(self, market: str) -> int:
        return self.markets[market].volume

    def volume_before_lots(self, market: str) -> int:
        at, before = self.markets[market].volume_before
        return before if at == self.now else self.markets[market].volume

    # -- gateway

    def trade(self, lots: int, market: str = BTC) -> None:
        """Somebody else trades."""
        place = self.markets[market]
        if place.volume_before[0] != self.now:
            place.volume_before = (self.now, place.volume)
        place.volume += abs(lots)

    def settle(self, account: int, market: str, lots: int, price: int, *, charge: bool = True) -> Fill:
        place = self.markets[market]
        fee = abs(lots) * price * ATOMS_PER_TICK_LOT * self.fee_parts // 10**8 if charge else 0
        self.cash[account] -= lots * price * ATOMS_PER_TICK_LOT + fee
        self.others_atoms += lots * price * ATOMS_PER_TICK_LOT + fee
        self.positions[account, market] = self.position_lots(account, market) + lots
        return Fill(self.now, price, lots, fee, place.mark, place.index)

    def send(self, account: int, market: str, lots: int, **sent: Any) -> FakeOrder:
        told = {"t_ns": self.now, "account": account, "market": market, "lots": lots, **sent}
        order = FakeOrder(self.event(), [], told)
        self.orders.append(order)
        if self.refusals:
            order.status, order.reason = "rejected", self.refusals.pop(0)
        elif sent["tif"] == "post_only":
            order.status = "resting"
            return order
        else:
            order.fills += self._take(account, market, lots)
            order.status = "filled" if order.remaining_lots == 0 else "cancelled"
        order.done.succeed()
        return order

    def _take(self, account: int, market: str, lots: int) -> list[Fill]:
        found = abs(lots) if self.depth is None else min(abs(lots), self.depth)
        side = 1 if lots > 0 else -1
        if not found:
            return []
        self.trade(found, market)
        return [self.settle(account, market, side * found, self.markets[market].mark + side * self.slip_ticks)]

    def hit(self, order: FakeOrder, lots: int, other_account: int = -1) -> None:
        """Somebody trades with a resting order; lots are signed like the order's."""
        assert order.status == "resting"
        self.trade(abs(lots), order.sent["market"])
        fill = self.settle(order.sent["account"], order.sent["market"], lots, order.sent["price_ticks"])
        order.fills.append(replace(fill, other_account=other_account))
        if order.remaining_lots == 0:
            order.status = "filled"
            order.done.succeed()
        order.on_fill()

    def cancel(self, order: FakeOrder) -> None:
        order.status, order.reason = "cancelled", "cancelled"
        order.done.succeed()

    def is_in_liquidation(self, account: int) -> bool:
        """Nobody is: `seize` closes a position at once."""
        return False

    def off_book(self, account: int, market: str, lots: int, *, price_ticks: int, charge_fee: bool) -> Fill:
        return self.settle(account, market, lots, price_ticks, charge=charge_fee)

    def pay(self, from_account: int, to_cohort: str, atoms: int, entry: str) -> None:
        self.cash[from_account] -= atoms
        self.cash[ISSUER] = self.cash.get(ISSUER, 0) + atoms
        self.paid.append((self.now, from_account, to_cohort, atoms, entry))

    def transfer(self, payer: int, receiver: int, atoms: int, entry: str) -> None:
        self.cash[payer] = self.cash.get(payer, 0) - atoms
        self.cash[receiver] = self.cash.get(receiver, 0) + atoms
        self.flows.append((payer, receiver, atoms, entry))

    def hand_over(self, giver: int, receiver: int, market: str, lots: int, price_ticks: int) -> None:
        for account, signed in ((giver, -lots), (receiver, lots)):
            self.cash[account] = self.cash.get(account, 0) - signed * price_ticks * ATOMS_PER_TICK_LOT
            self.positions[account, market] = self.position_lots(account, market) + signed

    # -- clients

    def free_atoms(self, account: int, taken_lots: Mapping[str, int] | None = None) -> int:
        """Equity beyond a twentieth of the notional of positions."""
        free = self.cash.get(account, 0)
        for market, place in self.markets.items():
            held = self.position_lots(account, market)
            after = held + (taken_lots or {}).get(market, 0)
            free += held * place.mark * ATOMS_PER_TICK_LOT - abs(after) * place.mark * ATOMS_PER_TICK_LOT // 20
        return free

    def next_hedge(self) -> int:
        self.hedges += 1
        return self.hedges - 1

    def total_atoms(self) -> int:
        """All cash there is: what trades and payments may move, never change."""
        return sum(self.cash.values()) + self.others_atoms

    def equity_atoms(self, account: int) -> int:
        worth = sum(self.position_lots(account, m) * place.mark for m, place in self.markets.items())
        return self.cash.get(account, 0) + worth * ATOMS_PER_TICK_LOT

    def settle_funding(self, account: int, atoms: int) -> None:
        self.cash[account] += atoms
        self.others_atoms -= atoms
        self.funding[account] = self.funding_atoms(account) + atoms
        self.tell(account)

    def seize(self, account: int, lots: int, price: int, fee_atoms: int, market: str = BTC) -> None:
        """The venue closes part of a position at a price and charges for it."""
        self.cash[account] -= lots * price * ATOMS_PER_TICK_LOT + fee_atoms
        self.others_atoms += lots * price * ATOMS_PER_TICK_LOT + fee_atoms
        self.positions[account, market] += lots
        self.tell(account)

    def tell(self, account: int) -> None:
        for desk in self.desks:
            if desk.token.account == account:
                desk.account_changed()

    # -- tokens

    def issue(self, *, warmup_ns: int = 0, start_ns: int = 0, seed: int = 1, **declared: Any) -> TokenDesk:
        """A started desk of a token declared as in a scenario file."""
        spec = token_spec(**declared)
        account = 1_000_000_000 + len(self.desks)
        legs = [LegTerms(m, Fraction(x), TICK, ATOMS_PER_TICK_LOT) for m, x in spec.basket.items()]
        marks = {leg.market: self.markets[leg.market].mark for leg in legs}
        self.cash[account] = spec.aum_atoms
        for market, lots in opening_lots(spec, legs, marks).items():
            self.cash[account] -= lots * marks[market] * ATOMS_PER_TICK_LOT
            self.positions[account, market] = lots
        token = open_token(spec, account, legs, marks)
        run = RunContext(
            RunClock(self, start_ns, warmup_ns),
            self,
            self,
            self.add_row,
            self.register,
            self.feed,
            Clients(self),
            lambda account: (account, "clients"),
            self.next_hedge,
        )
        own = TokenContext(
            HoldingsRegister({HOLDERS: token.supply_lots}),
            LedgerAccounts(ISSUER, ROUNDING, OUTSIDE),
            Stream(seed, 0, f"rebalance:{spec.id}"),
        )
        desk = open_desk(spec, token, run, own)
        self.desks.append(desk)
        desk.start()
        return desk


@dataclass
class Clients:
    """What clients could pay and hand over: any account may hold any position."""

    world: World

    def free_atoms(self, account: int, taken_lots: Mapping[str, int] | None = None) -> int:
        return self.world.free_atoms(account, taken_lots)

    def position_lots(self, account: int, market: str) -> int | None:
        return self.world.position_lots(account, market)


def check_books(world: World, desk: TokenDesk, deposits_atoms: int) -> None:
    """Cash and units are conserved, and the token's attribution explains its account."""
    assert world.total_atoms() == deposits_atoms
    check_supply(desk.token.id, desk.token.supply_lots, desk.holdings)
    desk.books.reconcile(world.now)
    assert desk.books.ledger._interval(desk.books.valuation(world.now)).unexplained_atoms == 0


def token_spec(**declared: Any) -> TokenSpec:
    return TokenSpec.model_validate(
        {
            "id": "BTC3L",
            "issuer": "alpha",
            "basket": {BTC: 3},
            "aum": "50 MUSDT",
            "nav": "100 USDT",
            "rebalance": {"policy": "none"},
            "execution": {"algorithm": "off_book", "off_book_fees": False},
            **declared,
        }
    )
