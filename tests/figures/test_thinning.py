"""Long series: the lowest and highest of each interval are drawn, so that no spike is lost; short ones whole."""

from types import SimpleNamespace
from typing import Any

import polars as pl

from marketsim.figures.thinning import MOST_INTERVALS, MOST_ROWS, thinned

RUN: Any = SimpleNamespace(path="run")


def test_a_short_series_is_drawn_whole_and_what_is_no_number_is_a_gap() -> None:
    frame = pl.LazyFrame({"t_ns": [0, 5, 9, 20], "mid": [1.0, None, float("inf"), 3.0]})
    found = thinned(RUN, frame, pl.col("mid"), 0, 10)
    assert (found.x, found.y, found.rows, found.interval_ns) == ((0, 5, 9), (1.0, None, None), 3, None)
    assert found.series("mid").mark == "line"


def test_a_long_series_keeps_the_lowest_and_highest_of_each_interval() -> None:
    rows = 5 * MOST_ROWS  # ten rows an interval of ten
    values = [float(i % 7) for i in range(rows)]
    values[1234], values[4321] = 99.0, -99.0
    found = thinned(RUN, pl.LazyFrame({"t_ns": range(rows), "v": values}), pl.col("v"), 0, rows - 1)
    assert (found.rows, found.interval_ns, len(found.x)) == (rows, 10, MOST_INTERVALS)
    by_hand = [values[at : at + 10] for at in range(0, rows, 10)]
    assert list(found.lo) == [min(each) for each in by_hand]
    assert list(found.hi) == [max(each) for each in by_hand]
    assert found.x[:2] == (5, 15)
    assert (found.hi[123], found.lo[432]) == (99.0, -99.0)
    assert found.series("mid").mark == "band"


def test_an_interval_without_a_number_is_a_gap() -> None:
    rows = 2 * MOST_ROWS
    values = [None if 400 <= i < 440 else 1.0 for i in range(rows)]
    found = thinned(RUN, pl.LazyFrame({"t_ns": range(rows), "v": values}), pl.col("v"), 0, rows - 1)
    empty = [x for x, lo in zip(found.x, found.lo, strict=True) if lo is None]
    assert empty == [402 + 4 * i for i in range(10)]  # middles of intervals of four
