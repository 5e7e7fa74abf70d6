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

NO_VALUE = "no estimate: `sentence` says why"
MEANINGS: dict[str, tuple[str, str, str]] = {
    "cell": ("id", "cell of the design", ""),
    "market": ("", "market that was measured", "all markets together"),
    "measure": ("", "what was measured (`marketsim list measures`)", ""),
    "unit": ("", "unit of the estimates, lo and hi", ""),
    "arm": ("", "what the row is of", ""),
    "versus": ("", "what the arm is compared with: the baseline, or the factual arm", "the value of the arm alone"),
    "pairs": ("count", "replications that the estimate is of", ""),
    "estimate": ("", "arm - versus, or of ratios arm / versus; of replications that did not collapse", NO_VALUE),
    "lo": ("", "lower end of the 95 % interval", "fewer than six replications, or no estimate"),
    "hi": ("", "upper end of the 95 % interval", "fewer than six replications, or no estimate"),
    "method": ("", "how the interval was made", ""),
    "p": ("probability", "of a difference as large without an effect, two-sided, by sign flips", "nothing to test"),
    "p_adjusted": ("probability", "p over all rows: Holm for the registered outcome, else Benjamini and Hochberg",
                   "nothing to test"),
    "estimate_all": ("", "the estimate with collapsed runs", NO_VALUE),
    "variance_ratio": ("", "variance without over with common random numbers", "fewer than ten replications"),
    "pair_correlation": ("", "correlation of the value, or of the mids' 1-minute returns, between the arms", "unknown"),
    "failed": ("count", "pairs of runs of which one failed", ""),
    "collapsed": ("count", "pairs of runs in which a market was destroyed", ""),
    "dropped": ("count", "resets and sides that could not be read", ""),
    "coverage": ("probability", "measured coverage of the interval's method at six to nine replications",
                 "ten replications and more, or no interval"),
    "jump": ("share", "jump of the index at the fork's start", "no jump"),
    "sentence": ("", "the row in words, or why it has no estimate", ""),
    "runaway": ("count", "pairs of runs in which the push of resets grew, or an order met its cap", ""),
    "estimate_without_runaways": ("", "the estimate without collapsed runs and runaways", NO_VALUE),
}  # fmt: skip
"""Of each column its unit, what it says, and what null means; empty where it is never null. The unit of estimates is in
the column `unit`."""


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
