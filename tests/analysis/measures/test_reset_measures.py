"""Measures of resets on tables written by hand; every expected value is worked out beside it."""

from math import exp, log
from pathlib import Path
from typing import Any

import pytest

from marketsim.analysis.measures.family import PairMeasure, Reset, Term
from marketsim.analysis.measures.register import all_measures
from marketsim.analysis.run_data.measured_resets import measured_resets
from marketsim.analysis.run_data.reset_moves import move_before
from marketsim.datasets.resets import resets_of
from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from tests.analysis.tables import DAY, HOUR, MINUTE, PERP, S, hand_run, quotes, rebalance

Mids = list[tuple[int, float]]
UP = {"id": "UP", "issuer": "alpha", "basket": {"PERP": "3"}}
DOWN = {"id": "DOWN", "issuer": "beta", "basket": {"PERP": "-3"}}
BP = 1e-4


def pair(place: Path, factual: Mids, baseline: Mids, rebalances: list[dict], **more: Any) -> tuple[Run, Run]:
    """Mids written at every change, so that each stands until the next."""
    more = {"issued": [UP, DOWN], "record": {"quotes": "change"}, "duration": DAY, **more}
    of_baseline = more.pop("of_baseline", [])
    f = hand_run(place / "f", rebalances=rebalances, quotes=quotes("PERP", *factual), **more)
    c = hand_run(place / "c", rebalances=of_baseline, quotes=quotes("PERP", *baseline), **more)
    return f, c


def terms(name: str, f: Run, c: Run, resets: Run | None = None) -> list[Term]:
    measure = all_measures()[name]
    assert isinstance(measure, PairMeasure)
    return measure.terms(f, c, resets)


def value(name: str, f: Run, c: Run, resets: Run | None = None) -> float | None:
    measure = all_measures()[name]
    return measure.value(measure.of_replication(terms(name, f, c, resets)))


@pytest.fixture
def bought(tmp_path: Path) -> tuple[Run, Run]:
    """A purchase from 1 h on for a minute after a rise of 2 %: 30 bp at its end, then 20, 10, 5 and 1 bp."""
    last = HOUR + MINUTE
    above = [(last, 30), (last + MINUTE, 20), (last + 5 * MINUTE, 10), (last + 30 * MINUTE, 5), (last + 2 * HOUR, 1)]
    f = [(0, 100.0), (HOUR - 1, 102.0), *((t, 102 * exp(bp * BP)) for t, bp in above)]
    return pair(tmp_path, f, [(0, 100.0), (HOUR - 1, 102.0)], [rebalance(0, "UP", HOUR, last, 5)])


def test_the_push_is_read_at_six_times_after_the_last_fill(bought: tuple[Run, Run]) -> None:
    """H is four hours where no reset follows."""
    times = ("0s", "1min", "5min", "30min", "2h", "H")
    assert [value(f"impact_gap_{t}", *bought) for t in times] == pytest.approx([30, 20, 10, 5, 1, 1])


def test_the_push_per_move_is_per_cent_of_the_baselines_return_since_the_last_reset(bought: tuple[Run, Run]) -> None:
    assert value("impact_per_move_0s", *bought) == pytest.approx(15.0)
    assert value("impact_per_move_30min", *bought) == pytest.approx(2.5)


def test_a_term_tells_market_day_assets_order_and_move(bought: tuple[Run, Run]) -> None:
    """5 lots of 1 at 102; assets as `tables.rebalance` has them."""
    (term,) = terms("impact_gap_0s", *bought)
    assert (term.market, term.day, term.dropped) == ("PERP", 0, 0)
    assert term.reset == Reset(
        1_000.0, pytest.approx(510.0 * PERP["atoms_per_tick_lot"] / 1e8), pytest.approx(0.02), "USDT"
    )


def test_a_sale_that_lowers_the_price_has_pushed(tmp_path: Path) -> None:
    f = [(0, 100.0), (HOUR, 98 * exp(-12 * BP))]
    runs = pair(tmp_path, f, [(0, 100.0), (HOUR - 1, 98.0)], [rebalance(0, "UP", HOUR, HOUR, -5)])
    assert value("impact_gap_0s", *runs) == pytest.approx(12.0)
    assert value("impact_per_move_0s", *runs) == pytest.approx(6.0)
    assert value("multiplier_0s", *runs) == pytest.approx(1 + 0.98 * (1 - exp(-12 * BP)) / 0.02)


