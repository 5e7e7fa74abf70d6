"""Power against the published tables of Student's test, which the sign-flip test of normal data equals nearly."""

import numpy as np
import pytest
from scipy.stats import norm

from marketsim.analysis.inference.power import cautious_spread, replications_needed, simulated_power, smallest_effect

QUANTILES = norm.ppf((np.arange(200) + 0.5) / 200)
PILOT = QUANTILES / QUANTILES.std(ddof=1)
"""A pilot of 200 replications, normal, with standard deviation 1."""


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_power_is_that_of_students_test() -> None:
    # one-sample t test, two-sided 5 %, effect of one standard deviation: .803 at n = 10; of half a one .565 at 20
    # (Cohen 1988; G*Power 3.1), .5 at n = 100: .9986
    assert simulated_power(PILOT, 1.0, 10, rng()) == pytest.approx(0.803, abs=0.05)
    assert simulated_power(PILOT, 0.5, 20, rng()) == pytest.approx(0.565, abs=0.06)
    assert simulated_power(PILOT, -0.5, 100, rng()) == pytest.approx(0.9986, abs=0.001)
    assert simulated_power(PILOT, 0.0, 12, rng()) == pytest.approx(0.05, abs=0.03)


def test_the_number_of_replications_is_that_of_students_test() -> None:
    # 80 % power: 34 for half a standard deviation, 199 for a fifth (G*Power 3.1)
    assert replications_needed(PILOT, 0.5, rng()) == pytest.approx(34, abs=3)
    assert replications_needed(PILOT, -0.2, rng()) == pytest.approx(199, abs=2)
    assert replications_needed(PILOT, 0.0, rng()) is None
    assert replications_needed(PILOT, 0.01, rng()) is None  # 78,491


def test_a_p_value_cannot_be_smaller_than_the_flips_allow() -> None:
    # 2 / 2^5 = .0625, so five never reach 5 %; of 72 tests .05 / 72 = .00069 takes 2 / 2^12 = .00049
    assert smallest_effect(PILOT, 5, rng()) is None
    assert smallest_effect(PILOT, 11, rng(), level=0.05 / 72) is None
    assert replications_needed(PILOT, 100.0, rng()) == 6
    assert replications_needed(PILOT, 100.0, rng(), level=0.05 / 72) == 12


def test_the_smallest_effect_is_the_one_with_power_of_80_percent() -> None:
    # .997 standard deviations at n = 10 and .498 at 34 (G*Power 3.1)
    assert smallest_effect(PILOT, 10, rng()) == pytest.approx(0.997, abs=0.07)
    assert smallest_effect(PILOT, 34, rng()) == pytest.approx(0.498, abs=0.04)


def test_a_pilot_without_spread_finds_anything_or_nothing() -> None:
    same = np.array([2.0, 2.0, 2.0])
    assert simulated_power(same, 2.0, 6, rng()) == 1.0
    assert simulated_power(same, 2.0, 5, rng()) == 0.0
    assert simulated_power(same, 0.0, 6, rng()) == 0.0


def test_a_pilot_of_few_knows_its_spread_badly() -> None:
    # chi-squared with 2 degrees at .2: -2 ln .8 = .446287, so sqrt(2 / .446287) = 2.116936
    assert cautious_spread(np.array([1.0, 2.0, 4.0])) == pytest.approx(2.116936, abs=1e-5)
