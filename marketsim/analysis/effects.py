"""What the arms of a study did: paired differences with intervals, as effects.parquet has them.

The estimate of a measure of pairs is its value over all pairs of a cell, factual = `versus`, counterfactual = the arm;
of a measure of single runs it is the arm's value less that of `versus`. Rows whose `versus` is null are levels: a
single-run measure of that arm alone. Values are of sums over all pairs: ratios of sums, never means of ratios.

Clusters are replications, days of one staying together; with one replication its days; in a study of forks the forks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from marketsim.analysis.contrast import Contrast, contrast_of, level_of
from marketsim.analysis.pairs import ArmPairs, Gathered, Measure, Tapes, gather, pairs_of
from marketsim.analysis.resampling import benjamini_hochberg, bootstrap_p, holm, interval, sign_flip_p
from marketsim.datasets.study import Study
from marketsim.errors import UsageError
from marketsim.streams import Stream

MEASURED_ELSEWHERE = ("crowding_number", "transfers")
"""Words of `study.measures` that are no terms of runs: probes and matrices have tables of their own."""

COLUMNS = {
    "cell": pl.Int64, "measure": pl.String, "arm": pl.String, "versus": pl.String, "pairs": pl.Int64,
    "estimate": pl.Float64, "lo": pl.Float64, "hi": pl.Float64, "p_adjusted": pl.Float64,
    "variance_ratio": pl.Float64, "pair_correlation": pl.Float64, "failed": pl.Float64, "collapsed": pl.Float64,
    "p": pl.Float64, "clusters": pl.String, "method": pl.String, "primary": pl.Boolean,
    "tape_correlation": pl.Float64, "parted_ns": pl.Int64, "note": pl.String,
}  # fmt: skip
"""Columns of effects.parquet; beside those of CONTRACT section 6:

p: two-sided, before adjustment, by swapping the arms of pairs, or for measures of pairs by the bootstrap. p_adjusted:
over all cells and arms, by Holm for the registered primary outcome, by Benjamini and Hochberg for all others together.
variance_ratio: variance without shared luck over variance with it (`Contrast.variance_ratio`). pair_correlation: of the
outcome between the arms; for measures of pairs, which no run has alone, of the tapes. failed, collapsed: shares of
pairs with such a run; estimates are of the rest, for measures of ruin (`pairs.RUIN`) with the collapsed. clusters: what
was resampled. method: of the interval. tape_correlation: of 1-minute returns, mean over pairs and markets. parted_ns:
the median over these of the instant when it first fell below one half; null where most never did.
"""


def measure_effects(study: Study, measures: Mapping[str, Measure], tapes: Tapes | None = None) -> pl.DataFrame:
    """The effects of a study (cells x measures x arms), columns `COLUMNS`.

    measures: all there are (`analysis.measures.MEASURES`); those that the study names are taken, or all. tapes:
    correlation of two runs' tapes by market. Raises `UsageError` for a measure that is not there.
    """
    wanted = measures_of(study, measures)
    together = {**wanted, **{name: measures[name] for name in ("collapse_share",) if name in measures}}
    rows: list[dict[str, Any]] = []
    for pairs in pairs_of(study, together):
        gathered = gather(pairs, wanted)
        tape = _tape(pairs, tapes) if pairs.arm != pairs.versus else {}
        for name, measure in wanted.items():
            rows += _rows(study, pairs, measure, gathered[name], tape)
    return _adjusted(pl.DataFrame(rows, schema=COLUMNS))


def write_effects(study: Study, measures: Mapping[str, Measure], tapes: Tapes | None = None) -> Path:
    """Compute the effects of a study and write effects.parquet; returns where it is."""
    return study.write_effects(measure_effects(study, measures, tapes))


def measures_of(study: Study, measures: Mapping[str, Measure]) -> dict[str, Measure]:
    """The measures a study names, its primary outcome among them, or all where it names none."""
    names = list(dict.fromkeys([*study.spec.measures, *([study.spec.primary] if study.spec.primary else [])]))
    unknown = [name for name in names if name not in measures and name not in MEASURED_ELSEWHERE]
    if unknown:
        raise UsageError(f"there is no measure {unknown[0]!r}; the measures are {', '.join(measures)}")
    return {name: measures[name] for name in names if name in measures} if names else dict(measures)


def _rows(
    study: Study, pairs: ArmPairs, measure: Measure, gathered: Gathered, tape: dict[str, Any]
) -> Iterable[dict[str, Any]]:
    """The level of an arm, and its difference from `versus`, as far as the measure has them."""
    common = {"cell": pairs.cell, "measure": measure.name, "arm": pairs.arm, "failed": pairs.failed_share}
    common |= {"collapsed": pairs.collapsed_share, "primary": measure.name == study.spec.primary}
    common |= {"pairs": len(pairs.keys(measure.name)), "note": gathered.note or None}
    seed = f"effects:{pairs.cell}:{measure.name}:{pairs.arm}"
    if measure.of_run is not None:
        yield {**common, "primary": False, **_estimated(level_of(measure, gathered), _luck(study, f"{seed}:level"))}
    if pairs.arm != pairs.versus:
        contrast, rng = contrast_of(measure, gathered), _luck(study, seed)
        row = {**common, "versus": pairs.versus, **tape, **_estimated(contrast, rng, measure.unit)}
        if measure.of_pair is not None:
            row["pair_correlation"] = tape.get("tape_correlation")
        yield row


def _luck(study: Study, name: str) -> np.random.Generator:
    """A generator of one's own for each estimate, so that another cell moves no interval."""
    return np.random.default_rng(int(Stream(study.declared["seed"], 0, name).bits(0, 0)))


