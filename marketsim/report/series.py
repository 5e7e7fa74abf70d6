"""Long series thinned to what can be drawn, without losing a spike."""

from __future__ import annotations

import polars as pl

MOST_POINTS = 2_000


def thin(frame: pl.DataFrame, time: str, value: str, most: int = MOST_POINTS) -> pl.DataFrame:
    """At most `most` rows (time, value) of a series: first, last, and the lowest and highest of each time bucket.

    Rows whose value is null or not finite are left out. A series that is short enough comes back whole, in time order.
    """
    series = frame.select(time, pl.col(value).cast(pl.Float64)).filter(pl.col(value).is_finite()).sort(time)
    if series.height <= most:
        return series
    first, last = int(series[time][0]), int(series[time][-1])
    buckets = max(1, (most - 2) // 2)
    width = (last - first) // buckets + 1
    numbered = series.with_row_index("row")
    extremes = numbered.group_by((pl.col(time) - first) // width).agg(
        pl.col("row").get(pl.col(value).arg_min()).alias("low"),
        pl.col("row").get(pl.col(value).arg_max()).alias("high"),
    )
    rows = {0, series.height - 1, *extremes["low"].to_list(), *extremes["high"].to_list()}
    return series[sorted(rows)]


def thin_steps(frame: pl.DataFrame, time: str, value: str, most: int = MOST_POINTS) -> pl.DataFrame:
    """The changes of a step series and its last row, at most `most` rows; drawn with steps it looks the same."""
    series = frame.select(time, pl.col(value).cast(pl.Float64)).filter(pl.col(value).is_finite()).sort(time)
    changed = pl.col(value).ne_missing(pl.col(value).shift(1))
    last = pl.int_range(pl.len()) == pl.len() - 1
    return thin(series.filter(changed | last), time, value, most)
