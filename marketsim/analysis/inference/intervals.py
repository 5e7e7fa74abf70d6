"""Confidence intervals and variances, by resampling clusters (replications, forks or days), never ticks.

A statistic here is a function of the numbers of the clusters drawn (n,), some of which may be drawn twice; it is NaN
where these give no value.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap

from marketsim.analysis.arrays import Floats, Integers

Statistic = Callable[[Integers], float]

RESAMPLES = 1_999
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval, its method (`BCa`, `percentile`, `none`), and the values of the resamples behind it."""

    lo: float | None
    hi: float | None
    method: str
    resampled: Floats


def interval(
    statistic: Statistic,
    clusters: int,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """A bias-corrected and accelerated bootstrap interval (BCa; Efron 1987), as SciPy computes it.

    Method `percentile` where BCa is degenerate (all resamples equal, or a jackknife value that does not exist); `none`
    for a single cluster, or where no resample has a value.
    """
    if clusters < 2:
        return Interval(None, None, "none", np.zeros(0))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what SciPy warns of is told here in `method`
        found = bootstrap(
            (np.arange(clusters),),
            lambda chosen: statistic(np.asarray(chosen, np.int64)),
            n_resamples=resamples,
            vectorized=False,
            confidence_level=level,
            method="BCa",
            rng=rng,
        )
    values = np.asarray(found.bootstrap_distribution, np.float64)
    lo, hi = float(found.confidence_interval.low), float(found.confidence_interval.high)
    known = values[np.isfinite(values)]
    if np.isfinite([lo, hi]).all() and len(known) == len(values):
        return Interval(lo, hi, "BCa", values)
    if not len(known):
        return Interval(None, None, "none", values)
    lo, hi = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(lo), float(hi), "percentile", values)


def jackknife_variance(statistic: Statistic, clusters: int) -> float | None:
    """Variance of a statistic over clusters: (n - 1)/n sum (T_-i - mean)^2, which is s^2/n for a mean.

    Efron and Stein 1981. None for a single cluster, or where a leave-one-out value does not exist.
    """
    if clusters < 2:
        return None
    all_clusters = np.arange(clusters)
    left_out = np.array([statistic(np.delete(all_clusters, i)) for i in all_clusters])
    if not np.isfinite(left_out).all():
        return None
    return float((clusters - 1) / clusters * np.sum((left_out - left_out.mean()) ** 2))
