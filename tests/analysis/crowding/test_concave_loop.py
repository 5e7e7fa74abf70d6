"""The loop in concave, fading impact: values worked by hand, those of exact arithmetic, and its linear limit."""

from math import sqrt

import numpy as np
import pytest

from marketsim.analysis.crowding.concave_loop import (
    power_impact,
    push_of_sizes,
    size_until_nothing_is_wanted,
    sizes_in_concave_impact,
)
from marketsim.analysis.crowding.loop_theory import sizes_of_children


def root_law(crowding: float):
    return lambda size: crowding * sqrt(size)


def test_two_children_by_hand() -> None:
    """Lambda .5, linear: half, then 1 + .25 - .5 = .75. Square root: .5, then 1 + .5 sqrt(.5) - .5 = .853553."""
    assert sizes_in_concave_impact(lambda s: 0.5 * s, [1, 1], [1, 1]) == pytest.approx([0.5, 0.75])
    sizes = sizes_in_concave_impact(root_law(0.5), [1, 1], [1, 1])
    assert sizes == pytest.approx([0.5, 0.8535534])
    assert push_of_sizes(sizes, root_law(0.5), [1, 1]) == pytest.approx(0.5 * 1.1634231, rel=1e-7)  # sqrt(1.3535534)


def test_of_a_child_that_has_half_faded_the_next_sees_half() -> None:
    """Lambda 1, linear, half alive one child later: .5, then 1 + .25 - .5 = .75; at the end .25 + .75."""
    sizes = sizes_in_concave_impact(lambda s: s, [1, 0.5], [1, 1])
    assert sizes == pytest.approx([0.5, 0.75])
    assert push_of_sizes(sizes, lambda s: s, [0.5, 1]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("crowding", "multiplier", "worked_out"),
    [(0.1, 1.105, 1.105), (0.3, 1.345, 1.348), (0.5, 1.630, 1.640), (1.0, 2.550, 2.618), (2.0, 5.391, 5.828)],
)
def test_square_root_impact_multiplies_as_theory_lists(crowding: float, multiplier: float, worked_out: float) -> None:
    """The table of twelve children of the theory note, and M = ((Lambda + sqrt(Lambda^2 + 4)) / 2)^2 beside it."""
    sizes = sizes_in_concave_impact(root_law(crowding), [1] * 12, [1] * 12)
    assert 1 + push_of_sizes(sizes, root_law(crowding), [1] * 12) == pytest.approx(multiplier, abs=5.1e-4)
    assert size_until_nothing_is_wanted(root_law(crowding)) == pytest.approx(worked_out, abs=5.1e-4)


def test_linear_impact_is_the_triangular_system() -> None:
    shares = [2 ** (-k / 6) for k in range(12)]
    expected = sizes_of_children(0.8, 12, 10, lambda t: 2 ** (-t / 60))
    assert sizes_in_concave_impact(lambda s: 0.8 * s, shares, [1] * 12) == pytest.approx(expected, rel=1e-12)


def test_what_moves_the_baseline_meanwhile_is_traded_too() -> None:
    """Lambda .5; the baseline has lost a fifth of the move before the second child: .5, then .8 + .25 - .5 = .55."""
    assert sizes_in_concave_impact(lambda s: 0.5 * s, [1, 1], [1, 0.8]) == pytest.approx([0.5, 0.55])
    assert size_until_nothing_is_wanted(lambda s: 0.5 * s, move=0.8) == pytest.approx(1.6)


def test_linear_impact_at_one_or_more_never_ends_where_all_is_worked_out() -> None:
    assert size_until_nothing_is_wanted(lambda s: 1.0 * s) is None
    assert size_until_nothing_is_wanted(lambda s: 0.75 * s) == pytest.approx(4.0)
    assert size_until_nothing_is_wanted(lambda s: 0.75 * s, seen=0.0) == pytest.approx(1.0)


def test_impact_runs_through_what_was_measured_and_on_with_the_last_slope() -> None:
    """Pushes 1, 2, 2.83 of 1, 4, 8: exponents 1/2 and 1/2; of .25 a half, of 16 four."""
    impact = power_impact(np.array([4.0, 1.0, 8.0]), np.array([2.0, 1.0, 2 * sqrt(2)]))
    assert impact is not None
    assert [impact(s) for s in (0.25, 1, 2, 16, 0, -4)] == pytest.approx([0.5, 1, sqrt(2), 4, 0, -2])
    linear = power_impact(np.array([2.0]), np.array([0.5]))
    assert linear is not None
    assert linear(8) == pytest.approx(2)
    assert power_impact(np.array([1.0, 2.0]), np.array([1.0, -0.1])) is None
