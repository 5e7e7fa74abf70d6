"""Small worlds for the kernel's tests, written as plain data, and a session that drives one by hand.

Accounts are numbered: traders 0 .. n - 1, `venue`, one insurance fund a market, `outside`, `rounding`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from marketsim.kernel import advance as doors
from marketsim.kernel import codes, layout, mark_rules
from marketsim.kernel.world import World
from marketsim.streams import exponential_table

SECOND = 1_000_000_000
LOT = 10**7  # atoms of one lot at the opening price of 10,000 ticks
# floor [atoms], maintenance [1e-8], largest leverage; deductions follow
SMALL_TIERS = ((0, 500_000, 100), (200 * LOT, 1_000_000, 50), (1_000 * LOT, 2_500_000, 20))
ONE_TIER = ((0, 500_000, 100),)
COHORTS = ("traders", "special", "venue", "insurance", "outside", "rounding")


@dataclass(frozen=True)
class MarketPlan:
    """One perpetual, or a coin's spot market, whose index is given in whole ticks."""

    price: int = 10_000
    atoms: int = 1_000
    tiers: tuple[tuple[int, int, int], ...] = SMALL_TIERS
    maker_fee: int = 20_000
    taker_fee: int = 50_000
    rule: str = "index"
    window: int = 1_024
    buckets: int = 256
    basis_length: int = 5
    mark_every: int = SECOND
    funding_every: int = 600 * SECOND
    sample_every: int = 5 * SECOND
    impact_ticklots: int = 100_000
    liquidation_fee: int = 1_250_000
    per_step: int | None = None
    delay: int = 0
    slice: int | None = None  # atoms
    cap: int | None = None
    is_spot: bool = False
    view: dict[str, Any] | None = None  # of its makers, as `maker_layout.VIEW` has it


@dataclass(frozen=True)
class Plan:
    """Traders' cash [atoms], markets, the insurance fund of each, who stands where, own (maker, taker) fees."""

    cash: tuple[int, ...]
    markets: tuple[MarketPlan, ...] = (MarketPlan(),)
    fund: int = 0
    members: tuple[tuple[int, ...], ...] = ()
    special: tuple[int, ...] = ()  # traders with fees of their own
    special_fees: tuple[int, int] = (-5_000, 30_000)

    def markets_of(self, trader: int) -> tuple[int, ...]:
        return self.members[trader] if self.members else tuple(range(len(self.markets)))

    @property
    def venue(self) -> int:
        return len(self.cash)

    def fund_of(self, market: int) -> int:
        return self.venue + 1 + market

    @property
    def outside(self) -> int:
        return self.venue + 1 + len(self.markets)

    @property
    def accounts(self) -> int:
        return self.outside + 2


def tier_rows(tiers: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int, int]]:
    """(floor, rate, deduction, leverage): each deduction makes its tier start where the one below ended."""
    rows: list[tuple[int, int, int, int]] = []
    for floor, rate, leverage in tiers:
        below_rate, below_amount = rows[-1][1:3] if rows else (rate, 0)
        amount = Fraction(floor * (rate - below_rate), codes.RATE_ONE) + below_amount
        assert amount.denominator == 1
        rows.append((floor, rate, int(amount), leverage))
    return rows


def market_fields(plan: Plan, number: int) -> dict[str, Any]:
    m = plan.markets[number]
    tiers = np.zeros(len(m.tiers), layout.TIER)
    tiers[:] = tier_rows(m.tiers)
    return dict(
        underlying=number, atoms=m.atoms, inverse_tick=1.0, maker_fee=m.maker_fee, taker_fee=m.taker_fee,
        venue_account=plan.venue, insurance_account=plan.fund_of(number), outside_account=plan.outside,
        rounding_account=plan.outside + 1, window=m.window, buckets=m.buckets, basis_length=m.basis_length,
        history_length=64, tiers=tiers, mark_rule=mark_rules.CODES[m.rule], mark_every_ns=m.mark_every,
        next_mark_ns=m.mark_every,
        memory_weight=0.25, funding_every_ns=m.funding_every, funding_next_ns=m.funding_every,
        sample_every_ns=m.sample_every, next_sample_ns=m.sample_every, impact_ticklots=float(m.impact_ticklots),
        liquidation_fee=m.liquidation_fee, liquidations_per_step=m.per_step or 0,
        liquidation_delay_ns=m.delay, liquidation_slice_atoms=m.slice or 0, liquidation_cap_atoms=m.cap or 0,
        kind=codes.SPOT if m.is_spot else codes.PERPETUAL, view=m.view,
    )  # fmt: skip


