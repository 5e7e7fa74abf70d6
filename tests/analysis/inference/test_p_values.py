"""p-values and their corrections, against the papers' examples and by hand."""

from math import nan

import numpy as np
import pytest

from marketsim.analysis.inference.p_values import benjamini_hochberg, bootstrap_p, holm, sign_flip_p


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_sign_flips_are_counted_exactly_for_few_pairs() -> None:
    # differences 1, 2, 3: of 8 sign patterns only +++ and --- are as large as 6 / 3
    def swapped(differences):
        return lambda marked: float(np.mean(np.where(marked, -1, 1) * np.array(differences)))

    assert sign_flip_p(swapped([1, 2, 3]), 3, rng()) == pytest.approx(2 / 8)
    assert sign_flip_p(swapped([1, 2, -3]), 3, rng()) == 1.0  # a mean of 0
    assert sign_flip_p(swapped([1]), 1, rng()) is None
    many = sign_flip_p(swapped([1.0] * 20), 20, rng(), resamples=999)
    assert many == pytest.approx(1 / 1000)  # 2 patterns of 2^20; none drawn, the one that happened counts


def test_bootstrap_p_is_twice_the_smaller_share_beyond_no_effect() -> None:
    resampled = np.array([-1.0, *[2.0] * 98])
    assert bootstrap_p(resampled, 0.0) == pytest.approx(2 * (1 + 1) / 100)
    assert bootstrap_p(np.array([-1.0, 1.0]), 0.0) == 1.0
    assert bootstrap_p(np.array([nan]), 0.0) is None


def test_p_values_are_adjusted_as_in_the_papers_examples() -> None:
    # Holm: sorted .01 .02 .03 .04 times 4, 3, 2, 1 and never falling
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
    # Benjamini-Hochberg: p n / rank, smallest from above: .04 4/4, .03 4/3 -> .04, .02 4/2 -> .04, .01 4/1 -> .04
    assert benjamini_hochberg([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.04] * 4)
    assert benjamini_hochberg([0.001, 0.5]) == pytest.approx([0.002, 0.5])
    assert benjamini_hochberg([]) == []
