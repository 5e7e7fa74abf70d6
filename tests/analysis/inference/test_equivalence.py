"""Equivalence within a margin: worked by hand with Student's t of six replications."""

import numpy as np
import pytest

from marketsim.analysis.inference.equivalence import equivalence
from marketsim.analysis.inference.intervals import jackknife_variance

VALUES = np.array([0.98, 0.99, 1.0, 1.0, 1.01, 1.02])
LEFT_OUT = (VALUES.sum() - VALUES) / 5


def test_the_interval_of_a_mean_of_six_is_students_and_is_held_against_the_margin() -> None:
    """s^2 = .001 / 5 = .0002, s / sqrt(6) = .0057735; t_5 is 2.5706 at 95 %, 2.0150 at 90 %; no skew."""
    assert jackknife_variance(LEFT_OUT) ** 0.5 == pytest.approx(0.0057735, rel=1e-4)
    found = equivalence(1.0, LEFT_OUT, 1.0, 0.02)
    assert (found.lo, found.hi) == (pytest.approx(1 - 0.014841, abs=1e-5), pytest.approx(1 + 0.014841, abs=1e-5))
    assert (found.lo_90, found.hi_90) == (pytest.approx(1 - 0.011634, abs=1e-5), pytest.approx(1 + 0.011634, abs=1e-5))
    assert found.verdict == "equivalent"


@pytest.mark.parametrize(
    ("predicted", "margin", "verdict"),
    [
        (1.0, 0.011, "undecided"),  # .01163 is beyond it
        (1.0, 0.012, "equivalent"),
        (0.98, 0.02, "differs"),  # .98516 is above .98, and 1.0116 beyond 1.00
        (0.98, 0.04, "equivalent, and differs"),  # inside .94 to 1.02, and .98 is not held
    ],
)
def test_inside_the_margin_and_different_are_two_questions(predicted: float, margin: float, verdict: str) -> None:
    assert equivalence(1.0, LEFT_OUT, predicted, margin).verdict == verdict


def test_below_six_replications_there_is_no_verdict() -> None:
    assert equivalence(1.0, LEFT_OUT[:5], 1.0, 0.5).verdict == "too few"
