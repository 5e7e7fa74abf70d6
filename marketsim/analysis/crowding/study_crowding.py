"""crowding.parquet of a study: K, lambda and what they multiply, market by market, for each cell and horizon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np
import polars as pl

from marketsim.analysis.crowding.crowding_number import crowding_sums
from marketsim.analysis.crowding.crowding_row import COLUMNS, CrowdingRow
from marketsim.analysis.crowding.factual_pairs import Pair, factual_pairs
from marketsim.analysis.crowding.market_response import MarketResponse, market_response
from marketsim.analysis.crowding.probe_impact import RESET, Push, pushes_of
from marketsim.analysis.crowding.reset_impact import BUY, OWN_SIZE, SELL, InstantImpact, instant_impacts
from marketsim.analysis.run_data.reset_moves import move_before
from marketsim.datasets.resets import resets_of
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.scenario.study.horizon import NEXT, horizon_ns
from marketsim.scenario.study.probe import ProbeSpec
from marketsim.traders.group import TRADERS
from marketsim.units import NS_PER_SECOND


def study_crowding(study: Study) -> pl.DataFrame:
    """Crowding of every cell of which probes could be read; columns `COLUMNS`."""
    horizons = (study.spec.probe or ProbeSpec()).words
    rows = [
        row
        for cell, pairs in factual_pairs(study).items()
        for horizon in horizons
        for row in _of_cell(cell, pairs, horizon)
    ]
    return pl.DataFrame([asdict(row) for row in rows], schema=COLUMNS)


def _of_cell(cell: int, pairs: Sequence[Pair], horizon: str) -> Iterator[CrowdingRow]:
    """The rows of one cell and horizon, for each set of markets that had resets at one instant."""
    by_markets: dict[tuple[str, ...], list[InstantImpact]] = {}
    unread = 0
    for factual, baseline in pairs:
        for instant in instant_impacts(factual, baseline, horizon):
            if isinstance(instant, int):
                unread += 1
            else:
                by_markets.setdefault(instant.markets, []).append(instant)
    others = _responses(pairs, horizon)
    for markets, instants in by_markets.items():
        for row in _of_markets(cell, markets, instants, horizon):
            row = replace(row, unread=unread)
            found = others.get(row.market) if row.market == row.moved else None
            yield row if found is None else replace(row, **asdict(found))


def _of_markets(
    cell: int, markets: tuple[str, ...], instants: Sequence[InstantImpact], horizon: str
) -> Iterator[CrowdingRow]:
    sums = crowding_sums(instants)
    k, slopes, found = sums.demand(), sums.impact(), sums.crowding()
    bounds = sum(instant.bounds for instant in instants)
    for m, market in enumerate(markets):
        sides = {side: _by_side(instants, m, side) for side in (BUY, SELL)}
        for j, moved in enumerate(markets):
            yield CrowdingRow(
                cell=cell,
                market=market,
                moved=moved,
                horizon=horizon,
                horizon_s=None if horizon == NEXT else horizon_ns(horizon) / NS_PER_SECOND,
                k_usdt=float(k[m, j]),
                impact_per_usdt=float(slopes[j, m]),
                impact_per_usdt_buy=sides[BUY].get(moved),
                impact_per_usdt_sell=sides[SELL].get(moved),
                crowding_number=found.number,
                response=float(found.responses[m]),
                resets=len(instants),
                bounds=bounds,
                unread=0,
            )


def _by_side(instants: Sequence[InstantImpact], traded: int, side: int) -> Mapping[str, float]:
    """lambda of an order to one side in one market, by the market seen."""
    known = [found for instant in instants if (found := instant.resets[traded].sides[side]) is not None]
    notional = sum(each.notional for each in known)
    markets = {market for each in known for market in each.x}
    return {market: sum(each.x.get(market, 0.0) for each in known) / notional for market in markets if notional}


def _responses(pairs: Sequence[Pair], horizon: str) -> dict[str, MarketResponse]:
    """What others traded after the moves of probes of the orders' own size, by market."""
    found: dict[str, list[tuple[Push, Push, float]]] = {}
    for factual, baseline in pairs:
        for reset in resets_of(factual):
            move = move_before(reset, factual, baseline)
            ends = {
                push.side: push
                for push in pushes_of(factual).get((reset.market, reset.decide_ns), ())
                if push is not None
                and (push.schedule, push.size, push.horizon, push.seen) == (RESET, OWN_SIZE, horizon, reset.market)
            }
            if move is not None and len(ends) == 2:
                found.setdefault(reset.market, []).append((ends[BUY], ends[SELL], move.price))
    if not pairs:
        return {}
    run = pairs[0][0]
    return {
        market: market_response(each, leaning=_leaning(run), money_per_lot=_money_per_lot(run, market))
        for market, each in found.items()
    }


def _leaning(run: Run) -> list[str]:
    """Trader groups whose trades count as a response to a move."""
    makers = {word for word, kind in TRADERS.kinds.items() if kind.supplies_liquidity}
    return [group["id"] for group in run.resolved["traders"] if group["kind"] not in makers]


def _money_per_lot(run: Run, market: str) -> float:
    """Worth of a lot at the mean mark [currency]."""
    lot = float(run.table("instruments").filter(pl.col("market") == market)["lot"][0])
    mark = run.table("marks").filter(pl.col("market") == market)["mark_price"]
    return lot * float(np.mean(mark.to_numpy())) if len(mark) else 0.0
