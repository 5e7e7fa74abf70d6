"""Sensitivity indices: which of the values a study varies matter for a measure (`study.sensitivity`), through SALib.

sobol: first-order and total indices, S1 and ST (Saltelli et al. 2010), the shares of the outcome's variance over the
ranges of `over` that a value explains by itself and together with the others. morris: mean, mean absolute value and
standard deviation of elementary effects, mu, mu_star and sigma (Morris 1991; Campolongo, Cariboni and Saltelli 2007).
Intervals are 95 %, from bootstrap resamples of base points or trajectories. An axis enters by the position on it, so
that a logarithmic axis needs no other treatment. The outcome of a cell is its estimate over the replications, which
all cells share: what is explained is the variance of that estimate, not the luck of a replication.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats
from marketsim.datasets.study import Study
from marketsim.errors import ResultError
from marketsim.scenario.study.sensitivity import SensitivitySpec
from marketsim.streams import Stream

RESAMPLES = 1_000
FEWEST_BLOCKS = 2
"""Base points or trajectories below which there is nothing to estimate from."""
MORRIS_LEVELS = 4
INDICES = {"sobol": ("S1", "ST"), "morris": ("mu_star", "mu", "sigma")}
"""Indices of each method, the one that ranks the values first or last."""
_INDEX = {"path": pl.String, "index": pl.String, "estimate": pl.Float64, "lo": pl.Float64, "hi": pl.Float64}
COLUMNS = {
    "market": pl.String, "measure": pl.String, "unit": pl.String, "arm": pl.String, "versus": pl.String, **_INDEX,
    "method": pl.String,
    "samples": pl.Int64, "left_out": pl.Int64, "note": pl.String,
}  # fmt: skip
"""Columns of sensitivity.parquet. market: null where all are taken together. versus: null for an arm by itself.
samples: base points or trajectories that the estimate is of; left_out: those with a cell that has no outcome. note:
why there is no estimate."""


def measure_sensitivity(study: Study, units: Mapping[str, str], effects: pl.DataFrame) -> pl.DataFrame:
    """Indices of every path a study varies for the measure its `sensitivity` names (markets x paths x indices).

    Columns `COLUMNS`. units: unit of each measure; effects: those of the study. Base points or trajectories with a cell
    that has no outcome are left out whole.
    """
    asked, spec = study.spec.sensitivity, study.spec
    if asked is None:
        raise ResultError(f"{study.path} has no sensitivity: the study does not ask for it (study.sensitivity)")
    measure = str(asked.measure or spec.primary)
    outcomes, arm, versus = _outcomes(study, effects, asked, measure)
    frames = []
    for market in outcomes["market"].unique(maintain_order=True).to_list() or [None]:
        mine = outcomes.filter(pl.col("market").eq_missing(pl.lit(market, pl.String)))
        said = {
            "market": market, "measure": measure, "unit": units.get(measure), "arm": arm, "versus": versus,
            "method": asked.method,
        }  # fmt: skip
        columns = [pl.lit(value, dtype=COLUMNS[name]).alias(name) for name, value in said.items()]
        frames.append(_indices(study, asked, measure, mine).with_columns(columns).select(*COLUMNS))
    return pl.concat(frames)


def _indices(study: Study, asked: SensitivitySpec, measure: str, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Indices of outcomes (cell, estimate), with the numbers of blocks used and left out, or why there are none."""
    paths, seed = list(study.spec.over), study.declared["seed"]
    cells = study.design().join(outcomes, on="cell", how="left", maintain_order="left")
    per_block = len(paths) + (2 if asked.method == "sobol" else 1)
    blocks = cells["estimate"].to_numpy().reshape(-1, per_block)
    whole = np.isfinite(blocks).all(axis=1)
    note, outcome = _why_not(blocks[whole], asked, measure), blocks[whole].ravel()
    if note is not None:
        empty = [{"path": path, "index": index} for path in paths for index in INDICES[asked.method]]
        found = pl.DataFrame(empty, schema=_INDEX)
    elif asked.method == "sobol":
        found = sobol_indices(outcome, paths, seed)
    else:
        places = cells.select([f"{path}:unit" for path in paths]).to_numpy().astype(np.float64)
        found = morris_effects(places[np.repeat(whole, per_block)], outcome, paths, seed)
    counted = {"samples": int(whole.sum()), "left_out": int((~whole).sum()), "note": note}
    return found.with_columns([pl.lit(value, dtype=COLUMNS[name]).alias(name) for name, value in counted.items()])