def test_orders_of_one_instant_are_one_reset_whose_sign_is_that_of_their_sum(tmp_path: Path) -> None:
    """+5 and -8 sell 3 until the later of both last fills; another market at that instant is a reset of its own."""
    instruments = [PERP, {**PERP, "market": "OTHER"}]
    rows = [
        rebalance(0, "UP", HOUR, HOUR + MINUTE, 5),
        rebalance(1, "DOWN", HOUR, HOUR + 2 * MINUTE, -8),
        rebalance(2, "UP", HOUR, HOUR, 1, market="OTHER"),
    ]
    f = [(0, 100.0), (HOUR + MINUTE, 100.1), (HOUR + 2 * MINUTE, 99.8)]
    runs = pair(tmp_path, f, [(0, 100.0)], rows, instruments=instruments)
    found = [(r.market, r.decide_ns, r.last_ns, r.target_lots, r.sign) for r in measured_resets(runs[0])]
    assert found == [("OTHER", HOUR, HOUR, 1, 1), ("PERP", HOUR, HOUR + 2 * MINUTE, -3, -1)]
    here = [term for term in terms("impact_gap_0s", *runs) if term.market == "PERP"]
    assert [term.numerator / term.denominator for term in here] == pytest.approx([-log(0.998)])


def test_as_much_bought_as_sold_is_no_reset(tmp_path: Path) -> None:
    rows = [rebalance(0, "UP", HOUR, HOUR, 5), rebalance(1, "DOWN", HOUR, HOUR, -5)]
    assert terms("impact_gap_0s", *pair(tmp_path, [(0, 100.0)], [(0, 100.0)], rows)) == []


def test_resets_of_a_replication_count_by_their_absolute_order(tmp_path: Path) -> None:
    """10 bp of a purchase of 3 and 50 bp of a sale of 1: (3 x 10 + 50) / 4 = 20; per move (30 + 50) / (3 x 1 + 2)."""
    later = 6 * HOUR
    f = [(0, 100.0), (HOUR - 1, 101.0), (HOUR, 101 * exp(10 * BP)), (later - 1, 98.0), (later, 98 * exp(-50 * BP))]
    c = [(0, 100.0), (HOUR - 1, 101.0), (later - 1, 98.0)]
    of_baseline = [rebalance(0, "UP", HOUR, HOUR, 3), rebalance(1, "UP", later, later, -1)]
    runs = pair(tmp_path, f, c, of_baseline, of_baseline=of_baseline)
    assert value("impact_gap_0s", *runs) == pytest.approx(20.0)
    assert value("impact_per_move_0s", *runs) == pytest.approx(80 / 5)


def test_h_is_half_the_gap_to_the_next_reset_of_the_same_token(tmp_path: Path) -> None:
    """UP resets again after two hours and DOWN after one: H of UP's first is one hour."""
    rows = [
        rebalance(0, "UP", HOUR, HOUR, 5),
        rebalance(1, "DOWN", 2 * HOUR, 2 * HOUR, 5),
        rebalance(2, "UP", 3 * HOUR, 3 * HOUR, 5),
    ]
    f = [(0, 100.0), (2 * HOUR - 1, 101.0), (2 * HOUR + 1, 103.0)]
    first = terms("impact_gap_H", *pair(tmp_path, f, [(0, 100.0)], rows))[0]
    assert first.numerator / first.denominator == pytest.approx(log(1.01))


def test_a_time_beyond_the_end_of_the_run_is_left_out_and_counted(tmp_path: Path) -> None:
    """The run ends half an hour after the last fill, a minute before two hours and H."""
    rows = [rebalance(0, "UP", HOUR, HOUR, 5)]
    runs = pair(tmp_path, [(0, 100.0), (HOUR, 101.0)], [(0, 100.0)], rows, duration=HOUR + 30 * MINUTE)
    assert value("impact_gap_30min", *runs) == pytest.approx(1e4 * log(1.01))
    for time in ("2h", "H"):
        assert value(f"impact_gap_{time}", *runs) is None
        assert [(t.dropped, t.denominator) for t in terms(f"impact_gap_{time}", *runs)] == [(1, 0.0)]
    assert [term.dropped for term in terms("reversal", *runs)] == [1]


def test_a_reset_after_which_a_side_was_empty_is_left_out_and_counted(tmp_path: Path) -> None:
    """The mid is gone at the first of two resets; 20 bp are of the second."""
    later = 6 * HOUR
    rows = [rebalance(0, "UP", HOUR, HOUR, 5), rebalance(1, "UP", later, later, 5)]
    f = quotes("PERP", (0, 100.0), (HOUR, 100.0), (HOUR + S, 100.0), (later, 100 * exp(20 * BP)))
    f[1] |= {"ask_lots": 0, "mid": None}
    f_run, c_run = pair(tmp_path, [], [(0, 100.0)], rows)
    gone = hand_run(
        tmp_path / "g", rebalances=rows, quotes=f, issued=[UP, DOWN], record={"quotes": "change"}, duration=DAY
    )
    assert [term.dropped for term in terms("impact_gap_0s", gone, c_run)] == [1, 0]
    assert value("impact_gap_0s", gone, c_run) == pytest.approx(20.0)
    assert [term.dropped for term in terms("impact_gap_1min", gone, c_run)] == [0, 0]
    assert [term.dropped for term in terms("impact_gap_0s", f_run, c_run)] == [1, 1]  # not a mid at all


