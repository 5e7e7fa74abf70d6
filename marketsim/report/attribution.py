"""Why each token's equity and NAV changed: seven parts of equity that add up to the atom, and NAV as a waterfall."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from marketsim.report import charts, markup, numbers
from marketsim.report.charts import Step
from marketsim.report.embedding import figure
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
_OF_NAV = {
    "beta_term": "price", "variance_term": "volatility", "residual": "leverage drift", "funding_term": "funding",
    "fee_term": "management fee", "cost_term": "rebalancing cost",
}  # fmt: skip
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
    """A table of the parts per token with its check, and a waterfall of NAV for each of the twelve largest."""
    sums = attributions(record)
    if not sums:
        return markup.section(
            "attribution", "Attribution", markup.empty("There is no token whose equity could be attributed.")
        )
    pieces = [_table(record, sums)]
    nav, equity = nav_waterfall(record), equity_waterfall(record)
    if nav is not None:
        told = (
            "From the first to the last NAV of each token, in % of the first. Price: target leverage times the log "
            "return of the mark. Volatility: what resetting to the target costs on a path that turns. Leverage drift: "
            "leverage off its target between resets. Funding is what financing the position cost or brought. "
            "Rebalancing cost: fees, and slippage against the mark."
        )
        pieces.append(figure(nav, f"{told} The steps multiply up to the last NAV; the axis is cut."))
    if equity is not None:
        pieces.append(figure(equity, "From opening to closing equity, in % of the opening; the axis is cut."))
    note = markup.left_out(
        min(len(sums), _MOST_TOKENS), len(sums), "tokens", "those with the most opening equity", verb="drawn"
    )
    return markup.section("attribution", "Attribution", *pieces, note)


def attributions(record: RunRecord) -> list[TokenAttribution]:
    """The parts of each token over the run."""
    frame = record.table("attribution")
    if frame is None:
        return []
    rows = (
        frame.sort("t0_ns").group_by(pl.col("token"), maintain_order=True)
        .agg(pl.col("opening_atoms").first(), pl.col("closing_atoms").last(), _breaks().alias("breaks"),
             *(pl.col(name).sum() for name in _PARTS))
        .iter_rows()
    )  # fmt: skip
    return [
        TokenAttribution(token, opening, tuple(parts), closing, breaks)
        for token, opening, closing, breaks, *parts in rows
    ]


def _drawn(record: RunRecord) -> list[TokenAttribution]:
    sums = attributions(record)
    largest = sorted((one for one in sums if one.opening), key=lambda one: -abs(one.opening))[:_MOST_TOKENS]
    return [one for one in sums if one in largest]


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


def nav_parts(record: RunRecord, token: str) -> Mapping[str, float] | None:
    """The parts of a token's log return over the run, which add up to it; None where one of them is not known."""
    frame = record.table("decay")
    own = None if frame is None else frame.filter(pl.col("token") == token)
    if own is None or own.is_empty() or own.select(*_OF_NAV).null_count().sum_horizontal().sum():
        return None
    return {part: math.fsum(own[column]) for column, part in _OF_NAV.items()}


def nav_waterfall(record: RunRecord, tokens: Sequence[str] | None = None) -> Any | None:
    """From the first to the last NAV of tokens, in % of the first, a panel each; None where no parts are known.

    Each step multiplies NAV by the exponential of its part of the log return, so that the last level is the last NAV.
    """
    chosen = [one.token for one in _drawn(record)] if tokens is None else tokens
    known = {token: parts for token in chosen if (parts := nav_parts(record, token)) is not None}
    made = {token: _levels(_products(parts)) for token, parts in known.items()}
    return charts.waterfall(made, "NAV [% of the first]") if made else None


def equity_waterfall(record: RunRecord) -> Any | None:
    """From opening to closing equity, a panel each, of tokens whose NAV cannot be taken apart; None without any."""
    made = {one.token: _levels(_sums(one)) for one in _drawn(record) if nav_parts(record, one.token) is None}
    return charts.waterfall(made, "equity [% of the opening]") if made else None


def _products(parts: Mapping[str, float]) -> dict[str, float]:
    """Steps in per cent of the first level, from parts of a log return."""
    at, steps = 0.0, {}
    for part, term in parts.items():
        steps[part] = 100 * (math.exp(at + term) - math.exp(at))
        at += term
    return steps


def _sums(one: TokenAttribution) -> dict[str, float]:
    return {name: 100.0 * atoms / one.opening for name, atoms in zip(_PARTS.values(), one.parts, strict=True)}


def _levels(steps: Mapping[str, float]) -> list[Step]:
    """Bars from 100 to where the steps lead; the two levels begin at the cut axis."""
    bars, at = [], 100.0
    for name, step in steps.items():
        kind = "gain" if step >= 0 else "loss"
        bars.append(Step(name, min(at, at + step), max(at, at + step), kind, _step(step)))
        at += step
    floor = min([at, *(bar.low for bar in bars)])
    reach = max([100.0, at, *(bar.high for bar in bars)]) - floor
    bottom = min(floor, 100.0) - 0.08 * (reach or 1.0)
    first = Step("first", bottom, 100.0, "level", "100")
    return [first, *bars, Step("last", bottom, at, "level", numbers.plain(at, 5))]


def _step(percent: float) -> str:
    """A waterfall's label: per cent, or basis points where per cent would read as zero."""
    if percent == 0:
        return "0"
    sign = "+" if percent > 0 else ""
    return f"{sign}{numbers.percent(percent / 100)}" if abs(percent) >= 0.1 else f"{sign}{numbers.bps(percent / 100)}"
