"""From declared groups to rows of the kernel: accounts, positions, traders, and each group's record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.kernel import layout
from marketsim.spec import Distribution
from marketsim.streams import Stream, draw, quantile_table, stream_key
from marketsim.traders.clock import clock_record
from marketsim.traders.group import TraderGroupSpec
from marketsim.traders.rule import TABLE, GroupRule, GroupTerms
from marketsim.units import ATOMS_PER_UNIT, NS_PER_SECOND, rate_parts


@dataclass(frozen=True)
class MarketTerms:
    """What a group must know of its market: its number, atoms per tick and lot, tick, mark cadence and opening.

    legs: of a token's own book, the markets in its basket.
    """

    number: int
    atoms: int
    tick: float
    mark_every_ns: int
    opening_ticks: int
    volatility: float | None
    supply_lots: int = 0
    legs: tuple[str, ...] = ()
    is_of_coin: bool = False

    @property
    def is_of_token(self) -> bool:
        """Whether it is a token's own book, where positions are units held (`is_of_coin`: the same of a coin)."""
        return bool(self.legs)

    def for_rule(self, draws: Callable[[str], Stream]) -> GroupTerms:
        """The part of it that a rule is made with; draws: the group's streams by name."""
        return GroupTerms(self.atoms, self.mark_every_ns, self.opening_ticks, self.volatility, draws, self.is_of_coin)


@dataclass(frozen=True)
class Population:
    """All groups as the kernel's rows: one a trader (n,), which has account i and position i, its group's market.

    Groups that trade further markets (a token maker the basket's perps) have positions there too, behind the first n.
    stakes: how many holdings are kept. views: records of views by market number, where makers learn one.
    """

    groups: list[dict[str, Any]]
    cohorts: list[dict[str, Any]]
    accounts: NDArray[Any]
    positions: NDArray[Any]
    traders: NDArray[Any]
    slots: int
    stakes: int = 0
    views: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


def group_stream(seed: int, replication: int, group: str, name: str) -> Stream:
    """The stream of one kind of draw of one group, `<group>/<name>`."""
    return Stream(seed, replication, f"{group}/{name}")


def populate(
    groups: Sequence[TraderGroupSpec], markets: Mapping[str, MarketTerms], seed: int, replication: int, start_ns: int
) -> Population:
    """Lay out every group, in file order; the other side of opening positions is booked by `simulation`.

    start_ns: of the run [ns since 1970], for what goes by the hour of the day.
    """
    records: list[dict[str, Any]] = []
    cohorts: list[dict[str, Any]] = []
    rows: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
    views: dict[int, Mapping[str, Any]] = {}
    first, slots = 0, 0
    for number, spec in enumerate(groups):
        terms = markets[spec.market]
        streams = GroupStreams(seed, replication, spec.id)
        rule = spec.rule(terms.for_rule(streams.stream))
        fees = spec.fees
        assert fees is not None  # written in when the scenario loads
        own = {"own_fees": 1, "maker_fee": rate_parts(fees.maker), "taker_fee": rate_parts(fees.taker)}
        cohorts.append({**own, "group": number})
        rows.append(_rows(spec, terms, first, number, streams))
        records.append(
            {**_record(spec, rule, terms, first, streams, rows[-1][1]["lots"]), **_clock(spec, rule, start_ns)}
        )
        if rule.view is not None:
            views.setdefault(terms.number, rule.view)
        first += spec.count
        slots += rule.slots_each * spec.count
    accounts, positions, traders = (
        joined([part[k] for part in rows], dtype)
        for k, dtype in enumerate((layout.ACCOUNT, layout.POSITION, layout.TRADER))
    )
    spot = np.array([terms.number for terms in markets.values() if terms.is_of_token], np.int64)
    held = np.flatnonzero(np.isin(positions["market"], spot))
    positions.view(layout.SPOT_POSITION)["stake"][held] = np.arange(len(held))
    positions = _with_further_markets(groups, markets, accounts, positions)
    return Population(records, cohorts, accounts, positions, traders, slots, len(held), views)


def _with_further_markets(
    groups: Sequence[TraderGroupSpec],
    markets: Mapping[str, MarketTerms],
    accounts: NDArray[Any],
    positions: NDArray[Any],
) -> NDArray[Any]:
    """Positions with those that groups have in further markets appended, linked to the first."""
    rows = [positions]
    first, n = 0, len(positions)
    for spec in groups:
        owners = np.arange(first, first + spec.count)
        tail = owners
        for market in spec.further_markets(markets[spec.market].legs):
            more = np.zeros(spec.count, layout.POSITION)
            more["account"], more["market"] = owners, markets[market].number
            for link in ("next", "prev", "bucket", "sibling"):
                more[link] = -1
            whole = joined(rows, layout.POSITION)
            whole["sibling"][tail] = tail = np.arange(n, n + spec.count)
            rows = [whole, more]
            accounts["n_positions"][owners] += 1
            n += spec.count
        first += spec.count
    return joined(rows, layout.POSITION)