def test_an_order_of_which_nothing_filled_is_left_out_and_counted(tmp_path: Path) -> None:
    row = rebalance(0, "UP", HOUR, -1, 5, filled_lots=0, vwap=None, t_first_ns=-1, status="partial")
    runs = pair(tmp_path, [(0, 100.0)], [(0, 100.0)], [row])
    assert [term.dropped for term in terms("impact_gap_0s", *runs)] == [1]


def test_an_arm_that_sends_nothing_is_read_at_the_resets_of_another(tmp_path: Path) -> None:
    """In the arm the fund trades off the book; the factual fund sold in it, and the arm stands 7 bp lower then."""
    rows = [rebalance(0, "UP", HOUR, HOUR, -5)]
    off = [{"t_ns": HOUR, "t_end_ns": HOUR, "purpose": "rebalance", "parent": 0, "order_type": "off_book"}]
    mids = [(0, 100.0), (HOUR, 100 * exp(-7 * BP))]
    arm, baseline = pair(tmp_path / "a", mids, [(0, 100.0)], rows, children=off)
    factual, _ = pair(tmp_path / "f", [(0, 100.0)], [(0, 100.0)], rows)
    assert measured_resets(arm) == ()
    assert value("impact_gap_0s", arm, baseline) is None
    assert value("impact_gap_0s", arm, baseline, factual) == pytest.approx(7.0)


def test_mids_between_two_snapshots_are_read_at_the_second_which_is_after_the_fill(tmp_path: Path) -> None:
    """The last fill is at 1 h and 3 s, and quotes are of every 10 s: what stands at 10 s has it in."""
    rows = [rebalance(0, "UP", HOUR, HOUR + 3 * S, 5)]
    mids = [(0, 100.0), (HOUR, 100.0), (HOUR + 10 * S, 100.4)]
    runs = pair(tmp_path, mids, [(t, 100.0) for t, _ in mids], rows, record={"quotes": "10s"})
    assert value("impact_gap_0s", *runs) == pytest.approx(1e4 * log(1.004))


def test_mids_that_are_too_coarse_for_the_end_of_a_reset_are_refused(tmp_path: Path) -> None:
    runs = pair(tmp_path, [(0, 100.0)], [(0, 100.0)], [rebalance(0, "UP", HOUR, HOUR, 5)], record={"quotes": "1min"})
    with pytest.raises(ResultError, match=r"the push of resets needs a mid at least every 10 s"):
        terms("impact_gap_0s", *runs)


def test_a_market_that_nobody_quotes_does_not_make_the_mids_of_others_too_coarse(tmp_path: Path) -> None:
    """The token's own market has marks of every minute alone; the perpetual's quotes are of every 10 s."""
    marks = [{"t_ns": k * MINUTE, "market": "UP", "mid_price": None} for k in range(3)]
    rows = [rebalance(0, "UP", HOUR, HOUR, 5)]
    mids = [(0, 100.0), (HOUR, 101.0)]
    runs = pair(tmp_path, mids, [(t, 100.0) for t, _ in mids], rows, record={"quotes": "10s"}, marks=marks)
    assert value("impact_gap_0s", *runs) == pytest.approx(1e4 * log(1.01))


# -- multipliers


def test_the_multiplier_is_in_simple_returns_over_the_price_of_the_last_reset(bought: tuple[Run, Run]) -> None:
    """r = 102 / 100 - 1, and the push of 30 bp in log is 102 (e^.003 - 1) / 100."""
    assert value("multiplier_0s", *bought) == pytest.approx(1 + 1.02 * (exp(0.003) - 1) / 0.02)
    assert value("multiplier_30min", *bought) == pytest.approx(1 + 1.02 * (exp(0.0005) - 1) / 0.02)


def test_whole_runs_of_several_resets_have_a_cumulative_multiplier_alone(tmp_path: Path) -> None:
    """Pushes of 1 and 2 after moves of 4 and -2, from 100 and, in the baseline, from 104."""
    later = 6 * HOUR
    rows = [rebalance(0, "UP", HOUR, HOUR, 5), rebalance(1, "UP", later, later, -5, last_reset_price=105.0)]
    of_baseline = [rows[0], {**rows[1], "last_reset_price": 104.0}]
    f = [(0, 100.0), (HOUR, 105.0), (later, 100.0)]
    c = [(0, 100.0), (HOUR - 1, 104.0), (later - 1, 102.0)]
    runs = pair(tmp_path, f, c, rows, of_baseline=of_baseline)
    with pytest.raises(ResultError, match=r"a whole run has 2 resets.*`multiplier_cumulative` that of all"):
        terms("multiplier_0s", *runs)
    expected = 1 + (0.01 + 2 / 104) / (0.04 + 2 / 104)
    assert value("multiplier_cumulative_0s", *runs) == pytest.approx(expected)


