"""A study's tables beside its effects: crowding of its cells, token against perp, and who paid whom.

crowding.parquet    of each cell and market K, lambda, the crowding number and its multipliers, beside what was measured
holding.parquet     what each holder of a token and each of its ghosts came to, in every factual run
transfers.parquet   the transfer matrix of every whole run, by cohort and cause
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from marketsim.analysis import crowding, impact
from marketsim.analysis.ghosts import compare_holding
from marketsim.analysis.transfers import transfers
from marketsim.datasets.run import Run
from marketsim.datasets.storage import storing
from marketsim.datasets.study import Study
from marketsim.streams import Stream
from marketsim.traders.group import TRADERS
from marketsim.units import NS_PER_SECOND

CROWDING: Mapping[str, Any] = {
    "cell": pl.Int64, "market": pl.String, "horizon_s": pl.Float64, "method": pl.String, "k_usdt": pl.Float64,
    "impact_per_usdt": pl.Float64, "crowding_number": pl.Float64, "lo": pl.Float64, "hi": pl.Float64, "pairs": pl.Int64,
    "one_shot": pl.Float64, "fixed_point": pl.Float64, "amplification": pl.Float64, "liquidation_density": pl.Float64,
    "contrarian_liquidity": pl.Float64,
}  # fmt: skip
"""Columns of crowding.parquet: a row for each horizon of the probes (method `probes`), and one by regression.

crowding_number: of all markets of the cell together (a spectral radius), so the same in each of its markets. k_usdt: a
market's own K. one_shot, fixed_point: the multipliers theory has for it; amplification: what was measured against the
first frictionless arm. The last two: what a unit of return set off [currency]."""


def write_study_tables(study: Study) -> list[Path]:
    """Write the tables that a study asks for: by its measures, and by `compare_holding`."""
    wanted = {*study.spec.measures, study.spec.primary}
    written = []
    if "crowding_number" in wanted:
        written.append(_write(study, "crowding", study_crowding(study)))
    if study.spec.compare_holding:
        written.append(_write(study, "holding", study_holding(study)))
    if "transfers" in wanted:
        written.append(_write(study, "transfers", study_transfers(study)))
    return written


def _write(study: Study, name: str, frame: pl.DataFrame) -> Path:
    path = study.path / f"{name}.parquet"
    with storing(path):
        frame.write_parquet(path.with_suffix(".writing"))
        path.with_suffix(".writing").replace(path)
    return path


def _finished(study: Study, arms: set[str]) -> pl.DataFrame:
    """The whole runs of some arms that are there."""
    runs = study.runs()
    return runs.filter(pl.col("fork_ns").is_null() & (pl.col("status") == "ok") & pl.col("arm").is_in(sorted(arms)))


def _factual(study: Study) -> set[str]:
    return {arm.id for arm in study.spec.arms if arm.arm == "factual" and not arm.set}


# -- crowding ---------------------------------------------------------------------------------------------------------


def study_crowding(study: Study) -> pl.DataFrame:
    """Crowding of every cell: probes at their horizons, and the factual tapes' regression to compare; `CROWDING`."""
    rows: list[dict[str, Any]] = []
    measured = _measured_amplification(study)
    for _, runs in _finished(study, _factual(study)).group_by("cell", maintain_order=True):
        there = [Run(path) for path in runs["path"]]
        k = _mean_k(there)
        probes = _probes(study, runs["run_id"].to_list())
        number = int(runs["cell"][0])
        found = [*_by_probes(study, number, there[0], k, probes), *_by_regression(number, there, k)]
        rows += [{**row, "amplification": measured.get(number)} for row in found]
    return pl.DataFrame(rows, schema=dict(CROWDING), orient="row")


def _mean_k(runs: list[Run]) -> dict[tuple[str, str], float]:
    """K of the most crowded clock window, on the mean over replications."""
    each = [crowding.clock_k(crowding.windows(run)) for run in runs]
    keys = {key for k in each for key in k}
    return {key: float(np.mean([k.get(key, 0.0) for k in each])) for key in sorted(keys)}


def _probes(study: Study, run_ids: list[str]) -> pl.DataFrame:
    files = [study.path / "probes" / f"{run_id}.parquet" for run_id in run_ids]
    frames = [pl.read_parquet(file) for file in files if file.is_file()]
    frames = [frame.select(*impact.PROBES) for frame in frames if not frame.is_empty()]
    return pl.concat(frames) if frames else pl.DataFrame(schema=dict(impact.PROBES))


