from __future__ import annotations

import numpy as np
import pytest

from marketsim.analysis.stylised_facts.depth import (
    after_moves,
    in_crashes,
    over_volume,
    thinned,
    variation,
    with_volatility,
)
from marketsim.analysis.stylised_facts.fact import NotMeasurableError
from marketsim.analysis.stylised_facts.hit_side import after_large_orders, half_back, time_to_half
from marketsim.analysis.stylised_facts.spread import mean_spread, share_at_one_tick, time_weighted, with_returns
from tests.analysis.stylised_facts.tapes import HOUR, MIN, S, depth, fills, quotes, quotes_of_returns, tape


def test_a_quote_counts_for_the_time_it_stands() -> None:
    total, seconds = time_weighted(
        np.array([0, 10 * S, 40 * S, 70 * S]), np.array([1.0, np.nan, 3.0, 5.0]), np.array([0, 60 * S, 120 * S])
    )
    assert total.tolist() == [1 * 10 + 3 * 20, 3 * 10 + 5 * 50]
    assert seconds.tolist() == [30, 60]


def test_spread_of_one_tick_for_three_quarters_of_the_time_and_three_ticks_else() -> None:
    times = np.sort(np.concatenate([np.arange(0, HOUR, MIN), np.arange(45 * S, HOUR, MIN)]))
    book = quotes(times, 10_000.0, np.tile([1.0, 3.0], 60))  # the tick is 1
    record = tape(HOUR, quotes=book)
    assert mean_spread(record).value == pytest.approx(1.5)  # bps of 10,000
    assert share_at_one_tick(record).value == pytest.approx(0.75)


def test_spread_that_is_wide_in_the_minutes_that_move_is_correlated_with_them() -> None:
    returns = 1e-4 * np.tile([1, -4, 2, -1, 3, -1], 20)
    moved = quotes_of_returns(returns)
    wide = np.append(np.abs(returns), 0.0) * 1e3  # the quote at a minute's begin stands through it
    record = tape(2 * HOUR, quotes=quotes(moved.t_ns, moved.mid, wide * moved.mid / 100))
    assert with_returns(record).value == pytest.approx(1.0, abs=1e-3)


def test_large_moves_that_count_are_apart_and_the_largest_first() -> None:
    assert thinned(np.array([5.0, 9, 8, 1, 7]), np.array([True, True, True, False, True]), 2) == [1, 4]


def moves_every_twenty_minutes() -> np.ndarray:
    returns = np.resize([1e-5, -1e-5], 600)
    returns[10::20] = 1e-3
    return returns


def test_depth_after_a_large_move_over_depth_before_it() -> None:
    times = np.arange(0, 10 * HOUR, 30 * S)
    minute = times // MIN
    sizes = np.where(((minute - 11) % 20) < 3, 40.0, 50.0)  # four fifths for three minutes from a move's end
    record = tape(
        10 * HOUR, quotes=quotes_of_returns(moves_every_twenty_minutes()), depth=depth(times, sizes, sizes, 30 * S)
    )
    found = after_moves(record)
    assert found.value == pytest.approx(0.8)
    assert found.note == "30 moves"


def test_depth_that_never_changes_varies_by_nothing_and_is_correlated_with_nothing() -> None:
    times = np.arange(0, 10 * HOUR, MIN)
    book = quotes_of_returns(moves_every_twenty_minutes())
    record = tape(10 * HOUR, quotes=book, depth=depth(times, 50, 50, MIN))
    assert variation(record).value == 0.0
    with pytest.raises(NotMeasurableError, match="nothing varies"):
        with_volatility(record)