def joined(parts: Sequence[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Records one after the other, laid out as they were: by itself NumPy gives fields that share a place one each."""
    return np.concatenate([np.zeros(0, dtype), *parts], dtype=dtype)


@dataclass(frozen=True)
class GroupStreams:
    """The streams of one group."""

    seed: int
    replication: int
    group: str

    def stream(self, name: str) -> Stream:
        """The stream of one kind of draw."""
        return group_stream(self.seed, self.replication, self.group, name)


def _clock(spec: TraderGroupSpec, rule: GroupRule, start_ns: int) -> dict[str, Any]:
    """When the group wakes; one without a rule never does."""
    per_second = spec.mean_rate() * spec.count if rule.rule is not None else 0
    mean_gap_ns = float(NS_PER_SECOND / per_second) if per_second else 0.0
    return clock_record(spec.clock, spec.season, mean_gap_ns, start_ns)


def _record(
    spec: TraderGroupSpec,
    rule: GroupRule,
    terms: MarketTerms,
    first: int,
    streams: GroupStreams,
    opening_lots: NDArray[np.int64],
) -> dict[str, Any]:
    record: dict[str, Any] = {
        "rule": rule.rule,
        "parameters": dict(rule.parameters),
        "own": {**rule.own, rule.counts_from: opening_lots} if rule.counts_from else dict(rule.own),
        "market": terms.number,
        "first_trader": first,
        "count": spec.count,
        "key": np.uint64(stream_key(streams.seed, streams.replication, f"{spec.id}/wake")),
        "slots_each": rule.slots_each,
        "on_index": int(rule.on_index),
    }
    if rule.makers is not None:
        record["makers"] = rule.makers
    if spec.latency.kind == "constant":
        record["latency_ns"] = int(spec.latency.parameters["value"])
    else:
        record["latency_table"] = np.rint(quantile_table(spec.latency, TABLE)).astype(np.int64)
    return record


def _rows(
    spec: TraderGroupSpec, terms: MarketTerms, first: int, cohort: int, streams: GroupStreams
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    n = spec.count
    ids = np.arange(first, first + n)
    accounts, positions, traders = (
        np.zeros(n, layout.ACCOUNT),
        np.zeros(n, layout.POSITION),
        np.zeros(n, layout.TRADER),
    )
    accounts["deposit_atoms"] = np.rint(draw(spec.capital, streams.stream("capital"), np.arange(n)) * ATOMS_PER_UNIT)
    accounts["cash_atoms"] = accounts["deposit_atoms"]
    accounts["first_position"], accounts["trader"], accounts["cohort"], accounts["n_positions"] = ids, ids, cohort, 1
    positions["account"], positions["market"] = ids, terms.number
    for link in ("next", "prev", "bucket", "sibling"):
        positions[link] = -1
    traders["account"], traders["position"] = ids, ids
    if terms.is_of_token:
        share = spec.holds.get(spec.market, 0)
        positions["lots"] = int(terms.supply_lots * share) // max(n, 1)
        positions["entry_ticklots"] = positions["lots"] * terms.opening_ticks
    if spec.start is not None:
        _open_positions(spec, terms, accounts, positions, streams)
    return accounts, positions, traders


def _open_positions(
    spec: TraderGroupSpec, terms: MarketTerms, accounts: NDArray[Any], positions: NDArray[Any], streams: GroupStreams
) -> None:
    """Give a group its opening positions: leverage x capital at the entry price, to whole lots below, paid in cash."""
    start = spec.start
    assert start is not None
    who = np.arange(spec.count)
    leverage = draw(start.leverage, streams.stream("start-leverage"), who)
    sign = np.where(streams.stream("start-side").uniform(who, 0) < float(start.long_share), 1, -1)
    entry = np.full(spec.count, terms.opening_ticks, np.int64)
    if start.entry is not None:
        entry = np.maximum(1, np.rint(_prices(start.entry, streams, who) / terms.tick)).astype(np.int64)
    notional = leverage * accounts["deposit_atoms"]
    lots = sign * np.floor(notional / (entry.astype(np.float64) * terms.atoms)).astype(np.int64)
    positions["lots"] = lots
    positions["entry_ticklots"] = np.abs(lots) * entry
    accounts["cash_atoms"] -= lots * entry * terms.atoms


def _prices(distribution: Distribution, streams: GroupStreams, who: NDArray[np.int64]) -> NDArray[np.float64]:
    return draw(distribution, streams.stream("start-entry"), who)