def _by_probes(
    study: Study, cell: int, run: Run, k: Mapping[tuple[str, str], float], probes: pl.DataFrame
) -> list[dict[str, Any]]:
    pairs = impact.antithetic_pairs(probes)
    markets = sorted(pairs["market"].unique().to_list())
    seed = int(Stream(study.declared["seed"], 0, f"crowding/{cell}").bits(0, 0))
    rows = []
    for horizon in sorted(pairs["horizon_ns"].unique().to_list()):
        measured = impact.impact(pairs, horizon, markets)
        number = crowding.crowding_number(measured, k, np.random.default_rng(seed))
        own = measured.matrix().diagonal()
        for i, market in enumerate(markets):
            others = impact.responses(
                pairs, market, horizon, leaning=_leaning(run), money_per_lot=_money_per_lot(run, market)
            )
            rows.append(
                {
                    **_row(cell, market, k, float(own[i]), number.number, horizon, "probes"),
                    "lo": number.lo,
                    "hi": number.hi,
                    "pairs": number.pairs,
                    "liquidation_density": others.liquidation_density,
                    "contrarian_liquidity": others.contrarian_liquidity,
                }
            )
    return rows


def _by_regression(cell: int, runs: list[Run], k: Mapping[tuple[str, str], float]) -> list[dict[str, Any]]:
    rows = []
    for market in sorted({m for m, _ in k}):
        found = [impact.impact_by_regression(run, market)[0] for run in runs]
        slopes = [slope for slope in found if slope is not None]
        if slopes:
            slope = float(np.mean(slopes))
            number = abs(slope * k[market, market])
            row = _row(cell, market, k, slope, number, impact.REGRESSION_NS, "regression")
            rows.append({**row, "pairs": len(slopes)})
    return rows


def _row(
    cell: int, market: str, k: Mapping[tuple[str, str], float], slope: float, number: float, horizon: int, method: str
) -> dict[str, Any]:
    of = crowding.Crowding(horizon, number, None, None, 0)
    return {
        **dict.fromkeys(CROWDING),
        "cell": cell,
        "market": market,
        "horizon_s": horizon / NS_PER_SECOND,
        "method": method,
        "k_usdt": k.get((market, market)),
        "impact_per_usdt": slope,
        "crowding_number": number,
        "one_shot": of.one_shot,
        "fixed_point": of.fixed_point,
    }


def _leaning(run: Run) -> list[str]:
    """Trader groups whose trades count as an answer to a move: those that do not take the other side of anything."""
    makers = {word for word, kind in TRADERS.kinds.items() if kind.supplies_liquidity}
    return [group["id"] for group in run.resolved["traders"] if group["kind"] not in makers]


def _money_per_lot(run: Run, market: str) -> float:
    """Worth of a lot at the mean mark [currency]."""
    lot = float(run.table("instruments").filter(pl.col("market") == market)["lot"][0])
    mark = run.table("marks").filter(pl.col("market") == market)["mark_price"].mean()
    return lot * float(mark) if isinstance(mark, (int, float)) else 0.0


def _measured_amplification(study: Study) -> dict[int, float]:
    """Amplification against the first frictionless arm, by cell, where effects have it."""
    arm = next((arm.id for arm in study.spec.arms if arm.arm == "frictionless"), None)
    if arm is None or not (study.path / "effects.parquet").is_file():
        return {}
    rows = study.effects().filter((pl.col("measure") == "amplification") & (pl.col("arm") == arm))
    return {row["cell"]: row["estimate"] for row in rows.to_dicts() if row["estimate"] is not None}


# -- holding, transfers -----------------------------------------------------------------------------------------------


def study_holding(study: Study) -> pl.DataFrame:
    """Holders of tokens beside their ghosts (`ghosts.COLUMNS`), of every factual run: with cell and replication."""
    return _of_runs(study, _factual(study), lambda run: compare_holding(run.path, study.spec.compare_holding))


def study_transfers(study: Study) -> pl.DataFrame:
    """The rows of the transfer matrix of every whole run, with cell, replication and arm."""
    arms = {arm.id for arm in study.spec.arms}
    return _of_runs(study, arms, lambda run: transfers(run).flows)


def _of_runs(study: Study, arms: set[str], make: Callable[[Run], pl.DataFrame]) -> pl.DataFrame:
    frames = []
    for row in _finished(study, arms).to_dicts():
        place = [pl.lit(row[name]).alias(name) for name in ("cell", "replication", "arm")]
        frames.append(make(Run(row["path"])).select(*place, pl.all()))
    return pl.concat(frames) if frames else pl.DataFrame()