def test_depth_of_two_levels_varies_by_their_distance_over_their_mean() -> None:
    times = np.arange(0, 10 * HOUR, MIN)
    sizes = np.where(times // MIN % 2 == 0, 30.0, 50.0)
    record = tape(10 * HOUR, depth=depth(times, sizes, sizes, MIN))
    assert variation(record).value == pytest.approx(10 / 40)


def test_depth_that_falls_with_volatility_has_a_rank_correlation_of_minus_one() -> None:
    trend = np.linspace(1, 3, 600)  # rising volatility, falling depth
    record = tape(
        10 * HOUR, quotes=quotes_of_returns(1e-4 * trend * np.resize([1, -1], 600)),
        depth=depth(np.arange(0, 10 * HOUR, MIN), 100 / trend, 100 / trend, MIN),
    )  # fmt: skip
    found = with_volatility(record)
    assert found.value == pytest.approx(-1.0)
    assert found.note == "not adjusted for hours: 10 h of record"


def test_depth_in_a_crash_is_its_lowest_minute_over_the_half_hour_before() -> None:
    returns = np.resize([1e-5, -1e-5], 300)
    returns[100:104] = -0.01
    sizes = np.full(300, 50.0)
    sizes[101:120] = 10.0
    sizes[103] = 5.0
    record = tape(
        5 * HOUR, quotes=quotes_of_returns(returns), depth=depth(np.arange(0, 5 * HOUR, MIN), sizes, sizes, MIN)
    )
    found = in_crashes(record)
    assert found.value == pytest.approx(0.1)
    assert found.note == "1 crash"


def test_without_a_crash_the_largest_move_is_said() -> None:
    record = tape(
        10 * HOUR, quotes=quotes_of_returns(moves_every_twenty_minutes()),
        depth=depth(np.arange(0, 10 * HOUR, MIN), 5, 5, MIN),
    )  # fmt: skip
    with pytest.raises(NotMeasurableError, match=r"no move of 3 % in 5 min; the largest is 0\.10%"):
        in_crashes(record)


def test_one_side_of_depth_over_the_volume_of_a_day() -> None:
    times = np.arange(0, 6 * HOUR, MIN)
    record = tape(  # 360 fills of 100 in a quarter of a day: 144,000 a day
        6 * HOUR, quotes=quotes(times, 100.0), fills=fills(times + S), depth=depth(times, 1.0, 2.0, MIN)
    )
    found = over_volume(record)
    assert found.value == pytest.approx(100 * 1.5 * 100 / 144_000)
    assert found.note == "volume scaled from 6 h to a day"


def book_that_is_hit() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Asks that fall to a half at every hundredth second's order and come back in equal steps over two seconds."""
    times = np.arange(0, HOUR, S // 10)
    since = (times % (20 * S)) / S - 10.0  # an order each 20 s
    asks = np.where((since >= 0) & (since < 2), 50 + 25 * since, 100.0)
    return times, np.full(len(times), 80.0), asks


def test_hit_side_after_large_orders_and_the_time_until_half_is_back() -> None:
    times, bids, asks = book_that_is_hit()
    large = np.arange(10 * S, HOUR, 20 * S) - 1_000_000  # a millisecond before the sample that shows it
    small = np.arange(0, HOUR, 4 * S // 10) + 3_000_001  # 9,000, of which the largest 1 % are 91 of the 180
    t_ns = np.concatenate([large, small])
    order = np.argsort(t_ns, kind="stable")
    sizes = np.concatenate([np.full(len(large), 50.0), np.full(len(small), 1.0)])[order]
    record = tape(HOUR, fills=fills(t_ns[order], size=sizes), depth=depth(times, bids, asks, S // 10, bps=2.0))
    assert after_large_orders(record).value == pytest.approx(0.525)  # the sample .1 s later
    assert half_back(record).value == pytest.approx(1.05)  # .7625, between .75 at 1 s and .875 at 1.5 s


def test_half_of_a_loss_is_back_between_two_instants() -> None:
    medians = np.array([0.6, 0.6, 0.7, 0.7, 0.9, *[1.0] * 10])
    assert time_to_half(medians) == pytest.approx(0.875)  # .8 is half-way from .75 s to 1 s
    assert time_to_half(np.full(15, 0.5)) == float("inf")


def test_depth_that_is_too_coarse_says_what_shows_it() -> None:
    times, bids, asks = book_that_is_hit()
    record = tape(HOUR, fills=fills(times), depth=depth(times[::600], bids[::600], asks[::600], MIN, bps=2.0))
    with pytest.raises(NotMeasurableError, match=r"depth every 60 s; record: \{depth: \{bps: \[2, 10\], every: 100ms"):
        after_large_orders(record)
    with pytest.raises(NotMeasurableError, match="depth within 10 bps was not recorded; there is 2"):
        variation(record)
