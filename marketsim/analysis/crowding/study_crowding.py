"""crowding.parquet of a study: K, lambda, the crowding number and its multipliers, for each cell and market."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace

import numpy as np
import polars as pl

from marketsim.analysis.crowding.crowding_number import CrowdingNumber, crowding_number
from marketsim.analysis.crowding.crowding_row import COLUMNS, CrowdingRow
from marketsim.analysis.crowding.market_response import market_response
from marketsim.analysis.crowding.probe_impact import PROBES, antithetic_pairs, impact_at
from marketsim.analysis.crowding.rebalance_demand import Demand, clock_demand, demand_windows
from marketsim.analysis.crowding.regression_impact import REGRESSION_NS, impact_by_regression
from marketsim.analysis.run_data.finished_runs import factual_arms, finished_runs
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.traders.group import TRADERS
from marketsim.units import NS_PER_SECOND


def study_crowding(study: Study) -> pl.DataFrame:
    """Crowding of every cell: by probes at their horizons, and by regression to compare with; columns `COLUMNS`."""
    rows: list[CrowdingRow] = []
    measured = _measured_amplification(study)
    for _, runs in finished_runs(study, factual_arms(study)).group_by("cell", maintain_order=True):
        there = [Run(path) for path in runs["path"]]
        k, cell = _mean_demand(there), int(runs["cell"][0])
        found = [*_by_probes(study, cell, there[0], k, runs["run_id"].to_list()), *_by_regression(cell, there, k)]
        rows += [replace(row, amplification=measured.get(cell)) for row in found]
    return pl.DataFrame([asdict(row) for row in rows], schema=COLUMNS)


def _mean_demand(runs: list[Run]) -> Demand:
    """K at the most crowded time of day, mean over replications."""
    each = [clock_demand(demand_windows(run)) for run in runs]
    keys = {key for k in each for key in k}
    return {key: float(np.mean([k.get(key, 0.0) for k in each])) for key in sorted(keys)}


def _probes(study: Study, run_ids: list[str]) -> pl.DataFrame:
    files = [study.path / "probes" / f"{run_id}.parquet" for run_id in run_ids]
    frames = [pl.read_parquet(file) for file in files if file.is_file()]
    frames = [frame.select(*PROBES) for frame in frames if not frame.is_empty()]
    return pl.concat(frames) if frames else pl.DataFrame(schema=PROBES)


def _by_probes(study: Study, cell: int, run: Run, k: Demand, run_ids: list[str]) -> Iterator[CrowdingRow]:
    pairs = antithetic_pairs(_probes(study, run_ids))
    markets = sorted(pairs["market"].unique().to_list())
    for horizon in sorted(pairs["horizon_ns"].unique().to_list()):
        measured = impact_at(horizon, pairs, markets)
        number = crowding_number(measured, k)
        own = measured.matrix().diagonal()
        for i, market in enumerate(markets):
            others = market_response(
                pairs, market, horizon, leaning=_leaning(run), money_per_lot=_money_per_lot(run, market)
            )
            yield replace(
                _row(cell, market, k, float(own[i]), number, horizon, "probes"),
                liquidation_density=others.liquidation_density,
                contrarian_liquidity=others.contrarian_liquidity,
            )


def _by_regression(cell: int, runs: list[Run], k: Demand) -> Iterator[CrowdingRow]:
    for market in sorted({m for m, _ in k}):
        found = [impact_by_regression(run, market)[0] for run in runs]
        slopes = [slope for slope in found if slope is not None]
        if slopes:
            slope = float(np.mean(slopes))
            number = CrowdingNumber(slope * k[market, market], pairs=len(slopes))
            yield _row(cell, market, k, slope, number, REGRESSION_NS, "regression")


def _row(
    cell: int, market: str, k: Demand, slope: float, found: CrowdingNumber, horizon_ns: int, method: str
) -> CrowdingRow:
    return CrowdingRow(
        cell, market, horizon_ns / NS_PER_SECOND, method, k.get((market, market)), slope,
        found.number, found.lo, found.hi, found.pairs, found.one_shot, found.fixed_point,
    )  # fmt: skip


def _leaning(run: Run) -> list[str]:
    """Trader groups whose trades count as a response to a move."""
    makers = {word for word, kind in TRADERS.kinds.items() if kind.supplies_liquidity}
    return [group["id"] for group in run.resolved["traders"] if group["kind"] not in makers]


def _money_per_lot(run: Run, market: str) -> float:
    """Worth of a lot at the mean mark [currency]."""
    lot = float(run.table("instruments").filter(pl.col("market") == market)["lot"][0])
    mark = run.table("marks").filter(pl.col("market") == market)["mark_price"].mean()
    return lot * float(mark) if isinstance(mark, (int, float)) else 0.0


def _measured_amplification(study: Study) -> dict[int, float]:
    """Amplification of the factual arm against the baseline, by cell, where effects have it."""
    if not (study.path / "effects.parquet").is_file():
        return {}
    spec = study.spec
    rows = study.effects().filter(measure="amplification", arm=spec.factual_arm or "", versus=spec.baseline_arm)
    return {cell: value for cell, value in rows.select("cell", "estimate").iter_rows() if value is not None}
