"""Measures of pairs on mids written by hand; expected values are worked out beside (docs/contract.md#measures)."""

from math import exp, log
from pathlib import Path

import pytest

from marketsim.analysis.measures.family import PairMeasure, Term
from marketsim.analysis.measures.gap_after_fills import AFTER_NS
from marketsim.analysis.measures.register import all_measures
from marketsim.analysis.run_data.rebalance_windows import windows_of
from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from tests.analysis.tables import DAY, HOUR, MINUTE, PERP, S, hand_run, quotes, rebalance

Mids = list[tuple[int, float]]


def pair(place: Path, factual: Mids, counterfactual: Mids, rebalances: list[dict], **more) -> tuple[Run, Run]:  # type: ignore[no-untyped-def]
    f = hand_run(place / "f", rebalances=rebalances, quotes=quotes("PERP", *factual), **more)
    c = hand_run(place / "c", quotes=quotes("PERP", *counterfactual), **more)
    return f, c


def measure(name: str) -> PairMeasure:
    found = all_measures()[name]
    assert isinstance(found, PairMeasure)
    return found


def value(name: str, f: Run, c: Run) -> float | None:
    return measure(name).value(measure(name).terms(f, c))


@pytest.fixture
def two_windows(tmp_path: Path) -> tuple[Run, Run]:
    """Moves of +4 % and -1 % where the counterfactual moved +2 % and -2 %; a day apart, H four hours each."""
    first, second = HOUR, DAY + HOUR
    f = [(0, 100.0), (first, 100 * exp(0.04)), (second + MINUTE, 100 * exp(0.03))]
    c = [(0, 100.0), (first, 100 * exp(0.02)), (second + MINUTE, 100 * exp(0.00))]
    rows = [rebalance(0, "UP", first, first, 5), rebalance(1, "UP", second, second + MINUTE, -5)]
    return pair(tmp_path, f, c, rows, duration=2 * DAY)


def test_price_share_is_a_ratio_of_sums_and_no_mean_of_ratios(two_windows: tuple[Run, Run]) -> None:
    """(.04 x .02 + -.01 x .01) / (.0016 + .0001); the mean of the two ratios would be (.5 - 1) / 2."""
    assert value("price_share", *two_windows) == pytest.approx(0.0007 / 0.0017, rel=1e-9)


def test_amplification_divides_by_the_counterfactual_moves(two_windows: tuple[Run, Run]) -> None:
    """(.04 x .02 + .01 x .02) / (.0004 + .0004)."""
    assert value("amplification", *two_windows) == pytest.approx(1.25, rel=1e-9)


def test_each_term_says_its_day_so_that_days_can_be_clustered(two_windows: tuple[Run, Run]) -> None:
    assert [term.day for term in measure("price_share").terms(*two_windows)] == [0, 1]


def test_terms_of_replications_are_pooled_before_they_are_divided(two_windows: tuple[Run, Run]) -> None:
    amplification = measure("amplification")
    first, second = amplification.terms(*two_windows)
    assert amplification.value([first]) == pytest.approx(2.0)
    assert amplification.value([second]) == pytest.approx(0.5)
    assert amplification.value([first, second, second]) == pytest.approx((0.0008 + 2 * 0.0002) / 0.0012)
    assert amplification.value([]) is None


def test_rebalances_that_overlap_in_one_market_are_one_window(tmp_path: Path) -> None:
    run = hand_run(
        tmp_path / "r",
        warmup="10min",
        instruments=[PERP, {**PERP, "market": "OTHER"}],
        rebalances=[
            rebalance(0, "EARLY", 5 * MINUTE, 6 * MINUTE, 7),
            rebalance(1, "UP", 20 * MINUTE, 25 * MINUTE, 5),
            rebalance(2, "DOWN", 20 * MINUTE, 22 * MINUTE, -8),
            rebalance(3, "LATE", 24 * MINUTE, 30 * MINUTE, 1),
            rebalance(4, "ELSEWHERE", 24 * MINUTE, 30 * MINUTE, 1, market="OTHER"),
            rebalance(5, "NEXT", 90 * MINUTE, 91 * MINUTE, 1),
            rebalance(6, "NOTHING", 200 * MINUTE, -1, 4, filled_lots=0, vwap=None, status="partial"),
        ],
    )
    found = [(w.market, w.begin_ns, w.decide_ns, w.last_ns, w.after_ns) for w in windows_of(run)]
    ends_in_4h = 4 * HOUR
    assert found == [
        ("OTHER", 10 * MINUTE, 24 * MINUTE, 30 * MINUTE, ends_in_4h),
        ("PERP", 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 30 * MINUTE),  # half the gap of an hour
        ("PERP", 60 * MINUTE, 90 * MINUTE, 91 * MINUTE, ends_in_4h),
    ]


def test_a_window_near_the_end_is_cut_to_the_run(tmp_path: Path) -> None:
    run = hand_run(tmp_path / "r", rebalances=[rebalance(0, "UP", 5 * HOUR, 5 * HOUR + MINUTE, 5)])
    assert windows_of(run)[0].after_ns == 59 * MINUTE


def test_a_fork_measures_the_window_of_its_event_from_the_mid_that_both_arms_had(tmp_path: Path) -> None:
    """Taken at the decision at 2 h, where the mid was 100; then 104 and 102; the reset at 4 h has a fork of its own."""
    fork = {"from_ns": 2 * HOUR, "at_ns": 2 * HOUR, "until_ns": 5 * HOUR}
    rows = [rebalance(0, "UP", 2 * HOUR, 2 * HOUR, 5), rebalance(1, "UP", 4 * HOUR, 4 * HOUR, 5)]
    more = {"manifest": {"fork": fork, "simulated_ns": 3 * HOUR}}
    f, c = pair(tmp_path, [(2 * HOUR, 104.0)], [(2 * HOUR, 102.0)], rows, **more)
    assert [(w.begin_ns, w.after_ns) for w in windows_of(f)] == [(2 * HOUR, HOUR)]
    (term,) = measure("price_share").terms(f, c)
    assert term.numerator == pytest.approx(log(1.04) * (log(1.04) - log(1.02)))


