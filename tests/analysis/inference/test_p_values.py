"""p-values and their corrections, against the papers' examples and by hand."""

from math import nan

import numpy as np
import pytest

from marketsim.analysis.inference.p_values import benjamini_hochberg, holm, sign_flip_p, sign_flip_ps


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def mean_of(*values: float):
    return lambda signs: signs @ np.array(values) / len(values)


def test_sign_flips_are_counted_exactly() -> None:
    assert sign_flip_p(mean_of(1, 2, 3), 3, rng()) == pytest.approx(2 / 8)  # only +++ and --- are as large as 6
    assert sign_flip_p(mean_of(1, 2, -3), 3, rng()) == 1.0  # a mean of 0
    # 3 + 1 - 1 = 3: of 5, 3, 3, 1 and their opposites six are as large
    assert sign_flip_p(mean_of(3, 1, -1), 3, rng()) == pytest.approx(6 / 8)
    assert sign_flip_p(mean_of(0, 0, 0, 0), 4, rng()) == 1.0
    assert sign_flip_p(mean_of(1), 1, rng()) is None
    assert sign_flip_p(mean_of(1, nan), 2, rng()) is None


def test_sign_flips_are_exact_up_to_sixteen_and_drawn_beyond() -> None:
    assert sign_flip_p(mean_of(*[1.0] * 16), 16, rng()) == pytest.approx(2 / 2**16)
    # none of the 9,999 drawn is as large, the one that happened counts, on either side
    assert sign_flip_p(mean_of(*[1.0] * 30), 30, rng()) == pytest.approx(2 / 10_000)
    some = sign_flip_p(mean_of(*[1.0] * 12, *[-1.0] * 5), 17, rng())
    # P(|sum| >= 7) of 17 signs: 2 P(5 or fewer minus) = 2 (1 + 17 + 136 + 680 + 2380 + 6188) / 2^17
    assert some == pytest.approx(2 * 9402 / 2**17, abs=0.015)


def test_a_swap_without_a_value_counts_as_extreme() -> None:
    def fragile(signs):
        found = signs @ np.array([1.0, 2.0, 3.0])
        return np.where(signs[:, 0] > 0, found, nan)

    # of the four with a minus in front none has a value; of the others 6, 0, 2, -4 only the first is as large: 5 of 8
    assert sign_flip_p(fragile, 3, rng()) == 1.0  # twice 5/8 is more than one


def test_the_p_values_of_many_samples_are_those_of_each() -> None:
    samples = rng().standard_normal((5, 7)) + 0.7
    expected = [sign_flip_p(mean_of(*row), 7, rng()) for row in samples]
    assert sign_flip_ps(samples, rng()) == pytest.approx(expected)
    assert sign_flip_ps(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, -3.0]]), rng()) == pytest.approx([2 / 8, 1.0])
    assert sign_flip_ps(np.ones((1, 30)), rng()) == pytest.approx([2 / 10_000])
    (drawn,) = sign_flip_ps(np.array([[1.0] * 12 + [-1.0] * 5]), rng())
    assert drawn == pytest.approx(2 * 9402 / 2**17, abs=0.015)


def test_p_values_are_adjusted_as_in_the_papers_examples() -> None:
    # Holm: sorted .01 .02 .03 .04 times 4, 3, 2, 1 and never falling
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
    # Benjamini-Hochberg: p n / rank, smallest from above: .04 4/4, .03 4/3 -> .04, .02 4/2 -> .04, .01 4/1 -> .04
    assert benjamini_hochberg([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.04] * 4)
    assert benjamini_hochberg([0.001, 0.5]) == pytest.approx([0.002, 0.5])
    assert benjamini_hochberg([]) == []
