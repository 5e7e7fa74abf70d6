"""What chance alone could have done: intervals, variances and p values by choosing clusters again, never ticks.

A statistic here is a function of the numbers of the clusters chosen (n,), of which some may be chosen twice; it is NaN
where these do not say.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, false_discovery_control

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]
Statistic = Callable[[Numbers], float]

RESAMPLES = 1_999
LEVEL = 0.95
MOST_EXACT = 12
"""Pairs up to which all 2^n sign flips are looked at; of more, `RESAMPLES` at random."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval, how it was made (`BCa`, `percentile`, `none`), and the values of the resamples behind it."""

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
    """A bias-corrected and accelerated bootstrap interval (Efron 1987), as SciPy makes it.

    Percentiles where that is degenerate (all resamples alike, or a jackknife value that does not exist); none for a
    single cluster, or where no resample says anything.
    """
    if clusters < 2:
        return Interval(None, None, "none", np.zeros(0))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # SciPy warns of what is told here in `method`
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
    said = values[np.isfinite(values)]
    if np.isfinite([lo, hi]).all() and len(said) == len(values):
        return Interval(lo, hi, "BCa", values)
    if not len(said):
        return Interval(None, None, "none", values)
    lo, hi = np.quantile(said, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(lo), float(hi), "percentile", values)


def jackknife_variance(statistic: Statistic, clusters: int) -> float | None:
    """Variance of a statistic over clusters: (n - 1)/n sum (T_-i - mean)^2, s^2/n where it is a mean.

    Efron and Stein 1981. None for a single cluster, or where a value left does not exist.
    """
    if clusters < 2:
        return None
    everybody = np.arange(clusters)
    left = np.array([statistic(np.delete(everybody, i)) for i in everybody])
    if not np.isfinite(left).all():
        return None
    return float((clusters - 1) / clusters * np.sum((left - left.mean()) ** 2))


def sign_flip_p(
    swapped: Callable[[NDArray[np.bool_]], float], pairs: int, rng: np.random.Generator, resamples: int = RESAMPLES
) -> float | None:
    """Two-sided p value of a difference between arms: how often it is as large when pairs are swapped at will.

    `swapped` gives the difference with the pairs marked (n,) swapped. Exact over all 2^n choices for few pairs; of
    more, a random sample in which the one that happened counts (Phipson and Smyth 2010).
    """
    happened = swapped(np.zeros(pairs, np.bool_))
    if pairs < 2 or not np.isfinite(happened):
        return None
    if pairs <= MOST_EXACT:
        choices = np.array(list(product((False, True), repeat=pairs)))
        extra = 0
    else:
        choices, extra = rng.random((resamples, pairs)) < 0.5, 1
    values = np.array([swapped(choice) for choice in choices])
    least = abs(happened) * (1 - 1e-12)
    as_large = int(np.count_nonzero(np.abs(values) >= least)) + int(np.count_nonzero(~np.isfinite(values)))
    return (as_large + extra) / (len(choices) + extra)


def bootstrap_p(resampled: Floats, neutral: float) -> float | None:
    """Two-sided p value by inverting percentile intervals: twice the share of resamples beyond the neutral value.

    Davison and Hinkley 1997, section 4.4, with the value that happened counted.
    """
    said = resampled[np.isfinite(resampled)]
    if not len(said):
        return None
    beyond = min(np.count_nonzero(said <= neutral), np.count_nonzero(said >= neutral))
    return float(min(1.0, 2 * (beyond + 1) / (len(said) + 1)))


def holm(p: Sequence[float]) -> list[float]:
    """p values adjusted so that one false finding among all is as rare as one alone (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate([p[i] * (len(p) - rank) for rank, i in enumerate(order)])
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(raised, 1.0)
    return [float(value) for value in adjusted]


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """p values adjusted so that of what is called found a bounded share is false (Benjamini and Hochberg 1995)."""
    return [float(value) for value in false_discovery_control(p)] if len(p) else []
