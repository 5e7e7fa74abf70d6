"""From a resolved scenario to one world: the kernel's rows, accounts, cohorts, the other side of opening positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.errors import UsageError
from marketsim.issuers.fund.token import LegTerms, Token
from marketsim.issuers.token_spec import (
    TokenSpec,
    lots_per_token,
    market_of,
    open_token,
    opening_lots,
    opening_supply_lots,
)
from marketsim.kernel import codes, layout
from marketsim.kernel.world import World
from marketsim.scenario.schema import Scenario
from marketsim.simulation.neighbours import lay_neighbours
from marketsim.streams import exponential_table, power_
from marketsim.traders.group import TraderGroupSpec
from marketsim.traders.population import MarketTerms, Population, joined, populate
from marketsim.units import NS_PER_SECOND, atoms_per_tick_lot, nearest_ticks, rate_parts, to_atoms
from marketsim.venues.contract import MarketSpec
from marketsim.venues.deleveraging.family import DELEVERAGING_RULES
from marketsim.venues.engines.family import LIQUIDATION_ENGINES
from marketsim.venues.index.index_path import IndexPath
from marketsim.venues.index_paths import index_paths
from marketsim.venues.margin import TierTable, tier_table
from marketsim.venues.marks.family import MARK_RULES
from marketsim.venues.perp import first_settlement_ns

FIRST_TOKEN, FIRST_AGENT, FIRST_LEDGER = 1_000_000_000, 1_100_000_000, 1_200_000_000
"""Public ids of accounts: traders from 0, then reserved ranges, so that no id moves when a token or agent is added."""

MEMORY_HALFLIFE_NS = 30 * NS_PER_SECOND  # of the public average of the deviation (docs/calibration.md#market-makers)
CHUNK = 65_536  # steps of an index handed to the kernel at once
LEDGER_BITS = codes.ACC_NO_MARGIN | codes.ACC_LEDGER
UNLIMITED_LEVERAGE = 1e18


@dataclass
class Cohorts:
    """Cohorts by number: name, kind, currency, and (for the kernel) whose fees they pay.

    A number has one currency: a ledger role that works in several has a number for each, under one name.
    """

    names: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    assets: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, kind: str, asset: str, **row: int) -> int:
        """Number of a cohort, new or known."""
        for number, known in enumerate(zip(self.names, self.assets, strict=True)):
            if known == (name, asset):
                return number
        self.names.append(name)
        self.kinds.append(kind)
        self.assets.append(asset)
        self.rows.append({"group": -1, **row})
        return len(self.names) - 1


@dataclass
class Wired:
    """One world and what its numbers are called.

    markets: the kernel's number of each market; ledger: account of each (role, venue, currency); positions: record of
    each (account, market) of Python participants; account_ids: public id by the kernel's index (n,), which grows with
    agents.
    """

    world: World
    scenario: Scenario
    markets: dict[str, int]
    market_specs: list[MarketSpec]
    paths: list[IndexPath]
    cohorts: Cohorts
    ledger: dict[tuple[str, str, str], int]
    positions: dict[tuple[int, str], int]
    outside: dict[str, int]
    tokens: list[tuple[TokenSpec, Token]]
    account_ids: NDArray[np.int64]
    traders: int
    desk_groups: list[tuple[TraderGroupSpec, list[int]]]

    @cached_property
    def tick_sizes(self) -> NDArray[np.float64]:
        """Size of a tick by market (markets,) [currency]."""
        return np.array([float(market.tick.amount) for market in self.market_specs])


def kernel_tiers(table: TierTable) -> NDArray[Any]:
    """A margin table as the kernel's records."""
    rows = np.zeros(len(table), layout.TIER)
    floor = 0
    for i, tier in enumerate(table):
        leverage = UNLIMITED_LEVERAGE if tier.max_leverage is None else float(tier.max_leverage)
        rows[i] = (floor, tier.maintenance_parts, tier.deduction_atoms, leverage)
        floor = tier.cap_atoms or 0
    return rows


