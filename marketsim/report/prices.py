"""Prices of each market: index, mark and mid with the rebalances marked, volume by purpose, and the basis."""

from __future__ import annotations

import json

import polars as pl

from marketsim.report import charts, markup, numbers
from marketsim.report.charts import Line, Points, TimeAxis
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.record import RunRecord

_MOST_MARKETS = 6
_MOST_MARKS = 300
_MOST_EVENTS = 30
_VOLUME_BARS = 144
_PURPOSES = {"other trades": charts.SKY, "rebalances": charts.BLUE, "liquidations": charts.RED}


def axis_of(record: RunRecord) -> TimeAxis:
    """The time axis all charts of a run share."""
    return TimeAxis(record.start_ns, record.duration_ns)


def prices(record: RunRecord) -> Markup:
    """Index, mark and mid of each market, its volume, and the events of the run."""
    marks = record.table("marks", "t_ns", "market", "index_price", "mark_price", "mid_price")
    if marks is None:
        body = markup.empty("No prices were recorded: the table of marks is empty.")
        return markup.section("prices", "Prices", body, _events(record))
    markets = list(marks.group_by("market", maintain_order=True))
    pieces = [_markets_left_out(len(markets))]
    for (market,), frame in markets[:_MOST_MARKETS]:
        pieces += [markup.heading(str(market)), _price(record, str(market), frame), _volume(record, str(market))]
    return markup.section("prices", "Prices", *pieces, _events(record))


def _markets_left_out(markets: int) -> Markup:
    return markup.left_out(min(markets, _MOST_MARKETS), markets, "markets", "the first ones", verb="drawn")


def _price(record: RunRecord, market: str, frame: pl.DataFrame) -> Markup:
    lines = [
        Line("index", frame, "index_price", charts.PALE, width=3.4),
        Line("mid", frame, "mid_price", charts.ORANGE, width=1.8),
        Line("mark", frame, "mark_price", charts.BLUE, width=1.0),
    ]
    points = rebalance_points(record, market, "arrival_mid")
    drawing = charts.over_time(
        lines, axis_of(record), f"price [{record.of(market).asset}]", points=points, height=280, form=",~r"
    )
    caption = f"{market}: index, mid and mark price; their distance is shown under Basis."
    caption += " Triangles are rebalances at their decision." if points else ""
    return markup.figure(drawing, caption)


def rebalance_points(record: RunRecord, market: str, height: str, token: str | None = None) -> list[Points]:
    """The rebalances of a market (of one token, where named) as marks at the value of a column; the largest 300."""
    frame = record.table("rebalances", "token", "market", "t_decide_ns", "target_lots", "filled_lots", height)
    if frame is None:
        return []
    chosen = frame.filter((pl.col("market") == market) & pl.col(height).is_not_null())
    if token is not None:
        chosen = chosen.filter(pl.col("token") == token)
    chosen = chosen.sort(pl.col("target_lots").abs(), descending=True).head(_MOST_MARKS)
    made = []
    for name, side, colour, shape in (
        ("rebalance buys", pl.col("target_lots") > 0, charts.GREEN, "triangle-up"),
        ("rebalance sells", pl.col("target_lots") < 0, charts.RED, "triangle-down"),
    ):
        rows = chosen.filter(side)
        if rows.height:
            made.append(Points(name, rows["t_decide_ns"].to_list(), rows[height].to_list(), colour, shape))
    return made


