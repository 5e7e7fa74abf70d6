"""Liquidations and deleveragings: when, how large, of which cohort, and which came in cascades."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from marketsim.report import charts, markup, numbers
from marketsim.report.embedding import figure
from marketsim.report.explanations import explanations
from marketsim.report.insurance import insurance
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.prices import axis_of
from marketsim.report.record import RunRecord

_MOST_ROWS = 20
_MOST_CASCADES = 10
_MOST_EXPLAINED = 3
_MOST_COLOURS = 7
_MOST_CIRCLES = 2_000


def liquidations(record: RunRecord) -> Markup:
    """Liquidations over time, per cohort, in cascades, the largest; then the deleveragings."""
    frame = record.table("liquidations")
    if frame is None:
        body = markup.empty("Nobody was liquidated.")
        return markup.section("liquidations", "Liquidations", *_queued(record), body, _deleveragings(record))
    frame = with_notional(record, frame)
    pieces = [
        *_queued(record), _drawing(record, frame), _per_cohort(record, frame), insurance(record),
        _cascades(record, frame), _largest(record, frame),
    ]  # fmt: skip
    return markup.section("liquidations", "Liquidations", *pieces, _deleveragings(record))


def _queued(record: RunRecord) -> list[Markup]:
    """A paragraph on who still waited when the run ended; none where nobody did."""
    queued: Mapping[str, int] = record.manifest.get("liquidations_queued") or {}
    waiting = [f"{numbers.count(accounts)} in {market}" for market, accounts in queued.items() if accounts]
    if not waiting:
        return []
    sentence = (
        f"Accounts that still waited for liquidation at the end: {', '.join(waiting)}. Those that owe more than they "
        "hold are not closed yet, and their losses are nobody's yet."
    )
    return [markup.paragraph(sentence, kind="note")]


def with_notional(record: RunRecord, frame: pl.DataFrame) -> pl.DataFrame:
    """The table `liquidations` in the order of time with `number`, its row, and `notional` at the mark."""
    lots = {market: instrument.lot for market, instrument in record.instruments.items()}
    lot = pl.col("market").replace_strict(lots, default=1.0, return_dtype=pl.Float64)
    notional = pl.col("size_lots").abs() * lot * pl.col("mark_price")
    return frame.with_row_index("number").with_columns(notional=notional).sort("t_ns")


def _asset(record: RunRecord, frame: pl.DataFrame) -> str:
    assets = {record.of(market).asset for market in frame["market"].unique()}
    return assets.pop() if len(assets) == 1 else "each market's currency"


def _drawing(record: RunRecord, frame: pl.DataFrame) -> Markup:
    caption = "Liquidations over time, one circle each, by cohort; the height is the notional at mark, logarithmic."
    drawn = min(_MOST_CIRCLES, frame.height)
    note = markup.left_out(drawn, frame.height, "liquidations", "the largest", verb="drawn")
    return markup.join([figure(liquidations_chart(record, frame), caption), note])


def liquidations_chart(record: RunRecord, frame: pl.DataFrame) -> Any:
    """Liquidations as circles over time, given `with_notional`; the largest 2,000."""
    busiest = frame.group_by("cohort").len().sort("len", "cohort", descending=[True, False])["cohort"].to_list()
    named = busiest[:_MOST_COLOURS]
    if len(busiest) > len(named):
        named = busiest[: _MOST_COLOURS - 1]
    kind = pl.when(pl.col("cohort").is_in(named)).then(pl.col("cohort")).otherwise(pl.lit("other cohorts"))
    drawn = frame.sort("notional", descending=True).head(_MOST_CIRCLES)
    points = drawn.select("t_ns", kind.alias("kind"), pl.col("notional").alias("value"))
    others = ["other cohorts"] if len(busiest) > len(named) else []
    colours = dict(zip([*named, *others], charts.PALETTE, strict=False))
    return charts.bubbles_over_time(points, axis_of(record), f"notional [{_asset(record, frame)}]", colours)


def _per_cohort(record: RunRecord, frame: pl.DataFrame) -> Markup:
    sums = (
        frame.group_by("cohort", "market")
        .agg(
            pl.len().alias("count"), pl.col("account").n_unique().alias("accounts"), pl.col("notional").sum(),
            pl.col("leverage").median(), pl.col("fee_atoms").sum(), pl.col("insurance_atoms").sum(),
            pl.col("deleveraged_lots").abs().sum(), pl.col("solvent_at_index").cast(pl.Int64).sum().alias("solvent"),
            (pl.col("parent") >= 0).sum().alias("followed"),
        )
        .sort("notional", descending=True)
    )  # fmt: skip
    columns = [
        words("Cohort"), words("Market"), Heading("Liquidations"), Heading("Accounts"),
        Heading("Notional at mark"), Heading("Leverage, median"), Heading("Fees"),
        Heading("Insurance fund", "worth of what it took over, at the mark; fees apart, and what it made of it below"),
        Heading("Deleveraged"),
        Heading("Solvent at index", "would not have been liquidated had the mark been the index"),
        Heading("With a parent", "set off by a rebalance, a primary request or an earlier cascade"),
    ]  # fmt: skip
    rows = [_cohort_row(record, row) for row in sums.to_dicts()]
    return markup.join([markup.heading("By cohort"), markup.table(columns, rows)])


def _cohort_row(record: RunRecord, row: dict[str, Any]) -> tuple[object, ...]:
    instrument = record.of(str(row["market"]))
    return (
        row["cohort"],
        row["market"],
        numbers.count(row["count"]),
        numbers.count(row["accounts"]),
        numbers.scaled(row["notional"], instrument.asset),
        numbers.multiple(row["leverage"], sign=False),
        numbers.money(row["fee_atoms"], instrument.asset),
        numbers.money(row["insurance_atoms"], instrument.asset, sign=True),
        instrument.size(row["deleveraged_lots"]),
        numbers.count(row["solvent"]),
        numbers.count(row["followed"]),
    )


def _cascades(record: RunRecord, frame: pl.DataFrame) -> Markup:
    sizes = (
        frame.filter(pl.col("cascade") >= 0)
        .group_by("cascade", "market")
        .agg(
            pl.len().alias("count"),
            pl.col("t_ns").min().alias("first"),
            pl.col("t_ns").max().alias("last"),
            pl.col("notional").sum(),
            pl.col("mark_price").first().alias("from"),
            pl.col("mark_price").last().alias("to"),
        )
        .filter(pl.col("count") > 1)
        .sort("count", "notional", descending=True)
    )
    if sizes.is_empty():
        return markup.empty("No liquidation set off another: there was no cascade.")
    columns = [
        Heading("Cascade"), words("Began [UTC]"), words("Market"), Heading("Liquidations"),
        Heading("Notional at mark"), Heading("Lasted"), Heading("Mark, first to last"),
    ]  # fmt: skip
    shown = sizes.head(_MOST_CASCADES).to_dicts()
    rows = [
        (
            row["cascade"],
            record.instant(row["first"]),
            row["market"],
            numbers.count(row["count"]),
            numbers.scaled(row["notional"], record.of(str(row["market"])).asset),
            numbers.duration(row["last"] - row["first"]),
            numbers.percent(row["to"] / row["from"] - 1),
        )
        for row in shown
    ]
    note = markup.left_out(len(rows), sizes.height, "cascades", "the most liquidations first")
    return markup.join([markup.heading("Cascades"), markup.table(columns, rows), note])


def _largest(record: RunRecord, frame: pl.DataFrame) -> Markup:
    columns = [
        words("When [UTC]"),
        words("Cohort"),
        words("Market"),
        Heading("Size", "the position that was liquidated; + was long"),
        Heading("Notional at mark"),
        Heading("Leverage"),
        Heading("Entry"),
        Heading("Mark"),
        Heading("Bankruptcy price"),
        Heading("Vwap"),
        Heading("Insurance fund"),
        words("Stage"),
    ]
    rows = []
    for row in frame.sort("notional", descending=True).head(_MOST_ROWS).to_dicts():
        one = record.of(str(row["market"]))
        rows.append((
            record.instant(row["t_ns"]), row["cohort"], row["market"], one.size(row["size_lots"], sign=True),
            numbers.scaled(row["notional"], one.asset), numbers.multiple(row["leverage"], sign=False),
            *(numbers.price(row[name], one.tick) for name in ("entry_price", "mark_price", "bankruptcy_price", "vwap")),
            numbers.money(row["insurance_atoms"], one.asset, sign=True), row["stage"],
        ))  # fmt: skip
    note = markup.left_out(len(rows), frame.height, "liquidations", "the largest notional first")
    numbered = frame.sort("notional", descending=True).head(_MOST_EXPLAINED)["number"]
    why = explanations(record, "liquidations", numbered)
    return markup.join([markup.heading("The largest"), markup.table(columns, rows), note, why])


def _deleveragings(record: RunRecord) -> Markup:
    frame = record.table("deleveragings")
    title = markup.heading("Deleveragings")
    if frame is None:
        return markup.join([title, markup.empty("Nobody was deleveraged: the insurance fund was never exhausted.")])
    columns = [
        words("When [UTC]"), words("Cohort"), words("Market"), Heading("Size", "change of the position; + is buy"),
        Heading("Price"), Heading("Rank"), Heading("Cascade"),
    ]  # fmt: skip
    largest = frame.sort(pl.col("size_lots").abs(), descending=True).head(_MOST_ROWS)
    rows = [
        (
            record.instant(row["t_ns"]),
            row["cohort"],
            row["market"],
            record.of(row["market"]).size(row["size_lots"], sign=True),
            numbers.price(row["price"], record.of(row["market"]).tick),
            numbers.count(row["rank"]),
            row["cascade"] if row["cascade"] >= 0 else numbers.ABSENT,
        )
        for row in largest.to_dicts()
    ]
    note = markup.left_out(len(rows), frame.height, "deleveragings", "the largest first")
    return markup.join([title, markup.table(columns, rows), note])
