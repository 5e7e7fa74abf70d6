"""A row of effects.parquet: one measure of one arm in one cell and market, alone or against another arm."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

COLUMNS = {
    "cell": pl.Int64, "market": pl.String, "measure": pl.String, "unit": pl.String, "arm": pl.String,
    "versus": pl.String, "pairs": pl.Int64, "estimate": pl.Float64, "lo": pl.Float64, "hi": pl.Float64,
    "method": pl.String, "p": pl.Float64, "p_adjusted": pl.Float64, "estimate_all": pl.Float64,
    "variance_ratio": pl.Float64, "pair_correlation": pl.Float64, "failed": pl.Int64, "collapsed": pl.Int64,
    "dropped": pl.Int64, "coverage": pl.Float64, "jump": pl.Float64, "sentence": pl.String,
    "runaway": pl.Int64, "estimate_without_runaways": pl.Float64,
}  # fmt: skip
"""Columns of effects.parquet, and their types."""


@dataclass(frozen=True, slots=True)
class EffectRow:
    """A row of effects.parquet; its columns (docs/contract.md#inference).

    market: null where all are taken together. versus: the baseline, or the factual arm; null where the row is the value
    of an arm alone. pairs: replications that the estimate is of. estimate: arm - versus, or of ratios arm / versus;
    against the factual arm the difference of both arms' values against the baseline. lo, hi, method, coverage:
    `analysis.inference.intervals`. p: two-sided, by sign flips; p_adjusted: by Holm over the rows of the registered
    outcome, by Benjamini and Hochberg over all others. estimate_all: with the collapsed. variance_ratio: variance
    without over variance with common random numbers, from ten replications on. pair_correlation: of the value between
    the arms; for measures of pairs, which no run has alone, of the mids' 1-minute returns. failed, collapsed, runaway:
    pairs of runs in which one failed, a market was destroyed, the push grew. dropped: resets and sides that could not
    be read. jump: of the index at the fork's start. sentence: the row in words, or why it has no estimate.
    """

    cell: int
    market: str | None
    measure: str
    unit: str
    arm: str
    versus: str | None = None
    pairs: int = 0
    estimate: float | None = None
    lo: float | None = None
    hi: float | None = None
    method: str = "none"
    p: float | None = None
    p_adjusted: float | None = None
    estimate_all: float | None = None
    variance_ratio: float | None = None
    pair_correlation: float | None = None
    failed: int = 0
    collapsed: int = 0
    dropped: int = 0
    coverage: float | None = None
    jump: float | None = None
    sentence: str = ""
    runaway: int = 0
    estimate_without_runaways: float | None = None
