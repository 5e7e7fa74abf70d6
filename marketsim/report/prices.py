"""Prices of each market with the rebalances marked, mid and mark against the index, volume by purpose, events."""

from __future__ import annotations

from typing import Any

import polars as pl

from marketsim.report import charts, markup, numbers
from marketsim.report.charts import Line, Points, TimeAxis
from marketsim.report.embedding import figure
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.record import RunRecord
from marketsim.report.spans import as_map, spans_of

_MOST_MARKETS = 6
_MOST_MARKS = 300
_MOST_EVENTS = 30
_VOLUME_BARS = 144
_PURPOSES = {"other trades": charts.SKY, "rebalances": charts.BLUE, "liquidations": charts.RED}


def axis_of(record: RunRecord) -> TimeAxis:
    """The time axis all charts of a run share."""
    return TimeAxis(record.start_ns, record.duration_ns)


def prices(record: RunRecord) -> Markup:
    """Price, deviations from the index and volume of each market, and the events of the run."""
    marks = marks_of(record)
    if marks is None:
        body = markup.empty("No prices were recorded: the table of marks is empty.")
        return markup.section("prices", "Prices", body, _events(record))
    markets = marks["market"].unique(maintain_order=True).to_list()
    pieces = [
        markup.left_out(min(len(markets), _MOST_MARKETS), len(markets), "markets", "the first ones", verb="drawn")
    ]
    for market in markets[:_MOST_MARKETS]:
        pieces += [markup.heading(market), *_of_market(record, market)]
    return markup.section("prices", "Prices", *pieces, _deviations(marks), _events(record))


def marks_of(record: RunRecord) -> pl.DataFrame | None:
    """The table `marks` with mid, mark and premium in basis points of the index."""
    marks = record.table("marks", "t_ns", "market", "index_price", "mark_price", "mid_price", "premium")
    per_index = pl.col("index_price") / 1e4
    return None if marks is None else marks.with_columns(
        mid_bps=(pl.col("mid_price") - pl.col("index_price")) / per_index,
        mark_bps=(pl.col("mark_price") - pl.col("index_price")) / per_index,
        premium_bps=pl.col("premium") * 1e4,
    )  # fmt: skip


def _of_market(record: RunRecord, market: str) -> list[Markup]:
    points, spans = rebalance_points(record, market, "arrival_mid"), spans_of(record, market)
    caption = f"{market}: {_price_of(record, market)[0]}."
    caption += " Triangles are rebalances at their decision." if points else ""
    caption += " Bands are times in which a token or the market was not simply trading." if spans else ""
    drawn = [figure(price_chart(record, market), caption)]
    deviations = deviations_chart(record, market)
    if deviations is not None:
        drawn.append(figure(deviations, f"{market}: mid and mark price against the index, in bps of the index."))
    return [*drawn, _volume(record, market)]


def _price_of(record: RunRecord, market: str) -> tuple[str, str, pl.DataFrame]:
    """What is drawn as the price of a market: the mid, else the mark, else the index; its column and rows."""
    marks = marks_of(record)
    assert marks is not None
    own = marks.filter(pl.col("market") == market)
    prices = {"mid price": "mid_price", "mark price": "mark_price", "index": "index_price"}
    for name, column in prices.items():
        if own[column].is_not_null().any():
            return name, column, own
    return "mid price", "mid_price", own


def price_chart(record: RunRecord, market: str) -> Any:
    """The price of a market, its rebalances as triangles, states as bands."""
    name, column, own = _price_of(record, market)
    return charts.over_time(
        [Line(name, own, column, charts.BLUE)], axis_of(record), f"price [{record.of(market).asset}]", height=280,
        form=",~r", points=rebalance_points(record, market, "arrival_mid"), spans=spans_of(record, market),
    )  # fmt: skip


def deviations_chart(record: RunRecord, market: str) -> Any | None:
    """Mid and mark of a market against its index in bps; None where there is no index."""
    marks = marks_of(record)
    own = None if marks is None else marks.filter(pl.col("market") == market)
    if own is None or not (own["mid_bps"].is_not_null().any() or own["mark_bps"].is_not_null().any()):
        return None
    lines = [
        Line("mid against index", own, "mid_bps", charts.ORANGE),
        Line("mark against index", own, "mark_bps", charts.BLUE),
    ]
    return charts.over_time(lines, axis_of(record), "of the index [bps]", zero=True, form=",~r", height=150)


