"""Intervals and variances, against published examples and by hand."""

from math import nan

import numpy as np
import pytest

from marketsim.analysis.inference.intervals import interval, jackknife_variance

SPATIAL = np.array(
    [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41]
)
"""The spatial test data A of Efron and Tibshirani 1993, table 14.1."""


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def mean_of(sample: list[float]):
    return lambda chosen: float(np.mean(np.array(sample)[chosen]))


def test_bca_interval_is_the_published_one() -> None:
    # Efron and Tibshirani 1993, table 14.2: variance 171.5, 90 % BCa interval (115.8, 259.6), percentile (100.8, 233.9)
    variance = lambda chosen: float(np.var(SPATIAL[chosen]))  # noqa: E731
    assert variance(np.arange(26)) == pytest.approx(171.5, abs=0.05)
    made = interval(variance, 26, rng(), resamples=20_000, level=0.90)
    assert made.method == "BCa"
    assert (made.lo, made.hi) == (pytest.approx(115.8, abs=4), pytest.approx(259.6, abs=8))
    assert np.quantile(made.resampled, [0.05, 0.95]) == pytest.approx([100.8, 233.9], abs=4)


def test_interval_is_of_percentiles_where_bca_is_degenerate_and_says_so() -> None:
    same = interval(mean_of([3.0, 3.0, 3.0]), 3, rng())
    assert (same.lo, same.hi, same.method) == (3.0, 3.0, "percentile")
    partly = interval(lambda chosen: nan if 0 not in chosen else float(chosen.mean()), 5, rng())
    assert partly.method == "percentile"
    assert 0 <= partly.lo < partly.hi < 4
    nothing = interval(lambda chosen: nan, 4, rng())
    assert (nothing.lo, nothing.hi, nothing.method) == (None, None, "none")
    alone = interval(mean_of([3.0]), 1, rng())
    assert (alone.lo, alone.hi, alone.method) == (None, None, "none")


def test_jackknife_variance_of_a_mean_is_the_samples_variance_over_n() -> None:
    # 2, 4, 9: mean 5, squares 9 + 1 + 16 = 26, s^2 = 13, s^2 / 3 = 13/3
    assert jackknife_variance(mean_of([2.0, 4.0, 9.0]), 3) == pytest.approx(13 / 3, rel=1e-12)
    assert jackknife_variance(mean_of([2.0]), 1) is None
    assert jackknife_variance(lambda chosen: nan, 3) is None


def test_an_interval_is_of_95_percent_unless_told_otherwise() -> None:
    """Mean of 0 .. 99: standard error sqrt((n^2 - 1) / 12 / n), times the normal quantile 1.95996 at .975."""
    half = 1.95996 * ((100**2 - 1) / 12 / 100) ** 0.5
    made = interval(mean_of([float(x) for x in range(100)]), 100, rng())
    assert (made.lo, made.hi) == (
        pytest.approx(49.5 - half, abs=0.07 * half),
        pytest.approx(49.5 + half, abs=0.07 * half),
    )


def test_an_interval_of_percentiles_leaves_as_much_out_on_either_side() -> None:
    """Degenerate for BCa, since only draws with cluster 0 have a value; 5 % is left out, half of it on each side."""
    made = interval(lambda chosen: nan if 0 not in chosen else float(chosen.mean()), 30, rng())
    known = np.sort(made.resampled[np.isfinite(made.resampled)])
    assert made.method == "percentile"
    assert (known < made.lo).mean() == pytest.approx(0.025, abs=0.005)
    assert (known > made.hi).mean() == pytest.approx(0.025, abs=0.005)
