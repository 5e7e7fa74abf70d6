"""The attribution of each token's change of equity: seven parts that add up to the atom."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from marketsim.report import charts, markup, numbers
from marketsim.report.charts import Step
from marketsim.report.markup import Heading, Markup, words
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


@dataclass(frozen=True)
class TokenAttribution:
    """A token's opening and closing equity [atoms], the parts in the order of `_PARTS`, and intervals that break."""

    token: str
    opening: int
    parts: tuple[int, ...]
    closing: int
    breaks: int

    @property
    def residual(self) -> int:
        """What the parts leave unexplained [atoms]."""
        return self.closing - self.opening - sum(self.parts)


def attribution(record: RunRecord) -> Markup:
    """A table of the parts per token with its check, and a waterfall for each of the twelve largest."""
    frame = record.table("attribution")
    if frame is None:
        return markup.section(
            "attribution", "Attribution", markup.empty("There is no token whose equity could be attributed.")
        )
    rows = (
        frame.sort("t0_ns").group_by(pl.col("token"), maintain_order=True)
        .agg(pl.col("opening_atoms").first(), pl.col("closing_atoms").last(), _breaks().alias("breaks"),
             *(pl.col(name).sum() for name in _PARTS))
        .iter_rows()
    )  # fmt: skip
    sums = [
        TokenAttribution(token, opening, tuple(parts), closing, breaks)
        for token, opening, closing, breaks, *parts in rows
    ]
    drawn = sorted((one for one in sums if one.opening), key=lambda one: -abs(one.opening))[:_MOST_TOKENS]
    figures = [_waterfall(record, one) for one in sums if one in drawn]
    note = markup.left_out(len(drawn), len(sums), "tokens", "those with the most opening equity", verb="drawn")
    return markup.section("attribution", "Attribution", _table(record, sums), markup.side_by_side(figures), note)


def _breaks() -> pl.Expr:
    """The intervals of a token that do not add up, or do not open where the one before closed."""
    parts = pl.sum_horizontal("opening_atoms", *_PARTS)
    opens_elsewhere = (pl.col("opening_atoms") != pl.col("closing_atoms").shift(1)).fill_null(False)
    return ((parts != pl.col("closing_atoms")) | opens_elsewhere).sum()


def _table(record: RunRecord, sums: list[TokenAttribution]) -> Markup:
    columns = [
        words("Token"), Heading("Opening"), *(Heading(name.capitalize()) for name in _PARTS.values()),
        Heading("Closing"), Heading("Check", "closing - opening - parts, in atoms, over the run and in every interval"),
    ]  # fmt: skip
    rows, wrong = [], []
    for one in sums:
        asset = record.asset_of(one.token)
        whole = one.residual == 0 and one.breaks == 0
        check = "adds up" if whole else "DOES NOT ADD UP"
        if not whole:
            wrong.append(
                markup.paragraph(
                    f"{one.token} does not add up: {numbers.atoms(one.residual)} atoms over the run, and"
                    f" {one.breaks} of its intervals do not close, or do not open where the one before closed.",
                    kind="alarm",
                )
            )
        rows.append((
            one.token, numbers.money(one.opening, asset),
            *(numbers.money(part, asset, sign=True) for part in one.parts),
            numbers.money(one.closing, asset), check,
        ))  # fmt: skip
    return markup.join([markup.table(columns, rows), *wrong])


def _waterfall(record: RunRecord, one: TokenAttribution) -> Markup:
    """Bars from the opening to the closing equity, in % of the opening; the two levels begin at the cut axis."""
    parts, at = [], 100.0
    for name, atoms in zip(_PARTS.values(), one.parts, strict=True):
        step = 100.0 * atoms / one.opening
        kind = "gain" if step >= 0 else "loss"
        parts.append(Step(name, min(at, at + step), max(at, at + step), kind, _step(step)))
        at += step
    floor = min([at, *(part.low for part in parts)])
    reach = max([100.0, at, *(part.high for part in parts)]) - floor
    bottom = min(floor, 100.0) - 0.08 * (reach or 1.0)
    opening = Step("opening", bottom, 100.0, "level", "100")
    closing = Step("closing", bottom, at, "level", numbers.plain(at, 4))
    drawing = charts.waterfall([opening, *parts, closing], "equity [% of the opening]")
    start = numbers.money(one.opening, record.asset_of(one.token))
    caption = f"{one.token}: from opening to closing equity, in % of the opening ({start}); the axis is cut."
    return markup.figure(drawing, caption, half=True)


def _step(percent: float) -> str:
    """A waterfall's label: per cent, or basis points where per cent would read as zero."""
    if percent == 0:
        return "0"
    sign = "+" if percent > 0 else ""
    return f"{sign}{numbers.percent(percent / 100)}" if abs(percent) >= 0.1 else f"{sign}{numbers.bps(percent / 100)}"