def sold(place: Path, *gaps: tuple[int, float]) -> tuple[Run, Run]:
    """A sale at 1 h with the factual mid `gaps` of log below the counterfactual's from instants behind it."""
    f = [(0, 100.0), *((HOUR + after, 100 * exp(-gap)) for after, gap in gaps)]
    return pair(place, f, [(0, 100.0)], [rebalance(0, "UP", HOUR, HOUR, -5)], record={"quotes": "change"})


def test_reversal_is_what_is_left_of_the_gap_and_its_half_life_when_half_of_the_rest_is_gone(tmp_path: Path) -> None:
    """D: .010, then .008, .006 and at last .004; half-way between .010 and .004 is .007, first passed after 2 min."""
    runs = sold(tmp_path, (0, 0.010), (MINUTE, 0.008), (2 * MINUTE, 0.006), (20 * MINUTE, 0.004))
    assert value("reversal", *runs) == pytest.approx(0.4)
    assert value("reversal_half_life", *runs) == 120.0


def test_half_life_of_a_gap_that_stays_is_censored(tmp_path: Path) -> None:
    runs = sold(tmp_path, (0, 0.010), (MINUTE, 0.012))
    assert value("reversal", *runs) == pytest.approx(1.2)
    assert value("reversal_half_life", *runs) is None


def test_a_reset_with_a_short_after_holds_its_last_gap_and_counts_by_its_order(tmp_path: Path) -> None:
    """H is half of 20 min: what the gap becomes at 11 min is not of the first reset; the second counts twice."""
    later = HOUR + 20 * MINUTE
    f = [(0, 100.0), (HOUR, 100 * exp(-0.01)), (HOUR + 11 * MINUTE, 100.0)]
    rows = [rebalance(0, "UP", HOUR, HOUR, -5), rebalance(1, "UP", later, later, -10)]
    runs = pair(tmp_path, f, [(0, 100.0)], rows, record={"quotes": "change"})
    first, second = measure("reversal").terms(*runs)
    assert first.numerator == pytest.approx([0.05] * len(AFTER_NS))
    assert second.numerator == pytest.approx([0.0] * len(AFTER_NS))
    (together,) = measure("reversal").of_replication([first, second])
    assert together.numerator == pytest.approx([0.05 / 15] * len(AFTER_NS))


def test_volatility_is_the_root_of_summed_variances_over_those_of_the_counterfactual(tmp_path: Path) -> None:
    """Returns of 0.4 % against 0.2 % every five minutes of a day, then of 0.1 % against 0.2 %: sqrt(17 / 8)."""
    f, c = [(0, 100.0)], [(0, 100.0)]
    for k in range(1, 2 * 288 + 1):
        step = 0.004 if k <= 288 else 0.001
        f.append((k * 5 * MINUTE, f[-1][1] * exp(step if k % 2 else -step)))
        c.append((k * 5 * MINUTE, c[-1][1] * exp(0.002 if k % 2 else -0.002)))
    runs = pair(tmp_path, f, c, [], duration=2 * DAY)
    terms = measure("volatility").terms(*runs)
    assert [term.day for term in terms] == [0, 1]
    assert [term.numerator / term.denominator for term in terms] == pytest.approx([4.0, 0.25])
    assert value("volatility", *runs) == pytest.approx((4.25 / 2) ** 0.5)


def test_the_warm_up_is_not_measured(tmp_path: Path) -> None:
    """The whole move of the mid happened before the warm-up ended."""
    f = [(0, 100.0), (30 * MINUTE, 150.0)]
    runs = pair(tmp_path, f, [(0, 100.0)], [rebalance(0, "UP", 40 * MINUTE, HOUR, 5)], warmup="31min")
    assert measure("price_share").terms(*runs)[0] == Term(0, 0.0, 0.0, exchanged=0.0)
    assert measure("volatility").terms(*runs)[0].numerator == 0.0


def test_marks_serve_where_they_are_finer_than_quotes(tmp_path: Path) -> None:
    marks = [{"t_ns": t, "market": "PERP", "mid_price": mid} for t, mid in ((0, 100.0), (HOUR, 110.0))]
    more = {"record": {"quotes": "none"}, "marks": marks}
    f = hand_run(tmp_path / "f", rebalances=[rebalance(0, "UP", HOUR, HOUR, 5)], **more)
    c = hand_run(tmp_path / "c", **more)
    assert measure("amplification").terms(f, c)[0].numerator == pytest.approx(log(1.1) ** 2)


def test_a_record_that_is_too_coarse_is_refused_with_what_to_set(tmp_path: Path) -> None:
    coarse = {"quotes": "5min", "marks": "none"}
    runs = pair(tmp_path, [(0, 100.0)], [(0, 100.0)], [rebalance(0, "UP", HOUR, HOUR, 5)], record=coarse)
    with pytest.raises(ResultError, match=r"price_share needs a mid at least every 60 s; there are quotes every 300 s"):
        measure("price_share").terms(*runs)


def test_grid_of_tau_runs_from_the_last_fill_to_four_hours() -> None:
    assert (AFTER_NS[0], AFTER_NS[1], AFTER_NS[6], AFTER_NS[-1]) == (0, 10 * S, 60 * S, 4 * HOUR)
    assert list(AFTER_NS) == sorted(set(AFTER_NS))
