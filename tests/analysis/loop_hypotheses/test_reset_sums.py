"""Sums of resets and their predictions, of whole runs with probes in venues where theory is exact."""

from pathlib import Path

import pytest

from marketsim.analysis.loop_hypotheses import cell_prediction
from marketsim.analysis.loop_hypotheses.reset_sums import ResetSums, read_resets
from tests.analysis.exact_pairs import exact_pair
from tests.simulation.test_loop import case_of

FADING = {"kind": "exponential", "halflife": "60", "permanent": "1/5"}


def sums_of(place: Path, horizon: str, rule: str, *case: object, **more: object) -> ResetSums:
    kwargs = {key: more.pop(key) for key in ("market",) if key in more}
    pair = exact_pair(place, case_of(*case, **more), **kwargs)  # type: ignore[arg-type]
    read = read_resets(pair.factual, pair.baseline, horizon)
    assert (read.rule, read.unread) == (rule, 0)
    assert read.sums is not None
    return read.sums


def test_a_fund_sized_once_traded_what_the_move_called_for_and_pushed_as_its_probes(tmp_path: Path) -> None:
    """K = 6 x 50 M, r 2 %: 6 MUSDT in five children; M = 1 + .7 / 1.02."""
    sums = sums_of(tmp_path, "2min", "once", "3", "7/10", "1/50", n=5)
    assert sums.move == pytest.approx(0.02)
    assert (sums.wanted, sums.traded) == (pytest.approx(6e6, rel=1e-6), pytest.approx(6e6, rel=1e-6))
    assert sums.sent == pytest.approx([1.2e6] * 5, rel=1e-5)  # whole lots
    told = cell_prediction.predict(sums, "once")
    assert told is not None
    assert cell_prediction.multiplier(sums) == pytest.approx(1 + 0.7 / 1.02, rel=1e-6)
    assert told.multiplier == pytest.approx(1 + 0.7 / 1.02, rel=1e-6)


def test_children_sized_anew_while_impact_fades_meet_every_prediction(tmp_path: Path) -> None:
    """Exact value of the case (Lambda 1.5, half-life 60 s, a fifth stays): M 5.31544, traded 3.51822, small moves."""
    sums = sums_of(tmp_path, "0s", "children", "3", "3/2", "1/1000", n=12, resize="each_child", kernel=FADING)
    told = cell_prediction.predict(sums, "children")
    assert told is not None
    for found in (cell_prediction.multiplier(sums), told.multiplier, told.of_orders_sent):
        assert found == pytest.approx(5.31544, rel=1.5e-2)
    for found in (cell_prediction.orders_ratio(sums), told.orders):
        assert found == pytest.approx(3.51822, rel=1.5e-2)
    assert told.multiplier == pytest.approx(cell_prediction.multiplier(sums), rel=1e-2)
    assert told.of_orders_sent == pytest.approx(cell_prediction.multiplier(sums), rel=2e-3)


def test_children_sized_anew_in_square_root_impact_meet_theorys_table(tmp_path: Path) -> None:
    """Q = 300 kUSDT of 692.6 M a day: .8 x 3 % x sqrt(Q / V) x 1.001 = .0005 = .5 r; 1.630 in the table for twelve."""
    venue = {"matching": {"kind": "square_root", "y": 0.8, "volatility": "3%", "volume": "692.6 MUSDT"}}
    sums = sums_of(tmp_path, "0s", "children", "3", "1", "1/1000", n=12, resize="each_child", market=venue)
    told = cell_prediction.predict(sums, "children")
    assert told is not None
    assert cell_prediction.crowding(sums) == pytest.approx(0.5, rel=2e-3)
    assert cell_prediction.exponent(sums) == pytest.approx(0.5, abs=2e-3)
    assert cell_prediction.multiplier(sums) == pytest.approx(1.630, abs=5e-3)
    assert told.multiplier == pytest.approx(1.630, abs=5e-3)
    assert told.of_orders_sent == pytest.approx(1.630, abs=5e-3)
    assert told.rival == pytest.approx(1.640, abs=5e-3)