def account_tables(plan: Plan) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], dict[tuple[int, int], int]]:
    """Account records, position records, and the record of (account, market)."""
    everywhere = tuple(range(len(plan.markets)))
    holders = [(i, plan.markets_of(i)) for i in range(plan.venue)]
    holders += [(plan.fund_of(k), (k,)) for k in everywhere] + [(plan.outside, everywhere)]
    accounts = np.zeros(plan.accounts, layout.ACCOUNT)
    accounts["trader"], accounts["first_position"] = -1, -1
    accounts["cash_atoms"][: plan.venue] = plan.cash
    accounts["cohort"][list(plan.special)] = 1
    accounts["cohort"][plan.venue :] = [2, *(3 for _ in everywhere), 4, 5]
    accounts["bits"][plan.venue :] = codes.ACC_NO_MARGIN | codes.ACC_LEDGER
    accounts["bits"][plan.outside] |= codes.ACC_OUTSIDE
    accounts["cash_atoms"][plan.venue + 1 : plan.outside] = plan.fund
    accounts["deposit_atoms"] = accounts["cash_atoms"]
    positions = np.zeros(sum(len(markets) for _, markets in holders), layout.POSITION)
    for name in ("next", "prev", "bucket", "sibling"):
        positions[name] = -1
    records: dict[tuple[int, int], int] = {}
    for account, markets in holders:
        first = len(records)
        accounts[account]["first_position"], accounts[account]["n_positions"] = first, len(markets)
        for k, market in enumerate(markets):
            records[account, market] = first + k
            positions[first + k]["account"], positions[first + k]["market"] = account, market
            positions[first + k]["sibling"] = first + k + 1 if k + 1 < len(markets) else -1
    return accounts, positions, records


def build(
    plan: Plan, log_rows: int = 1 << 14, logs: Sequence[str] = ("trades", "orders")
) -> tuple[World, dict[Any, int]]:
    """The kernel's world of a plan, not yet opened, and its position records."""
    accounts, positions, records = account_tables(plan)
    own = dict(own_fees=1, maker_fee=plan.special_fees[0], taker_fee=plan.special_fees[1])
    world = World(
        underlyings=[dict(level=float(m.price), every_ns=SECOND, next_ns=SECOND, absolute=1) for m in plan.markets],
        markets=[market_fields(plan, k) for k in range(len(plan.markets))],
        cohorts=[dict(group=-1, **(own if name == "special" else {})) for name in COHORTS],
        groups=[],
        accounts=accounts,
        positions=positions,
        traders=np.zeros(0, layout.TRADER),
        slots=0,
        exponential=exponential_table(),
        log_rows=log_rows,
        logs=logs,
    )
    return world, records


