"""The crowding block of one run's manifest: K, and lambda by regression on its own trades."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from marketsim.analysis.crowding.rebalance_demand import Demand, clock_demand, demand_windows, triggered_demand
from marketsim.analysis.crowding.regression_impact import REGRESSION_NS, impact_by_regression
from marketsim.datasets.run import Run
from marketsim.units import NS_PER_SECOND


class CrowdingBlock(TypedDict):
    """The crowding of one market as the manifest has it; k_triggered_usdt: K of the tokens that no clock resets."""

    k_usdt: float | None
    k_triggered_usdt: float | None
    impact_per_usdt: float | None
    crowding_number: float | None
    method: str
    lo: float | None
    hi: float | None
    horizon_s: float | None


def crowding_of_run(path: str | Path) -> dict[str, CrowdingBlock]:
    """The crowding block of a run, by market.

    K is that of the most crowded time of day; in a market without such, of the tokens that prices alone reset; null
    where tokens were not recorded. There is no interval: one run is one draw of random numbers. The better estimate is
    a study's, by probes.
    """
    run = Run(path)
    k, triggered = clock_demand(demand_windows(run)), triggered_demand(run)
    has_funds = bool(run.resolved["tokens"]) and run.manifest["arm"] != "off"
    is_known = not has_funds or not run.table("token_legs").is_empty()
    markets = run.table("instruments")["market"].to_list()
    return {market: _block(run, market, k, triggered, is_known) for market in markets}


def _block(run: Run, market: str, k: Demand, triggered: Demand, is_known: bool) -> CrowdingBlock:
    waiting = triggered.get((market, market), 0.0) if is_known else None
    value = k.get((market, market), waiting)
    per_unit = impact_by_regression(run, market)[0] if value else None
    return {
        "k_usdt": value,
        "k_triggered_usdt": waiting,
        "impact_per_usdt": per_unit,
        "crowding_number": None if value is None or (value and per_unit is None) else abs((per_unit or 0.0) * value),
        "method": "none" if per_unit is None else "regression",
        "lo": None,
        "hi": None,
        "horizon_s": None if per_unit is None else REGRESSION_NS / NS_PER_SECOND,
    }
