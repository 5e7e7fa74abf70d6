"""Intervals and variances by hand."""

import numpy as np
import pytest

from marketsim.analysis.inference.intervals import (
    Interval,
    effective_number,
    jackknife_variance,
    paired_proportions_interval,
    proportion_interval,
    t_interval,
)

SIX = [2.0, 4.0, 4.0, 5.0, 6.0, 9.0]
"""Mean 5; squares 9 + 1 + 1 + 0 + 1 + 16 = 28, s^2 = 5.6, standard error sqrt(5.6 / 6) = 0.966092."""


def of_mean(sample: list[float], level: float = 0.95) -> Interval:
    x = np.array(sample)
    return t_interval(float(x.mean()), (x.sum() - x) / (len(x) - 1), level=level)


def test_the_interval_of_symmetric_replications_is_students() -> None:
    # 1 .. 6: mean 3.5, s^2 = 3.5, standard error sqrt(3.5 / 6) = .763763; t with 5 degrees at .975 is 2.570582, product
    # 1.963315; at .95 2.015048, product 1.539019
    made = of_mean([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert (made.lo, made.hi) == (pytest.approx(3.5 - 1.963315, abs=1e-5), pytest.approx(3.5 + 1.963315, abs=1e-5))
    assert of_mean([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], level=0.90).hi == pytest.approx(5.039019, abs=1e-5)


def test_the_interval_is_longer_on_the_side_to_which_replications_are_skewed() -> None:
    # t 2.570582 times 0.966092 is 2.483418; cubes -27 - 1 - 1 + 0 + 1 + 64 = 36, so m3 = 6, m2 = 14/3, m3 / m2^1.5 =
    # .595173, unbiased x sqrt(30) / 4 = .814978; / (6 sqrt 6) x (1 + 2 x 2.570582^2) x .966092 = .761560
    made = of_mean(SIX)
    assert (made.lo, made.hi) == (
        pytest.approx(5 - 2.483418, abs=1e-5),
        pytest.approx(5 + 2.483418 + 0.761560, abs=1e-4),
    )
    turned = of_mean([-x for x in SIX])
    assert (turned.lo, turned.hi) == (pytest.approx(-made.hi), pytest.approx(-made.lo))


def test_jackknife_variance_of_a_mean_is_the_samples_variance_over_n() -> None:
    # 2, 4, 9: mean 5, squares 9 + 1 + 16 = 26, s^2 = 13, s^2 / 3 = 13/3; without one each 6.5, 5.5, 3
    assert jackknife_variance(np.array([6.5, 5.5, 3.0])) == pytest.approx(13 / 3)
    assert np.isnan(jackknife_variance(np.array([2.0])))
    assert np.isnan(jackknife_variance(np.array([2.0, np.nan, 1.0])))


def test_the_jackknife_of_a_ratio_of_sums_by_hand() -> None:
    # (1 + 2 + 3) / (1 + 1 + 2) = 1.5; without one each 5/3, 4/3, 3/2, mean 1.5: 2/3 x (1/36 + 1/36) = 1/27
    assert jackknife_variance(np.array([5 / 3, 4 / 3, 3 / 2])) == pytest.approx(1 / 27)
    # the same three replications thrice over: 17/11, 16/11, 15/10 three times each, about 12 / 8
    left_out = np.array([17 / 11, 16 / 11, 15 / 10] * 3)
    mean = (17 / 11 + 16 / 11 + 15 / 10) / 3
    variance = 8 / 9 * 3 * sum((x - mean) ** 2 for x in (17 / 11, 16 / 11, 15 / 10))
    made = t_interval(1.5, left_out, effective=9.0)
    assert made.hi == pytest.approx(1.5 + 2.306004 * variance**0.5, rel=1e-6)  # t with 8 degrees
    # denominators 1, 1, 2 thrice are worth 12^2 / 18 = 8 replications: t with 7 degrees
    assert effective_number(np.array([1.0, 1.0, 2.0] * 3)) == pytest.approx(8.0)
    assert t_interval(1.5, left_out, effective=8.0).hi == pytest.approx(1.5 + 2.364624 * variance**0.5, rel=1e-6)
    assert made.method == "jackknife_t_skew_small_n"


def test_below_six_replications_there_is_no_interval_and_below_ten_it_says_what_it_covers() -> None:
    five = of_mean(SIX[:5])
    assert (five.lo, five.hi, five.method, five.coverage) == (None, None, "too_few", None)
    six, nine, ten = of_mean(SIX), of_mean([*SIX, 1.0, 2.0, 3.0]), of_mean([*SIX, 1.0, 2.0, 3.0, 4.0])
    assert six.method == nine.method == "student_t_skew_small_n"
    assert 0.93 <= (six.coverage or 0) <= 0.96
    assert (ten.method, ten.coverage) == ("student_t_skew", None)


def test_replications_that_all_say_the_same_have_no_spread() -> None:
    same = of_mean([0.3] * 12)
    assert (same.lo, same.hi, same.method) == (pytest.approx(0.3), pytest.approx(0.3), "no_spread")
    assert t_interval(1.0, np.array([1.0, np.nan] * 4)) == Interval(None, None, "none")


def test_replications_that_differ_by_a_hundred_millionth_have_an_interval() -> None:
    """The same deviations about 1 instead of 0 have the same interval about it: the scale is no spread."""
    about_nothing, about_one = of_mean([1e-8 * x for x in SIX]), of_mean([1 + 1e-8 * x for x in SIX])
    assert about_one.method == about_nothing.method != "no_spread"
    assert about_one.lo == pytest.approx(1 + (about_nothing.lo or 0), abs=1e-13)
    assert about_one.hi == pytest.approx(1 + (about_nothing.hi or 0), abs=1e-13)
    assert (about_one.hi or 0) - (about_one.lo or 0) > 1e-8


def test_the_interval_of_a_share_is_exact_and_none_of_ten_is_no_certainty() -> None:
    # Clopper and Pearson: the chance of none of n is (1 - hi)^n = .025, so hi = 1 - .025^(1/10) = .308498
    none = proportion_interval(0, 10)
    assert (none.lo, none.hi) == (0.0, pytest.approx(0.308498, abs=1e-6))
    assert (none.method, none.coverage) == ("clopper_pearson", None)
    assert proportion_interval(6, 6).method == "clopper_pearson_small_n"
    assert proportion_interval(1, 5) == Interval(None, None, "too_few")


def test_the_interval_of_a_difference_of_shares_is_bonett_and_prices() -> None:
    # of 18, 5 in one arm only and 1 in the other: 6/20 and 2/20, .2 +- 1.959964 sqrt((.4 - .04) / 20) = .262957
    made = paired_proportions_interval(5, 1, 18)
    assert (made.lo, made.hi) == (pytest.approx(0.2 - 0.262957, abs=1e-6), pytest.approx(0.2 + 0.262957, abs=1e-6))
    # none of 10 in either: 1/12 each, 0 +- 1.959964 sqrt((2/12) / 12) = .230984
    assert paired_proportions_interval(0, 0, 10).hi == pytest.approx(0.230984, abs=1e-6)
    assert paired_proportions_interval(0, 0, 5).method == "too_few"
