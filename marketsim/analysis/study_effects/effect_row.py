"""A row of effects.parquet: one measure of one arm in one cell, alone or against the arm it is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

COLUMNS = {
    "cell": pl.Int64, "measure": pl.String, "arm": pl.String, "versus": pl.String, "pairs": pl.Int64,
    "estimate": pl.Float64, "lo": pl.Float64, "hi": pl.Float64, "p_adjusted": pl.Float64,
    "variance_ratio": pl.Float64, "pair_correlation": pl.Float64, "failed": pl.Float64, "collapsed": pl.Float64,
    "p": pl.Float64, "clusters": pl.String, "method": pl.String, "primary": pl.Boolean,
    "tape_correlation": pl.Float64, "parted_ns": pl.Int64, "note": pl.String,
}  # fmt: skip
"""Columns of effects.parquet, and their types."""


@dataclass(frozen=True, slots=True)
class EffectRow:
    """A row of effects.parquet; its columns (docs/contract.md#inference).

    p: two-sided, unadjusted, by swapping the arms of pairs, or for measures of pairs by the bootstrap. p_adjusted: over
    all cells and arms, by Holm for the registered primary outcome, by Benjamini and Hochberg for all others together.
    variance_ratio: variance without over variance with common random numbers. pair_correlation: of the value between
    the arms; for measures of pairs, which no run has alone, of the mids' returns. failed, collapsed: shares of pairs
    with such a run; estimates are of the rest, for measures that keep the collapsed of all but the failed. clusters:
    what was resampled. method: of the interval. tape_correlation: of 1-minute returns of the mid, mean over pairs and
    markets. parted_ns: median over these of the instant at which it first fell below one half; null where most never
    did. note: why there is no estimate.
    """

    cell: int
    measure: str
    arm: str
    versus: str | None = None
    pairs: int = 0
    estimate: float | None = None
    lo: float | None = None
    hi: float | None = None
    p_adjusted: float | None = None
    variance_ratio: float | None = None
    pair_correlation: float | None = None
    failed: float | None = None
    collapsed: float | None = None
    p: float | None = None
    clusters: str | None = None
    method: str = "none"
    primary: bool = False
    tape_correlation: float | None = None
    parted_ns: int | None = None
    note: str | None = None
