"""The book around a reset: what rests at each distance from the mid against what rested before, from table `depth`."""

from __future__ import annotations

from typing import Any

import polars as pl

from marketsim.report import charts
from marketsim.report.prices import axis_of
from marketsim.report.record import RunRecord
from marketsim.report.resets import Reset
from marketsim.units import NS_PER_SECOND

_BEFORE_NS, _AFTER_NS = 600 * NS_PER_SECOND, 1_800 * NS_PER_SECOND
_MOST_COLUMNS, _MOST_CELLS = 160, 4_500
_FEWEST_BEFORE = 3
"""Snapshots before the decision that the usual size is told from."""


def book_chart(record: RunRecord, reset: Reset) -> Any | None:
    """What rests in each band of distance from 10 minutes before a reset to 30 after it, against the median before it.

    None where the depth of its market was not recorded, or not at least three times before the decision.
    """
    frame, last = band_sizes(record, reset), reset.last_ns or reset.decided_ns
    if frame is None:
        return None
    span = max(0, reset.decided_ns - _BEFORE_NS), min(record.duration_ns, last + _AFTER_NS)
    return charts.book_over_time(frame, axis_of(record), span, [reset.decided_ns, last])


def band_sizes(record: RunRecord, reset: Reset) -> pl.DataFrame | None:
    """Rows of the heat map: `t0_ns`, `t1_ns`, `band`, `place`, `lots` (mean of the snapshots), `share`, `told`."""
    depth, last = record.scan("depth"), reset.last_ns or reset.decided_ns
    if depth is None:
        return None
    first, end = max(0, reset.decided_ns - _BEFORE_NS), min(record.duration_ns, last + _AFTER_NS)
    inside = pl.col("t_ns").is_between(first, end) & (pl.col("market") == reset.market)
    rows = depth.filter(inside).sort("t_ns", "side", "bps").collect()
    instants = rows["t_ns"].unique().sort()
    if (instants < reset.decided_ns).sum() < _FEWEST_BEFORE:
        return None
    step = int(instants.diff().drop_nulls().max())  # type: ignore[arg-type]
    columns = min(_MOST_COLUMNS, max(1, _MOST_CELLS // rows.select("side", "bps").n_unique()))
    width = step * max(1, -(-(end - first) // (step * columns)))
    bands = _banded(rows).with_columns(t0_ns=first + (pl.col("t_ns") - first) // width * width)
    usual = bands.filter(pl.col("t_ns") < reset.decided_ns).group_by("place").agg(usual=pl.col("lots").median())
    shown = bands.group_by("t0_ns", "place", "band", maintain_order=True).agg(pl.col("lots").mean())
    shown = shown.join(usual, on="place").filter(pl.col("usual") > 0).sort("place", "t0_ns")
    one = record.of(reset.market)
    return shown.with_columns(
        t1_ns=pl.min_horizontal(pl.col("t0_ns") + width, pl.lit(end)), share=pl.col("lots") / pl.col("usual"),
        told=pl.Series([one.size(lots) for lots in shown["lots"]], dtype=pl.String),
    )  # fmt: skip


def _banded(rows: pl.DataFrame) -> pl.DataFrame:
    """Size between one distance and the next, from sizes within distances; `place` counts from the mid, bids down."""
    inner = pl.col("bps").shift(1).over("t_ns", "side").fill_null(0.0)
    size = pl.col("size_lots") - pl.col("size_lots").shift(1).over("t_ns", "side").fill_null(0)
    sign = pl.when(pl.col("side") == "ask").then(1).otherwise(-1)
    made = rows.with_columns(lots=size, inner=inner, place=sign * pl.col("bps").rank("dense").cast(pl.Int64))
    named = [f"{side} {low:g}-{high:g} bps" for side, low, high in made.select("side", "inner", "bps").iter_rows()]
    return made.with_columns(band=pl.Series(named, dtype=pl.String))
