"""One curve or several: readings made by hand, and a bent curve that both tests find."""

import numpy as np
import pytest

from marketsim.analysis.inference.one_curve import Readings, shuffled_ways_p, slopes

LEVELS = np.array([0.1, 0.2, 0.4, 0.8])


def test_outcomes_are_ratios_of_sums_and_what_is_missing_is_left_out() -> None:
    nan = np.nan
    readings = Readings(
        np.array([[1.0, 3.0], [2.0, nan]]), np.array([[2.0, 2.0], [1.0, nan]]), np.array([[4.0, 4.0], [4.0, nan]])
    )
    x, y = readings.curve()
    assert x.tolist() == [0.5, 0.25]
    assert y.tolist() == [0.5, 0.5]
    x, y = readings.curve(np.array([1.0, 0.0]))
    assert y.tolist() == [0.25, 0.5]
    # y without one each: .75, .25 of the first cell; (n - 1)/n sum (y - .5)^2 = 1/2 (1/16 + 1/16)
    assert Readings(readings.excess[:1], readings.reading[:1], readings.moves[:1]).variances() == pytest.approx(
        [1 / 16]
    )


def made(bend: float, rng: np.random.Generator, n: int = 20, noise: float = 0.02) -> Readings:
    """Cells of two ways at four levels, y = x of the first, (1 + bend) x of the other, with noise of replications."""
    x = np.concatenate([LEVELS, LEVELS])
    way = np.repeat([0.0, 1.0], 4)
    y = x * (1 + bend * way)
    reading = x[:, None] + noise / 4 * rng.standard_normal((8, n))
    return Readings(y[:, None] + noise * rng.standard_normal((8, n)), reading, np.ones((8, n)))


WAYS, STRATA = np.repeat([0, 1], 4), np.tile([0, 1, 2, 3], 2)
FACTORS = {"ways": WAYS.astype(float), "size": np.zeros(8)}


def test_a_way_that_bends_the_curve_is_found_and_its_slope_told() -> None:
    rng = np.random.default_rng(1)
    readings = made(0.3, rng)
    assert shuffled_ways_p(readings, WAYS, STRATA, rng, shuffles=199) == 1 / 200
    found = slopes(readings, FACTORS)
    assert [slope.factor for slope in found.slopes] == ["ways"]  # what has one value bends nothing
    assert found.slopes[0].estimate == pytest.approx(0.3, abs=0.03)
    assert found.p is not None
    assert found.p < 1e-6


def test_the_way_alone_is_shuffled_and_without_a_difference_its_p_is_any() -> None:
    rng = np.random.default_rng(2)
    readings = made(0.0, rng)
    assert shuffled_ways_p(readings, WAYS, STRATA, rng, shuffles=199) > 0.05
    assert shuffled_ways_p(made(0.3, rng), WAYS, np.arange(8), rng, shuffles=19) == 1.0  # nothing to shuffle


def test_without_noise_the_polynomial_and_the_slope_are_what_they_were_made_of() -> None:
    """y = x + .5 x^2 of the first way, .1 x more of the other: told exactly, by all subsets of replications."""
    x = np.concatenate([LEVELS, LEVELS])
    y = x + 0.5 * x**2 + 0.1 * x * FACTORS["ways"]
    readings = Readings(np.tile(y[:, None], 3), np.tile(x[:, None], 3), np.ones((8, 3)))
    found = slopes(readings, FACTORS)
    assert found.slopes[0].estimate == pytest.approx(0.1, rel=1e-9)
    assert found.slopes[0].left_out == pytest.approx([0.1] * 3, rel=1e-9)
