"""Funding: the rate of each settlement and who paid whom."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import polars as pl

from marketsim.report import charts, markup, numbers
from marketsim.report.embedding import figure
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.prices import axis_of
from marketsim.report.record import RunRecord
from marketsim.report.series import thin

_MOST_ROWS = 24
_SIDES = {"longs pay shorts": charts.BLUE, "shorts pay longs": charts.ORANGE}


def funding(record: RunRecord) -> Markup:
    """The rate of each settlement, the settlements themselves, and what each cohort paid or received."""
    frame = record.table("funding")
    if frame is None:
        return markup.section("funding", "Funding", markup.empty("Funding was never settled in this run."))
    pieces: list[Markup] = []
    for (market,), own in frame.sort("t_ns").group_by("market", maintain_order=True):
        caption = f"{market}: funding rate of each settlement; a bar ends at the settlement of its interval."
        pieces.append(figure(funding_chart(record, own), caption))
    return markup.section("funding", "Funding", *pieces, _settlements(record, frame), _payments(record))


def funding_chart(record: RunRecord, frame: pl.DataFrame) -> Any:
    """The rate of each settlement of a market, given its rows of the table `funding` in the order of time."""
    instants = frame["t_ns"].to_list()
    drawn = thin(frame, "t_ns", "rate")
    gap = min((later - earlier for earlier, later in pairwise(instants)), default=instants[0])
    side = pl.when(pl.col("rate") >= 0).then(pl.lit("longs pay shorts")).otherwise(pl.lit("shorts pay longs"))
    bars = drawn.select(
        (pl.col("t_ns") - gap * 9 // 10).alias("t0_ns"), pl.col("t_ns").alias("t1_ns"), side.alias("kind"),
        (pl.col("rate") * 1e4).alias("value"),
    )  # fmt: skip
    present = {kind: colour for kind, colour in _SIDES.items() if kind in set(bars["kind"])}
    return charts.bars_over_time(bars, axis_of(record), "funding rate [bps]", present, form=",~r", height=150)


def _settlements(record: RunRecord, frame: pl.DataFrame) -> Markup:
    largest = frame.sort(pl.col("rate").abs(), descending=True).head(_MOST_ROWS).sort("t_ns")
    columns = [
        words("Settled [UTC]"), words("Market"), Heading("Rate"), Heading("Mean premium"),
        Heading("Mark"), Heading("Longs paid"), Heading("Shorts received"), Heading("Atoms per lot"),
    ]  # fmt: skip
    rows = []
    for row in largest.to_dicts():
        instrument = record.of(row["market"])
        rows.append(
            (
                record.instant(row["t_ns"]),
                row["market"],
                numbers.bps(row["rate"]),
                numbers.bps(row["mean_premium"]),
                numbers.price(row["mark_price"], instrument.tick),
                numbers.money(row["paid_by_longs_atoms"], instrument.asset),
                numbers.money(row["received_by_shorts_atoms"], instrument.asset),
                numbers.atoms(row["atoms_per_lot"]),
            )
        )
    note = markup.left_out(len(rows), frame.height, "settlements", "those with the largest rates")
    return markup.join([markup.heading("Settlements"), markup.table(columns, rows), note])


def _payments(record: RunRecord) -> Markup:
    ledger = record.table("ledger", "entry", "asset", "from_cohort", "to_cohort", "atoms")
    own = None if ledger is None else ledger.filter(pl.col("entry") == "funding")
    if own is None or own.is_empty():
        return markup.empty("The ledger has no funding payments by cohort.")
    paid = own.group_by(pl.col("from_cohort").alias("cohort"), "asset").agg(pl.col("atoms").sum().alias("paid"))
    got = own.group_by(pl.col("to_cohort").alias("cohort"), "asset").agg(pl.col("atoms").sum().alias("got"))
    both = paid.join(got, on=["cohort", "asset"], how="full", coalesce=True).fill_null(0)
    rows = [
        (cohort, numbers.money(out, asset), numbers.money(into, asset), numbers.money(into - out, asset, sign=True))
        for cohort, asset, out, into in both.sort(pl.col("got") - pl.col("paid"), "cohort").rows()
        if cohort is not None
    ]
    columns = [words("Cohort"), Heading("Paid"), Heading("Received"), Heading("Net")]
    return markup.join([markup.heading("Who paid, who received"), markup.table(columns, rows)])
