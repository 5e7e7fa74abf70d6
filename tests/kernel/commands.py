"""Seeded random commands, and the two worlds that take them: the compiled kernel and the plain twin.

A command is a tuple: ("coins", account, market, lots), ("order", account, market, lots, price, flags), ("cancel", how
many orders ago), ("funding", market, atoms a lot), ("gift", account, atoms) and ("wait", ns).
"""

import hashlib
import random
from collections import deque
from collections.abc import Iterable
from fractions import Fraction
from itertools import groupby, zip_longest
from typing import Any

from marketsim.kernel import codes, layout
from marketsim.kernel.messages import KEY_MASK
from tests.kernel.checks import resting
from tests.kernel.worlds import COHORTS, LOT, SECOND, Plan, Session, tier_rows
from tests.reference.accounts import Account, Market, Position, Tier, Venue, equity, exchange, pay, settle_funding
from tests.reference.book import BUY, SELL, Order
from tests.reference.margin import requirement
from tests.reference.matching import cancel_message, submit
from tests.reference.venue import adopt_queues, open_venue, run_until, state

Command = tuple[Any, ...]
KINDS = (0, 0, 0, codes.F_IOC, codes.F_IOC | codes.F_MARKET, codes.F_POST_ONLY, codes.F_SLIDE, codes.F_REDUCE)
KINDS_MIXED = (*KINDS, codes.F_REDUCE | codes.F_IOC, codes.F_REDUCE | codes.F_IOC | codes.F_MARKET, codes.F_MARKET)


def random_paths(markets: int, steps: int, price: int, seed: int, jump_every: int) -> list[list[int]]:
    """Index paths in ticks: small steps, and now and then a jump of two to eight percent."""
    luck = random.Random(seed)
    paths = []
    for _ in range(markets):
        level, path = float(price), [price]
        for _ in range(steps):
            level *= 1 + luck.gauss(0, 0.0007)
            if luck.randrange(jump_every) == 0:
                level *= 1 + luck.choice((-1, 1)) * luck.uniform(0.02, 0.08)
            level = min(max(level, price * 0.4), price * 2.5)
            path.append(max(1, round(level)))
        paths.append(path)
    return paths


def random_price(luck: random.Random, near: int) -> int:
    """Mostly near, sometimes far, seldom absurd."""
    kind = luck.random()
    if kind < 0.75:
        return max(1, near + luck.randint(-25, 25))
    if kind < 0.93:
        return max(1, round(near * luck.uniform(0.93, 1.07)))
    if kind < 0.998:
        return max(1, round(near * luck.choice((0.1, 0.3, 0.6, 0.8, 1.2, 1.5, 3))) + luck.randint(0, 3))
    return luck.choice((0, 1, 2, 2**40 + 1, 2**30))


