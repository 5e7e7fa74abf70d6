"""Intervals of a number told from independent replications: Student's t, and the jackknife for ratios of sums.

Replications are the unit; ticks, days or forks of one run are none. Below six there is no interval: what it covers
depends on the distribution more than on the data. From six to nine it carries the coverage that was measured for it,
from ten on that is 93 % or more of a nominal 95 % (tests/verification/test_inference.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, t

from marketsim.analysis.arrays import Floats
from marketsim.analysis.inference.measured_coverage import measured_coverage

LEVEL = 0.95
FEWEST = 6
"""Fewest replications that have an interval."""
ENOUGH = 10
"""Replications from which on an interval needs no warning."""

TOO_FEW, SMALL_N, NO_SPREAD = "too_few", "_small_n", "no_spread"
STUDENT_T, JACKKNIFE_T, CLOPPER_PEARSON = "student_t", "jackknife_t", "clopper_pearson"


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval and its method.

    lo, hi: None below six replications (method `too_few`). method: `student_t`, `jackknife_t` or `clopper_pearson`,
    with `_small_n` behind it below ten; `no_spread` where all replications gave the same. coverage: measured, of those
    with `_small_n`.
    """

    lo: float | None
    hi: float | None
    method: str
    coverage: float | None = None


def jackknife_variance(left_out: Floats) -> float:
    """Variance of a statistic from its values T_-i without one replication each (n,): (n - 1)/n sum (T_-i - mean)^2.

    It is s^2 / n where the statistic is a mean (Efron and Stein 1981). NaN below two replications, or where a value
    does not exist.
    """
    n = len(left_out)
    if n < 2:
        return float("nan")
    return float((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))


def t_interval(estimate: float, left_out: Floats, *, is_mean: bool, level: float = LEVEL) -> Interval:
    """The interval estimate +- t_(n-1) sqrt(variance), the variance by the jackknife (Tukey 1958).

    left_out: the statistic without one replication each (n,). is_mean: whether it is a plain mean, of which this is
    exactly Student's interval (1908).
    """
    n, name = len(left_out), STUDENT_T if is_mean else JACKKNIFE_T
    if n < FEWEST:
        return Interval(None, None, TOO_FEW)
    variance = jackknife_variance(left_out)
    if not np.isfinite(variance):
        return Interval(None, None, "none")
    scale = abs(estimate) + float(np.abs(left_out).max())
    if variance <= (1e-14 * scale) ** 2:
        return Interval(estimate, estimate, NO_SPREAD)
    lo, hi = t.interval(level, n - 1, loc=estimate, scale=variance**0.5)
    return Interval(float(lo), float(hi), *_named(name, n))


def proportion_interval(found: int, n: int, level: float = LEVEL) -> Interval:
    """The exact interval of a share of replications (Clopper and Pearson 1934): none of n still allows for 3 / n."""
    if n < FEWEST:
        return Interval(None, None, TOO_FEW)
    ends = binomtest(found, n).proportion_ci(level, method="exact")
    return Interval(float(ends.low), float(ends.high), *_named(CLOPPER_PEARSON, n))


def _named(method: str, n: int) -> tuple[str, float | None]:
    """The method with its warning and its measured coverage where n is small."""
    return (method, None) if n >= ENOUGH else (method + SMALL_N, measured_coverage(method, n))
