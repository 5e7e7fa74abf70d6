"""Where each token's equity came from and went: seven parts that add up, to the atom."""

from __future__ import annotations

from typing import Any

import polars as pl

from marketsim.report import charts, markup, numbers
from marketsim.report.markup import Column, Markup, words
from marketsim.report.record import RunRecord

_PARTS = {
    "index_atoms": "index",
    "basis_atoms": "basis",
    "funding_atoms": "funding",
    "management_fee_atoms": "management fee",
    "trading_fee_atoms": "trading fee",
    "slippage_atoms": "slippage",
    "primary_atoms": "primary",
}
_MOST_TOKENS = 12


def attribution(record: RunRecord) -> Markup:
    """A table of the parts per token with its check, and a waterfall for each of the twelve largest."""
    frame = record.table("attribution")
    if frame is None:
        return markup.section(
            "attribution", "Attribution", markup.empty("There is no token whose equity could be attributed.")
        )
    sums = (
        frame.sort("t0_ns").group_by(pl.col("token"), maintain_order=True)
        .agg(pl.col("opening_atoms").first(), *(pl.col(name).sum() for name in _PARTS), pl.col("closing_atoms").last(),
             _breaks().alias("breaks"))
        .to_dicts()
    )  # fmt: skip
    drawn = sorted((one for one in sums if one["opening_atoms"]), key=lambda one: -abs(one["opening_atoms"]))[
        :_MOST_TOKENS
    ]
    figures = [_waterfall(record, one) for one in sums if one in drawn]
    note = markup.left_out(len(drawn), len(sums), "tokens", "those with the most opening equity", verb="drawn")
    return markup.section("attribution", "Attribution", _table(record, sums), markup.side_by_side(figures), note)


def _breaks() -> pl.Expr:
    """The intervals of a token that do not add up, or do not open where the one before closed."""
    parts = pl.sum_horizontal("opening_atoms", *_PARTS)
    opens_elsewhere = (pl.col("opening_atoms") != pl.col("closing_atoms").shift(1)).fill_null(False)
    return ((parts != pl.col("closing_atoms")) | opens_elsewhere).sum()


def _residual(one: dict[str, Any]) -> int:
    return int(one["closing_atoms"] - one["opening_atoms"] - sum(one[name] for name in _PARTS))


def _table(record: RunRecord, sums: list[dict[str, Any]]) -> Markup:
    columns = [
        words("Token"), Column("Opening"), *(Column(name.capitalize()) for name in _PARTS.values()),
        Column("Closing"), Column("Check", "closing - opening - parts, in atoms, over the run and in every interval"),
    ]  # fmt: skip
    rows, wrong = [], []
    for one in sums:
        asset, residual = record.asset_of(one["token"]), _residual(one)
        whole = residual == 0 and one["breaks"] == 0
        check = "adds up" if whole else "DOES NOT ADD UP"
        if not whole:
            wrong.append(
                markup.paragraph(
                    f"{one['token']} does not add up: {numbers.atoms(residual)} atoms over the run, and"
                    f" {one['breaks']} of its intervals do not close, or do not open where the one before closed.",
                    kind="alarm",
                )
            )
        rows.append((
            one["token"], numbers.money(one["opening_atoms"], asset),
            *(numbers.money(one[name], asset, sign=True) for name in _PARTS),
            numbers.money(one["closing_atoms"], asset), check,
        ))  # fmt: skip
    return markup.join([markup.table(columns, rows), *wrong])


def _waterfall(record: RunRecord, one: dict[str, Any]) -> Markup:
    opening = one["opening_atoms"]
    bars: list[dict[str, Any]] = [{"part": "opening", "low": 99.0, "high": 100.0, "kind": "level", "label": "100"}]
    at = 100.0
    for name, part in _PARTS.items():
        step = 100.0 * one[name] / opening
        low, high, kind = min(at, at + step), max(at, at + step), "gain" if step >= 0 else "loss"
        bars.append({"part": part, "low": low, "high": high, "kind": kind, "label": _step(step)})
        at += step
    bars.append({"part": "closing", "low": at, "high": at, "kind": "level", "label": numbers.plain(at, 4)})
    floor = min(bar["low"] for bar in bars[1:])
    reach = max(bar["high"] for bar in bars) - floor
    bottom = min(floor, 100.0) - 0.08 * (reach or 1.0)
    bars[0]["low"] = bars[-1]["low"] = bottom
    drawing = charts.waterfall(bars, "equity [% of the opening]")
    start = numbers.money(opening, record.asset_of(one["token"]))
    caption = f"{one['token']}: from opening to closing equity, in % of the opening ({start}); the axis is cut."
    return markup.figure(drawing, caption, half=True)


def _step(percent: float) -> str:
    """A waterfall's label: per cent, or basis points where per cent would read as zero."""
    if percent == 0:
        return "0"
    sign = "+" if percent > 0 else ""
    return f"{sign}{numbers.percent(percent / 100)}" if abs(percent) >= 0.1 else f"{sign}{numbers.bps(percent / 100)}"