def _outcomes(
    study: Study, effects: pl.DataFrame, asked: SensitivitySpec, measure: str
) -> tuple[pl.DataFrame, str, str | None]:
    """The outcome of each cell (cell, market, estimate), of which arm, against which: a difference before a level."""
    effects, baseline = effects.filter(pl.col("measure") == measure), study.spec.baseline_arm
    names = [arm.id for arm in study.spec.arms] if asked.arm is None else [asked.arm]
    for versus in (baseline, None):
        for arm in names:
            mine = effects.filter(pl.col("arm") == arm, pl.col("versus").eq_missing(pl.lit(versus, pl.String)))
            if not mine.is_empty():
                return mine.select("cell", "market", "estimate"), arm, versus
    return effects.clear().select("cell", "market", "estimate"), names[0], None


def _why_not(blocks: Floats, asked: SensitivitySpec, measure: str) -> str | None:
    """Why outcomes (blocks, cells of a block) give no indices; None where they do."""
    if len(blocks) < FEWEST_BLOCKS:
        things = "base points" if asked.method == "sobol" else "trajectories"
        return f"{len(blocks)} of {asked.samples} {things} have the outcome {measure} in every cell; 2 are needed"
    if float(np.ptp(blocks)) == 0.0:
        return "all cells have the same outcome, so there is no variance to attribute to anything"
    return None


def sobol_indices(outcome: Floats, paths: Sequence[str], seed: int) -> pl.DataFrame:
    """First-order and total Sobol indices of outcomes (blocks x (axes + 2),) in the order of `sampling.saltelli`."""
    from SALib.analyze.sobol import analyze

    with np.errstate(all="ignore"):
        found = analyze(
            _problem(paths), outcome, calc_second_order=False, num_resamples=RESAMPLES, seed=_seed(seed, "sobol")
        )
    return _frame(paths, {"S1": (found["S1"], found["S1_conf"]), "ST": (found["ST"], found["ST_conf"])})


def morris_effects(places: Floats, outcome: Floats, paths: Sequence[str], seed: int) -> pl.DataFrame:
    """Elementary effects per whole axis, of points (trajectories x (axes + 1), axes) in [0, 1] and their outcomes."""
    from SALib.analyze.morris import analyze

    found = analyze(
        _problem(paths), places, outcome, num_resamples=RESAMPLES, num_levels=MORRIS_LEVELS,
        seed=_seed(seed, "morris"),
    )  # fmt: skip
    nothing = np.full(len(paths), np.nan)
    mu, mu_star, sigma = (np.asarray(found[name], np.float64) for name in ("mu", "mu_star", "sigma"))
    spread = np.asarray(found["mu_star_conf"], np.float64)
    return _frame(paths, {"mu_star": (mu_star, spread), "mu": (mu, nothing), "sigma": (sigma, nothing)})


def _problem(paths: Sequence[str]) -> Mapping[str, object]:
    return {"num_vars": len(paths), "names": list(paths), "bounds": [[0.0, 1.0]] * len(paths)}


def _seed(seed: int, method: str) -> int:
    """A seed for each method, above zero (SALib takes 0 for none)."""
    return int(Stream(seed, 0, f"sensitivity:{method}").integers(2**31, 0, 0)) + 1


def _frame(paths: Sequence[str], indices: Mapping[str, tuple[Any, Any]]) -> pl.DataFrame:
    """Estimates with their half-widths as rows; an unknown half-width gives no interval."""
    rows = []
    for number, path in enumerate(paths):
        for index, (estimates, spreads) in indices.items():
            value, half = float(estimates[number]), float(spreads[number])
            known = bool(np.isfinite(half))
            ends = {"lo": value - half if known else None, "hi": value + half if known else None}
            rows.append({"path": path, "index": index, "estimate": value, **ends})
    return pl.DataFrame(rows, schema=_INDEX)
