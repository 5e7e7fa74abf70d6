"""Accounts, positions and the ledger: what a fill, a fee and a payment change. Nothing here makes or loses an atom."""

from collections import Counter, deque
from dataclasses import dataclass, field
from fractions import Fraction

from tests.reference.book import Book, Order

RATE_ONE = 10**8


@dataclass
class Tier:
    """Notional above `floor` (and up to the next one's): maintenance rate [1e-8], deduction, largest leverage."""

    floor: int
    rate: int
    amount: int
    max_leverage: Fraction


@dataclass
class Position:
    """Signed lots, what rests on either side, and the price x lots at which the lots came in (unsigned)."""

    lots: int = 0
    open_buy: int = 0
    open_sell: int = 0
    entry: int = 0


@dataclass
class Account:
    """One participant; `margin` False is the venue's own, which nobody liquidates."""

    number: int
    cohort: int
    cash: int
    positions: dict[int, Position]
    margin: bool = True
    counted: bool = True
    fees: tuple[int, int] | None = None
    fees_paid: int = 0
    funding_received: int = 0
    queued: bool = False
    liquidations: int = 0


@dataclass
class Market:
    """One perpetual, or the spot market of a coin: its terms, its book, its prices, its liquidation queue."""

    number: int
    atoms: int
    tiers: list[Tier]
    maker_fee: int
    taker_fee: int
    rule: str
    basis: deque[int]
    mark_every: int
    funding_every: int
    sample_every: int
    impact_ticklots: Fraction
    liquidation_fee: int
    fund: int
    outside: int
    venue: int
    is_spot: bool = False
    book: Book = field(default_factory=Book)
    index: int = 0
    mark: int = 0
    last: int = 0
    volume: int = 0
    open_interest: int = 0
    mark_due: int = 0
    funding_rate: Fraction = Fraction(0)
    funding_due: int = 0
    sample_due: int = 0
    premiums: list[Fraction] = field(default_factory=list)
    queue: deque[int] = field(default_factory=deque)
    liquidation_due: int | None = None
    per_step: int | None = None  # accounts worked on at one mark, None: all who wait
    delay: int = 0  # an engine's way to the book
    slice: int | None = None  # largest notional of one order of an engine, and of all its orders at one mark [atoms]
    cap: int | None = None
    sent: int = 0  # by the engine, since the mark
    rounding: int = -1
    cascade: int = -1
    cascade_side: int = 0
    cascade_time: int = 0
    cascade_parent: int = -1


@dataclass
class Venue:
    """The whole twin: accounts, markets, what has been written down, and the time."""

    accounts: list[Account]
    markets: list[Market]
    paths: list[list[int]]  # index [ticks] of each market at step 0, 1, ..
    index_every: int
    now: int = 0
    step: int = 0
    under_way: deque[tuple[int, int, Order]] = field(default_factory=deque)  # the engines' orders: due, market, order
    order_number: int = 0
    flows: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    resting: dict[int, Order] = field(default_factory=dict)
    trades: list[tuple[int, ...]] = field(default_factory=list)
    order_rows: list[tuple[object, ...]] = field(default_factory=list)
    liquidations: list[tuple[int, ...]] = field(default_factory=list)
    deleveragings: list[tuple[int, ...]] = field(default_factory=list)

    def next_number(self) -> int:
        self.order_number += 1
        return self.order_number


def pay(v: Venue, entry: str, payer: int, receiver: int, atoms: int) -> None:
    """Move cash; the ledger remembers what crosses from one cohort to another."""
    v.accounts[payer].cash -= atoms
    v.accounts[receiver].cash += atoms
    if v.accounts[payer].cohort != v.accounts[receiver].cohort:
        v.flows[entry, v.accounts[payer].cohort, v.accounts[receiver].cohort] += atoms


def charge_fee(v: Venue, m: Market, account: Account, notional: int, taker: bool) -> None:
    """The venue takes floor(notional x rate); a cohort may have rates of its own."""
    rate = (account.fees or (m.maker_fee, m.taker_fee))[int(taker)]
    fee = notional * rate // RATE_ONE
    account.cash -= fee
    account.fees_paid += fee
    v.accounts[m.venue].cash += fee
    v.flows["trading_fee", account.cohort, v.accounts[m.venue].cohort] += fee


def change_position(v: Venue, m: Market, account: int, lots: int, price: int) -> None:
    """A fill of signed lots. What is reduced leaves at the average entry price; what is turned round enters anew."""
    holder = v.accounts[account]
    p = holder.positions[m.number]
    before, after = p.lots, p.lots + lots
    if before * lots >= 0:
        p.entry += abs(lots) * price
    elif before * after > 0:
        p.entry -= p.entry * abs(lots) // abs(before)
    else:
        p.entry = abs(after) * price
    p.lots = after
    if holder.counted and not m.is_spot:
        m.open_interest += max(after, 0) - max(before, 0)


def exchange(v: Venue, m: Market, entry: str, taker: int, maker: int, lots: int, price: int) -> None:
    """The taker gets signed lots from the maker at a price: cash and positions of both."""
    buyer, seller = (taker, maker) if lots > 0 else (maker, taker)
    pay(v, entry, buyer, seller, abs(lots) * price * m.atoms)
    change_position(v, m, maker, -lots, price)
    change_position(v, m, taker, lots, price)


def equity(v: Venue, account: int) -> int:
    """What margin sees: cash and every perpetual at its mark. Coins are no collateral."""
    a = v.accounts[account]
    return a.cash + sum(p.lots * v.markets[k].mark * v.markets[k].atoms for k, p in perpetuals(v, a))


def perpetuals(v: Venue, a: Account) -> list[tuple[int, Position]]:
    """Positions that owe something, by market."""
    return [(k, p) for k, p in a.positions.items() if not v.markets[k].is_spot]


def close_debt(v: Venue, m: Market, account: int) -> None:
    """Who holds no perpetual any more owes nothing: the insurance fund pays."""
    a = v.accounts[account]
    if a.margin and a.cash < 0 and not any(p.lots for _, p in perpetuals(v, a)):
        pay(v, "insurance", m.fund, account, -a.cash)


def settle_funding(v: Venue, m: Market, atoms_per_lot: int) -> None:
    """Longs pay, shorts receive, through the venue's ledger."""
    hub = v.accounts[m.venue].cohort
    for a in v.accounts:
        atoms = a.positions[m.number].lots * atoms_per_lot if m.number in a.positions else 0
        a.cash -= atoms
        a.funding_received -= atoms
        if atoms > 0:
            v.flows["funding", a.cohort, hub] += atoms
        elif atoms < 0:
            v.flows["funding", hub, a.cohort] -= atoms