def test_a_fork_has_the_multiplier_of_the_reset_it_is_about(tmp_path: Path) -> None:
    fork = {"from_ns": HOUR, "at_ns": HOUR, "until_ns": 5 * HOUR}
    rows = [rebalance(0, "UP", HOUR, HOUR, 5), rebalance(1, "UP", 2 * HOUR, 2 * HOUR, 5)]
    more = {"manifest": {"fork": fork, "simulated_ns": 4 * HOUR}}
    runs = pair(tmp_path, [(HOUR, 103.0)], [(HOUR, 102.0)], rows, **more)
    assert value("multiplier_0s", *runs) == pytest.approx(1.5)
    assert len(terms("multiplier_0s", *runs)) == 1


def test_the_next_horizon_ends_before_anything_of_the_next_reset(tmp_path: Path) -> None:
    """At the next reset's instant the mid has its order in; just before it 101 stood against 100.5."""
    later = 3 * HOUR
    fork = {"from_ns": HOUR, "at_ns": HOUR, "until_ns": 5 * HOUR}
    rows = [rebalance(0, "UP", HOUR, HOUR, 5), rebalance(1, "UP", later, later, 5)]
    more = {"manifest": {"fork": fork, "simulated_ns": 4 * HOUR}}
    f = [(HOUR, 102.0), (later - S, 101.0), (later, 150.0)]
    runs = pair(tmp_path, f, [(HOUR, 101.0), (later - S, 100.5)], rows, **more)
    assert value("multiplier_next", *runs) == pytest.approx(1 + 0.005 / 0.01)


def test_what_was_traded_is_compared_with_k_r_at_the_baselines_price(tmp_path: Path) -> None:
    """K = 6 x 1000 and r = 2 %: 120 are called for; one lot of 1 at 102 is .85 of it, whatever was paid."""
    rows = [rebalance(0, "UP", HOUR, HOUR, 2, filled_lots=1, vwap=200.0)]
    runs = pair(tmp_path, [(0, 100.0)], [(0, 100.0), (HOUR - 1, 102.0)], rows)
    assert value("orders_ratio", *runs) == pytest.approx(102 / 120)


def test_tokens_whose_last_resets_had_other_prices_have_one_move_by_their_k(tmp_path: Path) -> None:
    """+3 of 1000 from 100, K = 6000, and -3 of 500 from 110, K = 6000, at 121: r = (.21 + .10) / 2, P = 121 / 1.155."""
    rows = [
        rebalance(0, "UP", HOUR, HOUR, 5),
        rebalance(1, "DOWN", HOUR, HOUR, 5, last_reset_price=110.0, last_reset_equity_atoms=500 * 10**8),
    ]
    runs = pair(tmp_path, [(0, 121.0)], [(0, 121.0)], rows)
    (term,) = terms("multiplier_0s", *runs)
    assert term.denominator == pytest.approx(0.155)


# -- the reversal


def test_reversal_is_what_is_left_and_its_half_life_when_half_of_the_rest_is_gone(bought: tuple[Run, Run]) -> None:
    """D(0) 30, D(H) 1: half-way is 15.5, first passed on the grid after 5 min."""
    assert value("reversal", *bought) == pytest.approx(1 / 30)
    assert value("reversal_half_life", *bought) == 300.0


def test_without_an_own_reset_the_baselines_move_begins_at_the_end_of_the_arms_last_one(tmp_path: Path) -> None:
    """The token was last reset from 1 h to 1 h 1 min, when the baseline stood at 104; at 2 h that is at 109.2: 5 %.

    The arm itself was reset at 120, and DOWN at another time.
    """
    rows = [
        rebalance(0, "UP", HOUR, HOUR + MINUTE, 5),
        rebalance(1, "DOWN", HOUR + 10 * MINUTE, HOUR + 11 * MINUTE, 5),
        rebalance(2, "UP", 2 * HOUR, 2 * HOUR, 5, last_reset_price=120.0),
    ]
    baseline = [(0, 100.0), (HOUR + MINUTE, 104.0), (HOUR + 11 * MINUTE, 90.0), (2 * HOUR - 1, 109.2)]
    f, c = pair(tmp_path, [(0, 100.0), (2 * HOUR, 109.2 * exp(0.01))], baseline, rows)
    reset = next(each for each in resets_of(f) if each.decide_ns == 2 * HOUR)
    move = move_before(reset, f, c)
    assert move is not None
    assert (move.price, move.r) == (pytest.approx(104.0), pytest.approx(0.05))