def _estimated(contrast: Contrast | None, rng: np.random.Generator, unit: str | None = None) -> dict[str, Any]:
    """Estimate and interval of a contrast, and, where its unit is given, its test against no effect."""
    if contrast is None or not isfinite(contrast.estimate):
        return {"method": "none", "clusters": contrast and contrast.unit}
    made = interval(contrast.of, contrast.clusters, rng)
    row = {"estimate": contrast.estimate, "lo": made.lo, "hi": made.hi, "method": made.method}
    row["clusters"] = contrast.unit
    if unit is None:
        return row
    if contrast.versus is not None:
        row["p"] = sign_flip_p(contrast.swapped, contrast.clusters, rng)
    elif unit != "s":  # a time has no value that means no effect
        row["p"] = bootstrap_p(made.resampled, 1.0 if unit == "ratio" else 0.0)
    return {**row, "variance_ratio": contrast.variance_ratio, "pair_correlation": contrast.pair_correlation}


def _tape(pairs: ArmPairs, tapes: Tapes | None) -> dict[str, Any]:
    if tapes is None:
        return {}
    found = list(chain(*(tapes(versus, arm) for arm, versus in pairs.runs.values())))
    overall = [each.overall for each in found if each.overall is not None]
    fell = sorted(each.fell_ns if each.fell_ns is not None else np.inf for each in found if each.overall is not None)
    middle = fell[(len(fell) - 1) // 2] if fell else np.inf
    return {
        "tape_correlation": float(np.mean(overall)) if overall else None,
        "parted_ns": int(middle) if isfinite(middle) else None,
    }


def _adjusted(effects: pl.DataFrame) -> pl.DataFrame:
    """p values adjusted for how many there are: the registered outcome by itself, all others together."""
    adjusted: list[float | None] = [None] * effects.height
    tested = effects.with_row_index("row").filter(pl.col("p").is_not_null())
    for is_primary, adjust in ((True, holm), (False, benjamini_hochberg)):
        family = tested.filter(pl.col("primary") == is_primary)
        for row, value in zip(family["row"].to_list(), adjust(family["p"].to_list()), strict=True):
            adjusted[row] = value
    return effects.with_columns(p_adjusted=pl.Series(adjusted, dtype=pl.Float64))
