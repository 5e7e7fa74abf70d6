"""Predictions from the sums of a cell: two children worked by hand, and theory's table of twelve."""

import pytest

from marketsim.analysis.loop_hypotheses import cell_prediction
from marketsim.analysis.loop_hypotheses.reset_sums import total
from marketsim.errors import ResultError
from tests.analysis.loop_hypotheses.cells_by_hand import children, once


def test_sized_once_the_multiplier_is_one_and_what_probes_of_its_size_pushed() -> None:
    """Two resets, Lambda .2 after 1 % and .4 after 3 %: (.2 + 3 x .4) / 4 = .35."""
    sums = total([once(0.2, 0.3), once(0.4, 0.3, move=0.03)])
    told = cell_prediction.predict(sums, "once")
    assert told is not None
    assert told.multiplier == pytest.approx(1.35)
    assert (told.orders, told.rival) == (1.0, None)
    assert cell_prediction.multiplier(sums) == pytest.approx(1.3)
    assert cell_prediction.crowding(sums) == pytest.approx(0.35)
    assert cell_prediction.orders_ratio(sums) == pytest.approx(1.0)


def test_two_children_in_linear_impact_that_stays() -> None:
    """Lambda .5: .5, then .75; M = 1 + .5 x 1.25; R = 1 / (1 - .5) r; of .5 and .6 really sent 1 + .5 x 1.1."""
    told = cell_prediction.predict(children(0.5, 0.0, [0.5, 0.6], alive=[1, 1]), "children")
    assert told is not None
    assert told.orders == pytest.approx(1.25)
    assert told.multiplier == pytest.approx(1.625)
    assert told.rival == pytest.approx(2.0)
    assert told.of_orders_sent == pytest.approx(1.55)


def test_what_fades_between_children_is_taken_out_of_the_probes_and_put_in_again() -> None:
    """Half of a child is alive one child later: probes of two halves show (.5 + 1) / 2 of what they push at once.

    Lambda .6 at the end is .8 at once: .5, then 1 + .8 x .5 x .5 - .5 = .7; push .8 (.5 x .5 + .7) = .76.
    """
    told = cell_prediction.predict(children(0.6, 0.0, [0.5, 0.5], alive=[1, 0.5]), "children")
    assert told is not None
    assert told.orders == pytest.approx(1.2)
    assert told.multiplier == pytest.approx(1.76)
    assert told.of_orders_sent == pytest.approx(1.6)  # the probes' own children again


def test_what_the_baseline_loses_between_children_is_not_traded() -> None:
    """Lambda .5 and four fifths of the move left: .5, then .8 + .25 - .5 = .55; the rival ends at .8 / .5 = 1.6."""
    told = cell_prediction.predict(children(0.5, 0.0, [0.5, 0.5], alive=[1, 1], moves=[1, 0.8]), "children")
    assert told is not None
    assert told.orders == pytest.approx(1.05)
    assert told.multiplier == pytest.approx(1.525)
    assert told.rival == pytest.approx(1.8)


def test_square_root_impact_is_known_by_the_sizes_of_probes() -> None:
    """Theory's table: Lambda_eq .5, twelve children 1.630, worked out 1.640."""
    sums = children(0.5, 0.0, [1 / 12] * 12, alive=[1] * 12, exponent=0.5)
    told = cell_prediction.predict(sums, "children")
    assert told is not None
    assert told.multiplier == pytest.approx(1.630, abs=5.1e-4)
    assert told.rival == pytest.approx(1.640, abs=5.1e-4)
    assert cell_prediction.exponent(sums) == pytest.approx(0.5)


def test_what_cannot_be_told_is_none_and_what_does_not_fit_is_refused() -> None:
    assert cell_prediction.predict(children(-0.1, 0.0, [0.5, 0.5], alive=[1, 1]), "children") is None
    assert cell_prediction.predict(once(0.2, 0.2), "worked_out") is None
    assert cell_prediction.exponent(once(-0.2, 0.0)) is None
    with pytest.raises(ResultError, match="different numbers of children"):
        total([children(0.5, 0, [0.5, 0.5], alive=[1, 1]), children(0.5, 0, [1.0], alive=[1])])