def random_commands(plan: Plan, paths: list[list[int]], n: int, seed: int, largest: int, gap_ns: int) -> list[Command]:
    luck = random.Random(seed)
    traders = [(i, k) for i in range(len(plan.cash)) for k in plan.markets_of(i)]
    perpetuals = [k for k, m in enumerate(plan.markets) if not m.is_spot]
    t, commands = 0, opening_coins(plan, traders)
    for _ in range(n):
        kind = luck.random()
        if kind < 0.70:
            account, market = luck.choice(traders)
            lots = luck.randint(1, largest) if luck.random() < 0.97 else luck.choice((0, 20 * largest, 2**41))
            index = paths[market][min(t // SECOND, len(paths[market]) - 1)]
            flags = luck.choice(KINDS_MIXED) | (codes.F_NOTIFY if luck.random() < 0.1 else 0)
            price = random_price(luck, index)
            if abs(price - index) > 0.08 * index:
                lots = 1 + lots % 4
            commands.append(("order", account, market, luck.choice((-1, 1)) * lots, price, flags))
        elif kind < 0.84:
            commands.append(("cancel", luck.randint(1, 60)))
        elif kind < 0.848:
            commands.append(("gift", luck.randrange(plan.venue), luck.randint(1, 300) * LOT))
        elif kind < 0.85 and perpetuals:
            commands.append(("funding", luck.choice(perpetuals), luck.randint(-3_000, 3_000)))
        else:
            wait = luck.randint(0, 12 * gap_ns)
            t += wait
            commands.append(("wait", wait))
    return commands


def opening_coins(plan: Plan, traders: list[tuple[int, int]]) -> list[Command]:
    """Whoever stands in a spot market puts a third of his cash into its coin."""
    spot = [(i, k, plan.markets[k]) for i, k in traders if plan.markets[k].is_spot]
    return [("coins", i, k, plan.cash[i] // (3 * m.price * m.atoms)) for i, k, m in spot]


def twin_of(plan: Plan, paths: list[list[int]]) -> Venue:
    """The plain twin of a plan."""
    everywhere = tuple(range(len(plan.markets)))
    accounts = [
        Account(i, int(i in plan.special), plan.cash[i], {k: Position() for k in plan.markets_of(i)},
                fees=plan.special_fees if i in plan.special else None)
        for i in range(plan.venue)
    ]  # fmt: skip
    accounts.append(Account(plan.venue, 2, 0, {}, margin=False))
    accounts += [Account(plan.fund_of(k), 3, plan.fund, {k: Position()}, margin=False) for k in everywhere]
    accounts.append(Account(plan.outside, 4, 0, {k: Position() for k in everywhere}, margin=False, counted=False))
    accounts.append(Account(plan.outside + 1, 5, 0, {}, margin=False))
    markets = [
        Market(
            k, m.atoms, [Tier(*row[:3], Fraction(row[3])) for row in tier_rows(m.tiers)], m.maker_fee, m.taker_fee,
            m.rule, deque(maxlen=m.basis_length), m.mark_every, m.funding_every, m.sample_every,
            Fraction(m.impact_ticklots), m.liquidation_fee, plan.fund_of(k), plan.outside, plan.venue, m.is_spot,
            per_step=m.per_step, delay=m.delay, slice=m.slice, cap=m.cap, rounding=plan.outside + 1,
            mark_due=m.mark_every, funding_due=m.funding_every, sample_due=m.sample_every,
        )
        for k, m in enumerate(plan.markets)
    ]  # fmt: skip
    venue = Venue(accounts, markets, paths, SECOND)
    open_venue(venue)
    return venue


class Twins:
    """One sequence of commands through the kernel and (unless it is left out) the twin."""

    def __init__(self, plan: Plan, paths: list[list[int]], *, twin: bool = True, log_rows: int = 1 << 14) -> None:
        self.kernel = Session(plan, paths, log_rows)
        self.twin = twin_of(plan, paths) if twin else None
        self.now = 0
        self.sent: list[int] = []
        self.stages: set[int] = set()  # of all liquidations so far
        self._flows: Any = 0

    def take(self, command: Command) -> None:
        kind, *rest = command
        getattr(self, kind)(*rest)

    def wait(self, ns: int) -> None:
        """Go on; at every mark look who was found under water."""
        until = self.now + ns
        while (mark := (self.now // SECOND + 1) * SECOND) <= until:
            self.now = mark
            self.kernel.advance(mark, codes.PH_FUNDING)
            if self.twin is not None:
                run_until(self.twin, mark, codes.PH_FUNDING)
                sunk = {a.number for a in self.twin.accounts if a.margin and self._is_sunk(a.number)}
                adopt_queues(self.twin, self._queues(), sunk)
        self.now = until
        self.kernel.advance(until)
        if self.twin is not None:
            run_until(self.twin, until, codes.PH_DECISION)
            self.twin.now = until

    def _is_sunk(self, account: int) -> bool:
        assert self.twin is not None
        return equity(self.twin, account) < requirement(self.twin, account)

    def coins(self, account: int, market: int, lots: int) -> None:
        """Coins from `outside`, at the opening price."""
        price = self.kernel.plan.markets[market].price
        self.kernel.start(account, lots, price, market)
        if self.twin is not None:
            exchange(self.twin, self.twin.markets[market], "trade", account, self.kernel.plan.outside, lots, price)

    def order(self, account: int, market: int, lots: int, price: int, flags: int) -> None:
        self.sent.append(self.kernel.order(account, lots, price, flags, market))
        if self.twin is None:
            return
        order = Order(
            self.twin.next_number(), account, market, BUY if lots >= 0 else SELL,
            None if flags & codes.F_MARKET else price, abs(lots), ioc=bool(flags & codes.F_IOC),
            post_only=bool(flags & codes.F_POST_ONLY), slide=bool(flags & codes.F_SLIDE),
            reduce_only=bool(flags & codes.F_REDUCE),
        )  # fmt: skip
        submit(self.twin, order)

    def cancel(self, ago: int) -> None:
        if len(self.sent) >= ago:
            self.kernel.cancel(self.sent[-ago])
            if self.twin is not None:
                cancel_message(self.twin, self.sent[-ago])

    def gift(self, account: int, atoms: int) -> None:
        """Cash from `outside`: the ruined play on."""
        self.kernel.pay(self.kernel.plan.outside, account, atoms)
        if self.twin is not None:
            pay(self.twin, "rounding", self.kernel.plan.outside, account, atoms)

    def funding(self, market: int, atoms_per_lot: int) -> None:
        self.kernel.fund(market, atoms_per_lot)
        m = self.kernel.plan.markets[market]
        rate = atoms_per_lot / (m.price * m.atoms)
        self.kernel.world.set_market(market, funding_rate=rate, funding_next_ns=self.now + m.funding_every)
        if self.twin is not None:
            settle_funding(self.twin, self.twin.markets[market], atoms_per_lot)
            self.twin.markets[market].funding_rate = Fraction(rate)
            self.twin.markets[market].funding_due = self.now + m.funding_every

    def _queues(self) -> list[list[int]]:
        queues = []
        for m in self.kernel.world.markets:
            queue = self.kernel.world._kept[int(m["queue"])]
            span = range(int(m["queue_head"]), int(m["queue_tail"]))
            queues.append([int(queue[k % len(queue)]) for k in span])
        return queues

    def _under_way(self) -> list[tuple[int, int, int]]:
        """Orders of the engines that have not reached their books: due, number, account."""
        world = self.kernel.world
        heap = world.heap[: world.get("heap_size")]
        sent = world.messages[heap["key"] & KEY_MASK]
        accounts = world.positions["account"][sent["position"]]
        return sorted(zip(heap["t_ns"].tolist(), sent["order_id"].tolist(), accounts.tolist(), strict=True))

    # ---- the kernel's state in the twin's words

    def kernel_state(self) -> dict[str, object]:
        world, plan = self.kernel.world, self.kernel.plan
        accounts, positions, orders = world.accounts, world.positions, world.orders
        signs = {codes.BUY: BUY, codes.SELL: SELL}
        self._flows = self._flows + world.take_flows()
        names = ("order_count", "cancel_count", "reject_count", "trade_count", "liquidation_count")
        prices = ("index_ticks", "mark_ticks", "last_ticks", "volume_lots", "open_interest")
        return {
            "accounts": [
                (i, *whole(a, "cash_atoms fees_atoms funding_atoms"), bool(a["state"]), int(a["liquidations"]))
                for i, a in enumerate(accounts)
            ],
            "positions": sorted(
                whole(p, "account market lots open_buy open_sell entry_ticklots")
                for p in positions
            ),
            "orders": [
                (k, signs[side], *whole(orders[i], "order_id price_ticks account size_lots remaining_lots"))
                for k in range(len(plan.markets))
                for side in (codes.BUY, codes.SELL)
                for i in resting(world, k, side)
            ],
            "markets": [
                (k, none_for(world.market_int(k, "best_bid")), none_for(world.market_int(k, "best_ask")),
                 *(world.market_int(k, x) for x in prices))
                for k in range(len(plan.markets))
            ],
            "queues": self._queues(),
            "under_way": self._under_way(),
            "counts": [world.get(name) for name in names],
            "flows": sorted(
                ((codes.ENTRIES[e], a, b), int(self._flows[e, a, b]))
                for e in range(len(codes.ENTRIES)) for a in range(len(COHORTS)) for b in range(len(COHORTS))
                if self._flows[e, a, b]
            ),
            "order_number": world.get("next_order_id"),
        }  # fmt: skip

    def kernel_tapes(self) -> dict[str, list[tuple[Any, ...]]]:
        """Trades, order rows, liquidations and deleveragings since the last call, in the twin's columns."""
        self.kernel.drain()
        tapes = {f"{name}_tape": columns(name, rows) for name, rows in self.kernel.rows.items()}
        for rows in self.kernel.rows.values():
            rows.clear()
        return tapes

    def twin_tapes(self) -> dict[str, list[tuple[Any, ...]]]:
        assert self.twin is not None
        kept = {"trades": self.twin.trades, "orders": self.twin.order_rows}
        self.stages |= {row[8] for row in self.twin.liquidations}
        kept |= {"liquidations": self.twin.liquidations, "deleveragings": self.twin.deleveragings}
        tapes = {f"{name}_tape": list(rows) for name, rows in kept.items()}
        for rows in kept.values():
            rows.clear()
        return tapes

    def compare(self) -> None:
        """Both worlds are the same, to the atom and in every queue."""
        assert self.twin is not None
        mine, theirs = {**self.kernel_state(), **self.kernel_tapes()}, {**state(self.twin), **self.twin_tapes()}
        for words in (mine, theirs):
            words["orders_tape"] = in_canonical_order(words["orders_tape"])
        if digest(mine) != digest(theirs):
            raise AssertionError("\n".join(differences(mine, theirs)))


def in_canonical_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """A liquidation cancels an account's orders in no particular order: by number, here."""
    ordered: list[tuple[Any, ...]] = []
    for (_, _, swept), rows_of_one in groupby(
        rows, key=lambda row: (row[0], row[2], row[3] == "cancel" and row[-1] == "in_liquidation")
    ):
        some = list(rows_of_one)
        ordered += sorted(some) if swept else some
    return ordered


def whole(record: Any, names: str) -> tuple[int, ...]:
    return tuple(int(record[name]) for name in names.split())


def none_for(price: int) -> int | None:
    return None if price in (codes.NO_BID, codes.NO_ASK) else price


def differences(mine: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Where the kernel (first) and the twin part, a few lines of each list."""
    lines = []
    for name in mine:
        if mine[name] != theirs[name]:
            pairs = (
                zip_longest(mine[name], theirs[name]) if isinstance(mine[name], list) else [(mine[name], theirs[name])]
            )
            lines += [f"{name}: kernel {a}, twin {b}" for a, b in pairs if a != b][:6]
    return lines


def digest(words: dict[str, object]) -> str:
    return hashlib.sha256(repr(sorted(words.items())).encode()).hexdigest()


def columns(name: str, rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows of a kernel log in the twin's columns and words."""
    dtype = {"trades": layout.TRADE_LOG, "orders": layout.ORDER_LOG}.get(name)
    dtype = dtype or {"liquidations": layout.LIQUIDATION_LOG, "deleveragings": layout.DELEVERAGING_LOG}[name]
    at = {field: k for k, field in enumerate(dtype.names or ())}
    wanted = {
        "trades": "t_ns market price_ticks size_lots taker_order maker_order taker_account maker_account taker_side",
        "orders": "t_ns order_id account action side size_lots remaining_lots reason",
        "liquidations": "t_ns account market size_lots filled_lots fee_atoms insurance_atoms deleveraged_lots stage"
        " cascade parent",
        "deleveragings": "t_ns market account size_lots price_ticks rank cascade",
    }[name].split()
    spoken = [tuple(row[at[x]] for x in wanted) for row in rows]
    if name == "trades":
        return [(*row[:-1], SELL if row[-1] == codes.SELL else BUY) for row in spoken]
    if name == "orders":
        return [
            (*row[:3], codes.ACTIONS[row[3]], "sell" if row[4] else "buy", *row[5:7], codes.REASONS[row[7]])
            for row in spoken
        ]
    return spoken