def _volume(record: RunRecord, market: str) -> Markup:
    trades, instrument = record.scan("trades"), record.of(market)
    if trades is None:
        return markup.empty(f"No trades of {market} were recorded, so its volume is not drawn.")
    width = max(1, -(-record.duration_ns // _VOLUME_BARS))
    taker, maker = pl.col("taker_purpose"), pl.col("maker_purpose")
    either = [pl.any_horizontal(taker == one, maker == one) for one in ("rebalance", "liquidation")]
    kind = pl.when(either[0]).then(pl.lit("rebalances")).when(either[1]).then(pl.lit("liquidations"))
    bars = (
        trades.filter(pl.col("market") == market)
        .group_by((pl.col("t_ns") // width).alias("bucket"), kind.otherwise(pl.lit("other trades")).alias("kind"))
        .agg(pl.col("size_lots").sum() * instrument.lot).sort("bucket", "kind").collect(engine="streaming")
    )  # fmt: skip
    if bars.is_empty():
        return markup.empty(f"{market} had no trades.")
    frame = bars.select(
        (pl.col("bucket") * width).alias("t0_ns"), ((pl.col("bucket") + 1) * width).alias("t1_ns"), "kind",
        pl.col("size_lots").alias("value"),
    )  # fmt: skip
    present = {kind: colour for kind, colour in _PURPOSES.items() if kind in set(frame["kind"])}
    drawing = charts.bars_over_time(frame, axis_of(record), f"volume [{instrument.underlying}]", present)
    caption = f"{market}: volume in intervals of {numbers.duration(width)}, by the purpose of taker or maker."
    return markup.figure(drawing, caption)


def _events(record: RunRecord) -> Markup:
    frame = record.table("events", "t_ns", "event", "subject", "detail")
    if frame is None:
        return markup.empty("Nothing was scheduled and nothing changed state: the table of events is empty.")
    rows = [
        (record.instant(t), event, subject, _in_words(detail))
        for t, event, subject, detail in frame.head(_MOST_EVENTS).rows()
    ]
    columns = [words("When [UTC]"), words("Event"), words("Subject"),
               words("Detail")]  # fmt: skip
    note = markup.left_out(len(rows), frame.height, "events", "in the order of time")
    return markup.join([markup.heading("Events"), markup.table(columns, rows), note])


def _in_words(detail: str | None) -> str:
    """The detail of an event without its braces: `size -0.08`, `from TRADING, to REBALANCING`."""
    try:
        said = json.loads(detail or "{}")
    except ValueError:
        return str(detail or "")
    return ", ".join(f"{name} {value}" for name, value in said.items()) if isinstance(said, dict) else str(said)


def basis(record: RunRecord) -> Markup:
    """Mark and mid against the index, and the premium that funding averages, in basis points."""
    marks = record.table("marks", "t_ns", "market", "index_price", "mark_price", "mid_price", "premium")
    if marks is None:
        return markup.section(
            "basis", "Basis and premium", markup.empty("No prices were recorded, so there is no basis.")
        )
    per_index = pl.col("index_price") / 1e4
    marks = marks.with_columns(
        mark_basis=(pl.col("mark_price") - pl.col("index_price")) / per_index,
        mid_basis=(pl.col("mid_price") - pl.col("index_price")) / per_index,
        premium_bps=pl.col("premium") * 1e4,
    )
    markets = list(marks.group_by("market", maintain_order=True))
    pieces = [_markets_left_out(len(markets))]
    rows: list[tuple[object, ...]] = []
    for (market,), frame in markets[:_MOST_MARKETS]:
        lines = [
            Line("mid against index", frame, "mid_basis", charts.ORANGE),
            Line("premium", frame, "premium_bps", charts.PURPLE),
            Line("mark against index (basis)", frame, "mark_basis", charts.BLUE),
        ]
        has_premium = frame["premium_bps"].is_not_null().any()  # a spot market has none
        lines = lines if has_premium else [lines[0], lines[2]]
        drawing = charts.over_time(lines, axis_of(record), "of the index [bps]", zero=True, form=",~r")
        drawn = "basis, mid against index, and premium" if has_premium else "basis, and mid against index"
        pieces.append(markup.figure(drawing, f"{market}: {drawn}, in bps of the index."))
        for line in lines:
            rows.append((market, line.name, *_spread(frame[line.value])))
    columns = [
        words("Market"), words("Quantity"), Heading("Mean [bps]"), Heading("Median |x| [bps]"),
        Heading("Lowest [bps]"), Heading("Highest [bps]"),
    ]  # fmt: skip
    return markup.section("basis", "Basis and premium", *pieces, markup.table(columns, rows))


def _spread(values: pl.Series) -> tuple[str, ...]:
    present = values.drop_nulls().drop_nans()
    if present.is_empty():
        return (numbers.ABSENT,) * 4
    figures = present.mean(), present.abs().median(), present.min(), present.max()
    return tuple(numbers.short(float(value)) for value in figures)  # type: ignore[arg-type]