def market_row(
    spec: MarketSpec, underlying: int, opening: float, start_ns: int, longest_lookback: int
) -> dict[str, Any]:
    """A market's record, its accounts left out."""
    atoms = atoms_per_tick_lot(spec.tick.amount, spec.lot.amount)
    inverse = float(1 / spec.tick.amount)
    price_ticks = max(1, int(opening * inverse))
    every = spec.mark.every
    return {
        "underlying": underlying,
        "atoms": atoms,
        "inverse_tick": inverse,
        "maker_fee": rate_parts(spec.fees.maker),
        "taker_fee": rate_parts(spec.fees.taker),
        "window": _power_of_two(price_ticks // 4, 1 << 12, 1 << 18),
        "buckets": 1 << 14,
        "basis_length": max(1, spec.mark.window // every),
        "history_length": _power_of_two(longest_lookback + 1, 1 << 11, 1 << 22),
        "mark_rule": MARK_RULES.kinds[spec.mark.rule].kernel_code(),
        "liquidation_engine": LIQUIDATION_ENGINES.kinds[spec.liquidation.engine].kernel_code(),
        "deleveraging_rule": DELEVERAGING_RULES.kinds[spec.deleveraging.rule].kernel_code(),
        "mark_every_ns": every,
        "memory_weight": 1.0 - float(power_(0.5, every / MEMORY_HALFLIFE_NS)),
        "funding_every_ns": spec.funding.every,
        "funding_next_ns": first_settlement_ns(start_ns, spec.funding.every, spec.funding.offset),
        "sample_every_ns": spec.funding.sample,
        "next_sample_ns": spec.funding.sample,
        "impact_ticklots": float(to_atoms(spec.funding.impact_notional.amount)) / atoms,
        "tiers": kernel_tiers(tier_table(spec.margin.tiers)),
        "liquidation_fee": rate_parts(spec.liquidation.fee),
    }


def _power_of_two(least: int, low: int, high: int) -> int:
    size = low
    while size < least and size < high:
        size *= 2
    return size


class Wiring:
    """Builds one world, part by part; `wire` is the whole.

    declared: the scenario that public account ids are counted in, where an arm leaves parts of it out.
    """

    def __init__(self, scenario: Scenario, seed: int, replication: int, declared: Scenario | None = None) -> None:
        self.scenario = scenario
        self.declared = declared or scenario
        self.seed, self.replication = seed, replication
        self.cohorts = Cohorts()
        by_id = {market.id: market for market in scenario.markets}
        own = (market_of(token, by_id[next(iter(token.basket))]) for token in scenario.tokens)
        self.markets: list[MarketSpec] = [*scenario.markets, *(book for book in own if book is not None)]
        self.numbers = {market.id: i for i, market in enumerate(self.markets)}
        self.atoms = [atoms_per_tick_lot(m.tick.amount, m.lot.amount) for m in self.markets]
        self.token_specs = {token.id: token for token in scenario.tokens}
        self.accounts: list[dict[str, Any]] = []  # beyond the traders'
        self.ids: list[int] = []
        self.positions: list[tuple[int, int]] = []  # (account, market) beyond the traders'
        self.first = sum(group.count for group in scenario.traders)

    def wire(self, log_rows: int) -> Wired:
        """Lay everything out and build the world."""
        scenario = self.scenario
        jumps: dict[str, list[tuple[int, Any]]] = {}
        for event in scenario.events:
            jump = event.index_jump()
            if jump is not None:
                underlying, size = jump
                jumps.setdefault(underlying, []).append((event.at, size))
        paths = index_paths(
            scenario.underlyings,
            seed=self.seed,
            replication=self.replication,
            start_ns=scenario.clock.start,
            duration_ns=scenario.clock.duration,
            root=scenario.root,
            jumps=jumps,
        )
        self.paths = [paths[underlying.id] for underlying in scenario.underlyings]
        self.opening = [self._opening_ticks(market) for market in self.markets]
        population = self._populate()
        outside = self._ledger_accounts()
        tokens = self._token_accounts()
        return self._build(population, tokens, outside, log_rows)

    def _is_of_token(self, market: MarketSpec) -> bool:
        """Whether a market is a token's own book; every other one is of an underlying."""
        return market.id in self.token_specs

    def _opening_ticks(self, market: MarketSpec) -> int:
        if self._is_of_token(market):
            return max(1, nearest_ticks(self.token_specs[market.id].nav.amount, market.tick.amount))
        number = [underlying.id for underlying in self.scenario.underlyings].index(market.underlying)
        return max(1, int(self.paths[number].level_ticks(0, 1, market.tick.amount)[0]))

    def _populate(self) -> Population:
        terms = {
            market.id: MarketTerms(
                i,
                self.atoms[i],
                float(market.tick.amount),
                market.mark.every,
                self.opening[i],
                self._volatility(market),
                self._supply_lots(market),
                self._legs(market),
                market.kind == "spot" and not self._is_of_token(market),
            )
            for i, market in enumerate(self.markets)
        }
        population = populate(self.scenario.traders, terms, self.seed, self.replication)
        lay_neighbours(self.scenario, population.groups, self.seed, self.replication, self.declared)
        for group, row in zip(self.scenario.traders, population.cohorts, strict=True):
            self.cohorts.add(group.id, group.kind, self.markets[self.numbers[group.market]].currency, **row)
        return population

    def _supply_lots(self, market: MarketSpec) -> int:
        return opening_supply_lots(self.token_specs[market.id]) if self._is_of_token(market) else 0

    def _legs(self, market: MarketSpec) -> tuple[str, ...]:
        return tuple(self.token_specs[market.id].basket) if self._is_of_token(market) else ()

    def _volatility(self, market: MarketSpec) -> float | None:
        if self._is_of_token(market):
            return None
        index = next(u.index for u in self.scenario.underlyings if u.id == market.underlying)
        volatility = index.stated_volatility
        return None if volatility is None else float(volatility)

    def _account(self, public: int, cohort: int, cash: int, bits: int, markets: Sequence[int]) -> int:
        number = self.first + len(self.accounts)
        row = {"cash_atoms": cash, "deposit_atoms": cash, "cohort": cohort, "bits": bits, "markets": list(markets)}
        self.accounts.append(row)
        self.ids.append(public)
        return number

    def _ledger_accounts(self) -> dict[str, int]:
        """Ledger roles of every venue and currency, a fund for each market."""
        self.ledger: dict[tuple[str, str, str], int] = {}
        self.roles: list[dict[str, int]] = []
        public = FIRST_LEDGER
        places = list(dict.fromkeys((market.venue, market.currency) for market in self.markets))
        roles = ["venue", "rounding", "outside", "outside_holders"]
        issuers = dict.fromkeys(f"issuer:{token.issuer}" for token in self.declared.tokens)
        absent = issuers.keys() - {f"issuer:{token.issuer}" for token in self.scenario.tokens}
        for venue, currency in places:
            inside = [i for i, m in enumerate(self.markets) if (m.venue, m.currency) == (venue, currency)]
            for role in [*roles, *issuers]:
                if role in absent:
                    public += 1
                    continue
                bits = LEDGER_BITS | (codes.ACC_OUTSIDE if role == "outside" else 0)
                cohort = self.cohorts.add(role, "ledger", currency)
                of_tokens = [i for i in inside if self._is_of_token(self.markets[i])]
                held = [i for i in inside if i not in of_tokens] if role == "outside" else of_tokens
                held = [] if role in ("venue", "rounding") else held
                account = self._account(public, cohort, 0, bits, held)
                self.ledger[role, venue, currency] = account
                public += 1
        outside = {}
        for i, market in enumerate(self.markets):
            cash = to_atoms(market.insurance_fund.amount)
            fund = self._account(
                public, self.cohorts.add("insurance", "ledger", market.currency), cash, LEDGER_BITS, [i]
            )
            self.roles.append(
                {
                    "venue_account": self.ledger["venue", market.venue, market.currency],
                    "rounding_account": self.ledger["rounding", market.venue, market.currency],
                    "outside_account": self.ledger["outside", market.venue, market.currency],
                    "insurance_account": fund,
                }
            )
            other = "outside_holders" if self._is_of_token(market) else "outside"
            outside[market.id] = self.ledger[other, market.venue, market.currency]
            public += 1
        return outside

    def _token_accounts(self) -> list[tuple[TokenSpec, int, list[LegTerms]]]:
        laid = []
        self.token_accounts: dict[str, int] = {}
        numbers_of = {token.id: i for i, token in enumerate(self.declared.tokens)}
        for spec in self.scenario.tokens:
            markets = [self.markets[self.numbers[name]] for name in spec.basket]
            if len({(market.venue, market.currency) for market in markets}) > 1:
                raise UsageError(
                    f"tokens.{spec.id}.basket: its legs are on several venues or in several currencies; "
                    "one account needs one"
                )
            legs = [
                LegTerms(
                    name,
                    Fraction(target),
                    self.markets[self.numbers[name]].tick.amount,
                    self.atoms[self.numbers[name]],
                    self.markets[self.numbers[name]].mark.every,
                )
                for name, target in spec.basket.items()
            ]
            bits = codes.ACC_WATCHED | codes.ACC_FUND
            bits |= codes.ACC_NO_TIERS if not spec.account.tiers else 0
            cohort = self.cohorts.add(spec.id, "token", markets[0].currency)
            numbers = [self.numbers[name] for name in spec.basket]
            account = self._account(FIRST_TOKEN + numbers_of[spec.id], cohort, spec.aum_atoms, bits, numbers)
            self.token_accounts[spec.id] = account
            laid.append((spec, account, legs))
        return laid

    def _build(
        self,
        population: Population,
        tokens: list[tuple[TokenSpec, int, list[LegTerms]]],
        outside: dict[str, int],
        log_rows: int,
    ) -> Wired:
        accounts, positions, records = self._join(population)
        outside_records = {market: records[account, market] for market, account in outside.items()}
        opened: list[tuple[TokenSpec, Token]] = []
        marks = {market.id: self.opening[i] for market, i in zip(self.markets, range(len(self.opening)), strict=True)}
        for spec, account, legs in tokens:
            for market, lots in opening_lots(spec, legs, marks).items():
                i = records[account, market]
                self._open(accounts, positions, i, lots, self.numbers[market])
            opened.append((spec, open_token(spec, account, legs, marks)))
        desk_groups = self._desk_groups(accounts, positions, records, {spec.id: token for spec, token in opened})
        interest = self._book_other_side(accounts, positions, outside_records)
        books = [outside_records[market.id] for market in self.markets if self._is_of_token(market)]
        stakes = positions.view(layout.SPOT_POSITION)["stake"]
        stakes[books] = np.arange(population.stakes, population.stakes + len(books))
        world = World(
            underlyings=self._underlyings(),
            markets=self._markets(interest),
            cohorts=self.cohorts.rows,
            groups=population.groups,
            accounts=accounts,
            positions=positions,
            traders=population.traders,
            slots=population.slots,
            stakes=population.stakes + len(books),
            exponential=exponential_table(),
            log_rows=log_rows,
            logs=self._logs(),
        )
        holders = np.flatnonzero(stakes >= 0)  # before the world opens nothing else stands there
        world.stakes["opening_lots"][stakes[holders]] = positions["lots"][holders]
        ids = np.concatenate([*self._trader_ids(), np.array(self.ids, np.int64)]).astype(np.int64)
        return Wired(
            world, self.scenario, self.numbers, self.markets, self.paths, self.cohorts, self.ledger,
            records, outside_records, opened, ids, self.first, desk_groups,
        )  # fmt: skip

    def _trader_ids(self) -> list[NDArray[np.int64]]:
        """Public ids of the traders, group by group, counted through all groups declared."""
        present = {group.id for group in self.scenario.traders}
        ids, first = [], 0
        for group in self.declared.traders:
            if group.id in present:
                ids.append(np.arange(first, first + group.count))
            first += group.count
        return ids

    def _join(self, population: Population) -> tuple[NDArray[Any], NDArray[Any], dict[tuple[int, str], int]]:
        """Traders' rows and all others' in one table each; the others' positions by (account, market id)."""
        rest = np.zeros(len(self.accounts), layout.ACCOUNT)
        base = len(population.positions)
        pairs: list[tuple[int, int]] = []
        records: dict[tuple[int, str], int] = {}
        for k, row in enumerate(self.accounts):
            for name in ("cash_atoms", "deposit_atoms", "cohort", "bits"):
                rest[k][name] = row[name]
            rest[k]["trader"] = -1
            rest[k]["n_positions"] = len(row["markets"])
            rest[k]["first_position"] = base + len(pairs) if row["markets"] else -1
            for market in row["markets"]:
                records[self.first + k, self.markets[market].id] = base + len(pairs)
                pairs.append((self.first + k, market))
        held = np.zeros(len(pairs), layout.POSITION)
        for link in ("next", "prev", "bucket", "sibling"):
            held[link] = -1
        for j, (account, market) in enumerate(pairs):
            held[j]["account"], held[j]["market"] = account, market
            if j + 1 < len(pairs) and pairs[j + 1][0] == account:
                held[j]["sibling"] = base + j + 1
        accounts = joined([population.accounts, rest], layout.ACCOUNT)
        return accounts, joined([population.positions, held], layout.POSITION), records

    def _desk_groups(
        self,
        accounts: NDArray[Any],
        positions: NDArray[Any],
        records: dict[tuple[int, str], int],
        tokens: dict[str, Token],
    ) -> list[tuple[TraderGroupSpec, list[int]]]:
        """Groups that have a desk on the clock, with their accounts, of whose positions Python hears.

        They get the hedges that they open with, and where their desk wants it their fills are told at once.
        """
        found: list[tuple[TraderGroupSpec, list[int]]] = []
        first = 0
        for group in self.scenario.traders:
            mine = list(range(first, first + group.count))
            first += group.count
            if not group.has_desk():
                continue
            if group.hears_fills:
                accounts["bits"][mine] |= codes.ACC_WATCHED
            for account in mine:
                self._enter_positions(account, positions, records)
                if group.market in tokens:
                    self._open_hedges(group, account, tokens[group.market], accounts, positions, records)
            found.append((group, mine))
        return found

    def _open_hedges(
        self,
        group: TraderGroupSpec,
        account: int,
        token: Token,
        accounts: NDArray[Any],
        positions: NDArray[Any],
        records: dict[tuple[int, str], int],
    ) -> None:
        """Give one account the positions with which its kind hedges the units it opens with."""
        units = int(positions[records[account, group.market]]["lots"])
        held = {leg.market: int(positions[records[token.account, leg.market]]["lots"]) for leg in token.legs}
        for market, lots in group.opening_hedge(units, token.supply_lots, held).items():
            self._open(accounts, positions, records[account, market], lots, self.numbers[market])

    def _enter_positions(self, account: int, positions: NDArray[Any], records: dict[tuple[int, str], int]) -> None:
        i = account  # a trader's first position has its own number
        while i >= 0:
            records[account, self.markets[int(positions[i]["market"])].id] = i
            i = int(positions[i]["sibling"])

    def _open(self, accounts: NDArray[Any], positions: NDArray[Any], record: int, lots: int, market: int) -> None:
        price = self.opening[market]
        positions[record]["lots"] = lots
        positions[record]["entry_ticklots"] = abs(lots) * price
        accounts[positions[record]["account"]]["cash_atoms"] -= lots * price * self.atoms[market]

    def _book_other_side(self, accounts: NDArray[Any], positions: NDArray[Any], outside: dict[str, int]) -> list[int]:
        """Give `outside` the other side of what is open, `outside_holders` the units left; return open interest."""
        interest = []
        for number, market in enumerate(self.markets):
            mine = positions[positions["market"] == number]
            if self._is_of_token(market):
                supply = opening_supply_lots(self.token_specs[market.id])
                positions[outside[market.id]]["lots"] = supply - int(mine["lots"].sum())
                interest.append(0)
                continue
            signed = np.sign(mine["lots"]) * mine["entry_ticklots"]
            record = outside[market.id]
            lots, paid = int(mine["lots"].sum()), sum(int(x) for x in signed) * self.atoms[number]
            positions[record]["lots"] = -lots
            positions[record]["entry_ticklots"] = abs(paid // self.atoms[number])
            accounts[positions[record]["account"]]["cash_atoms"] += paid
            longs = int(mine["lots"][mine["lots"] > 0].sum())
            interest.append(longs if market.kind == "perpetual" else 0)  # coins held are nobody's debt
        return interest

    def _underlyings(self) -> list[dict[str, Any]]:
        rows = []
        for i, spec in enumerate(self.scenario.underlyings):
            path = self.paths[i]
            own = [m for m in self.scenario.markets if m.underlying == spec.id]
            own.sort(
                key=lambda m: m.kind != "perpetual"
            )  # it learns from its first perpetual, else from its spot market
            follower = self.numbers[own[0].id] if own else 0
            halves = path.every_ns / spec.index.pass_through_halflife
            learned = float(spec.index.pass_through) * (1.0 - float(power_(0.5, halves)))
            rows.append(
                {
                    "level": float(path.levels(0, 1)[0]),
                    "every_ns": path.every_ns,
                    "next_ns": path.every_ns,
                    "absolute": int(path.is_absolute and learned == 0.0),
                    "learning": learned,
                    "learning_market": follower,
                }
            )
        return rows

    def _markets(self, interest: list[int]) -> list[dict[str, Any]]:
        order = [underlying.id for underlying in self.scenario.underlyings]
        rows = []
        for i, market in enumerate(self.markets):
            leg = self.markets[self.numbers[self._legs(market)[0]]] if self._is_of_token(market) else market
            underlying = order.index(leg.underlying)
            steps = [
                group.longest_lookback_ns() // market.mark.every
                for group in self.scenario.traders
                if group.market == market.id
            ]
            opening = float(self.opening[i] * market.tick.amount)
            row = market_row(market, underlying, opening, self.scenario.clock.start, max(steps, default=0))
            rows.append({**row, **self.roles[i], **self._token_book(market), "open_interest": interest[i]})
        return rows

    def _token_book(self, market: MarketSpec) -> dict[str, Any]:
        """What a token's own book has beyond a market's record: its fund, its supply, its limits."""
        if not self._is_of_token(market):
            return {"kind": codes.SPOT if market.kind == "spot" else codes.PERPETUAL}
        spec = self.token_specs[market.id]
        own = spec.market
        assert own is not None
        cap = 0 if own.holding_cap is None else int(own.holding_cap * lots_per_token(spec))
        return {
            "kind": codes.SPOT,
            "nav_account": self.token_accounts[spec.id],
            "supply_lots": opening_supply_lots(spec),
            "index_ticks": self.opening[self.numbers[spec.id]],  # until there are units and so a NAV
            "price_band": float(own.price_band or 0),
            "holding_cap": cap,
        }

    def _logs(self) -> list[str]:
        record = self.scenario.record
        kept = [
            ("trades", record.trades == "all"),
            ("orders", record.orders == "all"),
            ("quotes", record.quotes == "change"),
        ]
        return [name for name, wanted in kept if wanted]