def rebalance_points(
    record: RunRecord, market: str, height: str, token: str | None = None, *, panel: str = "", most: int = _MOST_MARKS
) -> list[Points]:
    """The largest rebalances of a market (of one token, where named) as marks at the value of a column."""
    frame = record.table("rebalances", "token", "market", "t_decide_ns", "target_lots", "filled_lots", height)
    if frame is None:
        return []
    chosen = frame.filter((pl.col("market") == market) & pl.col(height).is_not_null())
    if token is not None:
        chosen = chosen.filter(pl.col("token") == token)
    chosen = chosen.sort(pl.col("target_lots").abs(), descending=True).head(most)
    made = []
    for name, side, colour, shape in (
        ("rebalance buys", pl.col("target_lots") > 0, charts.GREEN, "triangle-up"),
        ("rebalance sells", pl.col("target_lots") < 0, charts.RED, "triangle-down"),
    ):
        rows = chosen.filter(side)
        if rows.height:
            made.append(Points(name, rows["t_decide_ns"].to_list(), rows[height].to_list(), colour, shape, panel))
    return made


def _volume(record: RunRecord, market: str) -> Markup:
    if record.scan("trades") is None:
        return markup.empty(f"No trades of {market} were recorded, so its volume is not drawn.")
    chart = volume_chart(record, market)
    if chart is None:
        return markup.empty(f"{market} had no trades.")
    caption = f"{market}: volume in intervals of {numbers.duration(_bar_ns(record))}, by the purpose of taker or maker."
    return figure(chart, caption)


def _bar_ns(record: RunRecord) -> int:
    return max(1, -(-record.duration_ns // _VOLUME_BARS))


def volume_chart(record: RunRecord, market: str) -> Any | None:
    """The volume of a market by purpose, in bars; None without a trade."""
    trades, instrument, width = record.scan("trades"), record.of(market), _bar_ns(record)
    if trades is None:
        return None
    taker, maker = pl.col("taker_purpose"), pl.col("maker_purpose")
    either = [pl.any_horizontal(taker == one, maker == one) for one in ("rebalance", "liquidation")]
    kind = pl.when(either[0]).then(pl.lit("rebalances")).when(either[1]).then(pl.lit("liquidations"))
    bars = (
        trades.filter(pl.col("market") == market)
        .group_by((pl.col("t_ns") // width).alias("bucket"), kind.otherwise(pl.lit("other trades")).alias("kind"))
        .agg(pl.col("size_lots").sum() * instrument.lot).sort("bucket", "kind").collect(engine="streaming")
    )  # fmt: skip
    if bars.is_empty():
        return None
    frame = bars.select(
        (pl.col("bucket") * width).alias("t0_ns"), ((pl.col("bucket") + 1) * width).alias("t1_ns"), "kind",
        pl.col("size_lots").alias("value"),
    )  # fmt: skip
    present = {kind: colour for kind, colour in _PURPOSES.items() if kind in set(frame["kind"])}
    return charts.bars_over_time(frame, axis_of(record), f"volume [{instrument.underlying}]", present)


def _events(record: RunRecord) -> Markup:
    """What happened apart from changes of state, which are bands of the charts."""
    every = record.table("events", "t_ns", "event", "subject", "detail")
    if every is None:
        return markup.empty("Nothing was scheduled and nothing changed state: the table of events is empty.")
    frame = every.filter(pl.col("event") != "state")
    changes = every.height - frame.height
    told = f"{numbers.count(changes)} changes of state are drawn as bands over the price." if changes else ""
    if frame.is_empty():
        return markup.join([markup.heading("Events"), markup.paragraph(told, kind="note")])
    rows = [
        (record.instant(t), event, subject, _in_words(detail))
        for t, event, subject, detail in frame.head(_MOST_EVENTS).rows()
    ]
    columns = [words("When [UTC]"), words("Event"), words("Subject"), words("Detail")]
    note = markup.left_out(len(rows), frame.height, "events", "in the order of time")
    below = markup.paragraph(told, kind="note") if told else ""
    return markup.join([markup.heading("Events"), markup.table(columns, rows), note, below])


def _in_words(detail: str | None) -> str:
    """The detail of an event without its braces: `size -0.08`."""
    said = as_map(detail)
    return ", ".join(f"{name} {value}" for name, value in said.items()) if said else str(detail or "")


def _deviations(marks: pl.DataFrame) -> Markup:
    """A table of how far mid, premium and mark were from the index."""
    kept = {"mid against index": "mid_bps", "premium": "premium_bps", "mark against index (basis)": "mark_bps"}
    rows = [
        (market, name, *_spread(own[column]))
        for (market,), own in marks.group_by("market", maintain_order=True)
        for name, column in kept.items()
        if own[column].is_not_null().any()
    ]
    if not rows:
        return Markup("")
    columns = [
        words("Market"), words("Quantity"), Heading("Mean [bps]"), Heading("Median |x| [bps]"),
        Heading("Lowest [bps]"), Heading("Highest [bps]"),
    ]  # fmt: skip
    return markup.table(columns, rows)


def _spread(values: pl.Series) -> tuple[str, ...]:
    present = values.drop_nulls().drop_nans()
    if present.is_empty():
        return (numbers.ABSENT,) * 4
    figures = present.mean(), present.abs().median(), present.min(), present.max()
    return tuple(numbers.short(float(value)) for value in figures)  # type: ignore[arg-type]
