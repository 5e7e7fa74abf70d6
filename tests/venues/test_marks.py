"""Mark prices: the median rule by hand, rounding, and what an empty book does."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.venues.marks.family import mark_ticks
from marketsim.venues.marks.median import median_price
from marketsim.venues.marks.prices import moving_average, to_whole_ticks

exactly = settings(deadline=None, derandomize=True)


def test_median_mark_is_price_two_when_last_trade_jumps_away() -> None:
    """B63 in ticks of 0.1: index 100000, F 1 bp with half the interval left, basis +60, last 100100."""
    mark = mark_ticks("median", 100_000, 100_050, 100_070, 100_100, basis_average=60, funding_carry=Fraction(1, 20_000))
    assert mark == 100_060


@pytest.mark.parametrize(
    ("rule", "expected"), [("index", 300_000), ("last", 300_007), ("mid", 300_003), ("median", 300_003)]
)
def test_each_rule_marks_its_own_price(rule: str, expected: int) -> None:
    assert mark_ticks(rule, 300_000, 300_002, 300_004, 300_007, basis_average=3) == expected


@pytest.mark.parametrize("book", [(None, None), (299_990, None), (None, 300_010)])
@pytest.mark.parametrize("rule", ["index", "last", "mid", "median"])
def test_an_empty_or_one_sided_book_marks_at_the_index(rule: str, book: tuple[int | None, int | None]) -> None:
    assert mark_ticks(rule, 300_000, *book, 310_000, basis_average=50) == 300_000


def test_before_the_first_trade_a_rule_that_goes_by_trades_marks_at_the_index_and_the_mid_follows_the_book() -> None:
    assert mark_ticks("last", 300_000, 299_999, 300_005, None) == 300_000
    assert mark_ticks("median", 300_000, 299_999, 300_005, None, basis_average=9) == 300_000
    assert mark_ticks("mid", 300_000, 300_010, 300_014, None) == 300_012


def test_half_ticks_round_up_and_a_price_is_at_least_a_tick() -> None:
    assert [to_whole_ticks(Fraction(half, 2)) for half in (0, 1, 3, 5, 6)] == [1, 1, 2, 3, 3]
    assert mark_ticks("mid", 300_000, 300_000, 300_001, 300_000) == 300_001


def test_moving_average_takes_the_last_samples_or_what_there_is() -> None:
    assert moving_average([], 30) == 0
    assert moving_average([2, 4], 30) == 3
    assert moving_average([1_000, *[6] * 30], 30) == 6


@exactly
@given(st.tuples(*[st.fractions(1, 10**6)] * 3))
def test_median_of_rounded_prices_is_the_rounded_median(prices: tuple[Fraction, Fraction, Fraction]) -> None:
    assert median_price(*map(to_whole_ticks, prices)) == to_whole_ticks(median_price(*prices))
