"""Pictures on a grid: who paid whom, and what rests in the book around an instant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from marketsim.report.charts.look import BLUE, ORANGE
from marketsim.report.charts.over_time import TimeAxis


def flows(frame: pl.DataFrame, order: Sequence[str], title: str) -> Any:
    """Who paid whom, net: a frame with `payer`, `payee`, `value` (> 0) and `told`, the amount in words.

    order: of payers from above and of payees from the left.
    """
    rows = alt.Axis(labelOverlap=False, grid=False, minExtent=0)
    below = alt.Axis(labelOverlap=False, grid=False, labelAngle=-45)
    hue = alt.Scale(range=["#b5d9ee", BLUE], type="sqrt", domainMin=0)
    return (
        alt.Chart(frame)
        .mark_rect()
        .encode(
            y=alt.Y("payer:N", sort=list(order), title="paid by", axis=rows),
            x=alt.X("payee:N", sort=list(order), title="to", axis=below),
            color=alt.Color("value:Q", scale=hue, title=title, legend=alt.Legend(format="~s", gradientLength=180)),
            tooltip=[
                alt.Tooltip("payer:N", title="paid by"), alt.Tooltip("payee:N", title="to"),
                alt.Tooltip("told:N", title="net"),
            ],
        )
        .properties(height=40 + 22 * frame["payer"].n_unique())
    )  # fmt: skip


def book_over_time(frame: pl.DataFrame, axis: TimeAxis, span_ns: tuple[int, int], marks: Sequence[int]) -> Any:
    """The book about an instant: a frame with `t0_ns`, `t1_ns`, `band`, `place`, `share` of the usual and `told`.

    place: the row of a band, bids below 0, asks above. marks: instants drawn as lines.
    """
    data = frame.select(
        axis.of("t0_ns").alias("t"), axis.of("t1_ns").alias("t2"), "band", "place",
        pl.col("share").clip(0, 2).alias("shown"), "share", "told",
    )  # fmt: skip
    bands = data.select("band", "place").unique().sort("place", descending=True)["band"].to_list()
    hue = alt.Scale(domain=[0, 1, 2], range=[ORANGE, "#f2f2f2", BLUE], interpolate="lab")
    x = axis.encoding(span_ns)
    cells = (
        alt.Chart(data)
        .transform_calculate(at="utcFormat(datum.t, '%d %b %H:%M:%S')")
        .mark_rect(clip=True)
        .encode(
            x=x, x2="t2:T", y=alt.Y("band:N", sort=bands, title=None, axis=alt.Axis(grid=False, minExtent=0)),
            color=alt.Color("shown:Q", scale=hue, title="size, 1 = usual", legend=alt.Legend(format=".1f")),
            tooltip=[
                alt.Tooltip("at:N", title="from"), alt.Tooltip("band:N", title="distance from the mid"),
                alt.Tooltip("told:N", title="size"), alt.Tooltip("share:Q", title="of the usual", format=".0%"),
            ],
        )
    )  # fmt: skip
    lines = alt.Chart(alt.InlineData(values=[{"t": axis.at(t_ns)} for t_ns in marks])).mark_rule(strokeDash=[4, 3])
    return alt.layer(cells, lines.encode(x=alt.X("t:T"))).properties(height=24 * len(bands))