@dataclass
class Session:
    """A world under one's own hands: orders reach their book when they are sent, the index follows `paths` [ticks]."""

    plan: Plan
    paths: Sequence[Sequence[int]] = ()
    log_rows: int = 1 << 14
    logs: Sequence[str] = ("trades", "orders")
    now: int = 0
    rows: dict[str, list[Any]] = field(
        default_factory=lambda: {"trades": [], "orders": [], "liquidations": [], "deleveragings": []}
    )
    notices: list[dict[str, int]] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world, self.records = build(self.plan, self.log_rows, self.logs)
        paths = self.paths or [[m.price] * 5_000 for m in self.plan.markets]
        for k, path in enumerate(paths):
            self.world.give_path(k, 0, np.array(path, np.float64))
        self.world.open()

    def advance(self, until: int, phase: int = codes.PH_DECISION) -> None:
        """Let everything before (until, phase) happen; make room where the kernel asks for it."""
        self.now = until
        while (stop := self.world.advance(until, phase)) != codes.STOP_REACHED:
            self.stops.append(stop)
            assert stop in (codes.STOP_SPACE, codes.STOP_LOG, codes.STOP_NOTICE)
            if stop == codes.STOP_SPACE:
                self.world.grow()
            elif stop == codes.STOP_LOG:
                self.drain()
            else:
                self.hear()

    def drain(self) -> None:
        for name, kept in self.rows.items():
            kept.extend(self.world.take_log(name).tolist())

    def hear(self) -> None:
        memory, n = self.world.take_notices()
        width, names = self.world.notice_width, layout.NOTICE.names or ()
        self.notices += [{x: memory[j * width + k] for k, x in enumerate(names)} for j in range(n)]

    def log(self, name: str) -> list[Any]:
        """All rows of a log so far, as tuples in the order of its fields."""
        self.drain()
        return self.rows[name]

    def order(self, account: int, lots: int, price: int = 1, flags: int = 0, market: int = 0, delay: int = 0) -> int:
        """Send signed lots; return the order's id."""
        number = self.world.next_order_id()
        self.post(number, account, lots, price, flags, market, delay)
        self.advance(self.now)
        return number

    def post(
        self, number: int, account: int, lots: int, price: int, flags: int = 0, market: int = 0, delay: int = 0
    ) -> None:
        """Put an order on its way and go on."""
        flags |= codes.F_SIDE if lots < 0 else 0
        position = self.records[account, market]
        self.world.send_order(self.now + delay, position, flags, price, abs(lots), 0, -1, number)

    def cancel(self, number: int, delay: int = 0) -> None:
        """Send a cancel of the order of that id, wherever it is by then."""
        found = np.flatnonzero(self.world.orders["order_id"] == number)
        record = int(found[0]) if len(found) else 0
        self.world.send_cancel(self.now + delay, 0, record, number)
        self.advance(self.now)

    def start(self, account: int, lots: int, price: int, market: int = 0) -> None:
        """Give an account an opening position against `outside`."""
        position, other = self.records[account, market], self.records[self.plan.outside, market]
        doors.trade_off_book(self.world.address, self.now, position, other, lots, price, 0)

    def fund(self, market: int, atoms_per_lot: int) -> int:
        """Settle funding at this instant."""
        return int(doors.settle_funding(self.world.address, self.now, market, atoms_per_lot))

    def pay(self, payer: int, receiver: int, atoms: int, entry: int = codes.E_ROUNDING) -> None:
        """Move cash between two accounts."""
        doors.pay_atoms(self.world.address, entry, payer, receiver, atoms)

    # ---- what is so

    def position(self, account: int, market: int = 0) -> Any:
        return self.world.positions[self.records[account, market]]

    def lots(self, account: int, market: int = 0) -> int:
        return int(self.position(account, market)["lots"])

    def cash(self, account: int) -> int:
        return int(self.world.accounts[account]["cash_atoms"])

    def resting(self, number: int) -> int:
        """Lots of an order that rest in the book."""
        return int(self.world.orders["remaining_lots"][self.world.orders["order_id"] == number].sum())

    def reason(self, number: int) -> str:
        """The last thing that the order log says of an order."""
        fields = list(layout.ORDER_LOG.names or ())
        row = [row for row in self.log("orders") if row[fields.index("order_id")] == number][-1]
        return codes.REASONS[row[fields.index("reason")]]

    def market(self, name: str, market: int = 0) -> int:
        return self.world.market_int(market, name)
