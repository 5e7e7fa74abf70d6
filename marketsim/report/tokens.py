"""The tokens: leverage against target, NAV, equity, and the prices at which they reset next, drawn side by side."""

from __future__ import annotations

from typing import Any

import polars as pl

from marketsim.report import charts, markup, numbers
from marketsim.report.charts import Line, Points
from marketsim.report.embedding import figure
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.prices import axis_of, rebalance_points
from marketsim.report.record import RunRecord
from marketsim.report.spans import tokens_of

MOST_TOKENS = 12
_ATOMS = 1e8
_MOST_MARKS = 900
"""Triangles of all panels together."""

_SIGHT_BPS = 4_000  # triggers farther from the mark than this are no news: a fund without a position has them


def tokens(record: RunRecord) -> Markup:
    """A table of all tokens; small multiples of leverage and triggers, and NAV of all in one, of the largest twelve."""
    frame = record.table("tokens")
    if frame is None:
        return markup.section("tokens", "Tokens", markup.empty("This run has no tokens."))
    ids = frame["token"].unique(maintain_order=True).to_list()
    drawn = largest_tokens(record)
    pieces = [_table(record, {token: frame.filter(pl.col("token") == token).sort("t_ns") for token in ids})]
    pieces += [markup.empty(f"{token} had no units, so no leverage.") for token in drawn if not _has(frame, token)]
    captions = {
        nav_chart: "NAV per token of each token, its first value as 100.",
        leverage_chart: "Leverage of each token and its target; triangles are rebalances.",
        triggers_chart: "How far the mark is from the price of the last reset, and the moves at which a token resets "
        "before its time.",
        equity_chart: "Equity of each fund, where units were created or redeemed.",
    }
    for make, caption in captions.items():
        chart = make(record)
        pieces += [figure(chart, caption)] if chart is not None else []
    pieces.append(markup.left_out(len(drawn), len(ids), "tokens", "those with the most equity", verb="drawn"))
    return markup.section("tokens", "Tokens", *pieces)


def largest_tokens(record: RunRecord) -> list[str]:
    """The twelve tokens with the most equity at the start, in their order."""
    frame = record.table("tokens", "t_ns", "token", "equity_atoms")
    if frame is None:
        return []
    first = frame.sort("t_ns", maintain_order=True).group_by("token", maintain_order=True).first()
    largest = set(first.sort(pl.col("equity_atoms").abs(), descending=True).head(MOST_TOKENS)["token"])
    return [token for token in first["token"] if token in largest]


def _has(frame: pl.DataFrame, token: str) -> bool:
    return frame.filter(pl.col("token") == token)["leverage"].is_not_null().any()


def _each(record: RunRecord) -> dict[str, pl.DataFrame]:
    frame = record.table("tokens")
    assert frame is not None
    return {token: frame.filter(pl.col("token") == token).sort("t_ns") for token in largest_tokens(record)}


def _table(record: RunRecord, each: dict[str, pl.DataFrame]) -> Markup:
    columns = [
        words("Token"), Heading("Target"), Heading("Leverage, first to last"),
        Heading("Lowest to highest", "leverage between the first and last snapshot"), Heading("NAV, first to last"),
        Heading("NAV change"), Heading("Equity, first to last"), Heading("Resets", "rebalances that were decided"),
        words("State"),
    ]  # fmt: skip
    resets = _reset_counts(record)
    rows = []
    for token, frame in each.items():
        first, last = frame.row(0, named=True), frame.row(-1, named=True)
        leverage, asset = frame["leverage"].drop_nulls(), record.asset_of(token)
        low_high = (float(leverage.min()), float(leverage.max())) if leverage.len() else (None, None)  # type: ignore[arg-type]
        change = last["nav"] / first["nav"] - 1 if first["nav"] and last["nav"] is not None else None
        rows.append((
            token, numbers.multiple(last["target_leverage"]),
            f"{numbers.multiple(first['leverage'])} → {numbers.multiple(last['leverage'])}",
            f"{numbers.multiple(low_high[0])} … {numbers.multiple(low_high[1])}",
            f"{numbers.plain(first['nav'], 5)} → {numbers.plain(last['nav'], 5)}", numbers.percent(change),
            f"{numbers.money(first['equity_atoms'], asset)} → {numbers.money(last['equity_atoms'], asset)}",
            resets.get(token, 0), last["state"] or numbers.ABSENT,
        ))  # fmt: skip
    return markup.table(columns, rows)


def _reset_counts(record: RunRecord) -> dict[str, int]:
    frame = record.table("rebalances", "token")
    if frame is None:
        return {}
    return {str(token): int(count) for token, count in frame.group_by("token").len().rows()}


def nav_chart(record: RunRecord) -> Any | None:
    """NAV per token, the first value as 100: all in one, or small multiples of more than the palette tells apart."""
    several = len(largest_tokens(record)) > len(charts.PALETTE)
    lines = [
        Line(token, frame.select("t_ns", nav=pl.col("nav") / frame["nav"][0] * 100), "nav",
             charts.BLUE if several else charts.PALETTE[place], panel=token if several else "")
        for place, (token, frame) in enumerate(_each(record).items())
        if frame["nav"][0]
    ]  # fmt: skip
    return charts.over_time(lines, axis_of(record), "NAV [% of the first]", form=",~r") if lines else None


def leverage_chart(record: RunRecord) -> Any | None:
    """Leverage and target, a panel for each token, its rebalances as triangles."""
    lines: list[Line] = []
    points: list[Points] = []
    traded = [(market, token) for market, held in tokens_of(record).items() for token in sorted(held)]
    for token, frame in _each(record).items():
        if frame["leverage"].is_null().all():
            continue
        lines += [
            Line("leverage", frame, "leverage", charts.BLUE, panel=token),
            Line("target", frame, "target_leverage", charts.GREY, steps=True, dashed=True, panel=token),
        ]
        most = max(1, _MOST_MARKS // len(traded)) if traded else 0
        for market in [market for market, holder in traded if holder == token]:
            points += rebalance_points(record, market, "leverage_before", token, panel=token, most=most)
    if not lines:
        return None
    return charts.over_time(
        lines, axis_of(record), "leverage [x]", points=points, form="+.3~r", height=150, shared=False
    )


def equity_chart(record: RunRecord) -> Any | None:
    """Equity of the funds whose supply changed, a panel for each; None where none did."""
    lines = [
        Line("equity", frame.with_columns(pl.col("equity_atoms") / _ATOMS), "equity_atoms", charts.BLUE, panel=token)
        for token, frame in _each(record).items()
        if frame["supply"].n_unique() > 1
    ]
    if not lines:
        return None
    assets = {record.asset_of(line.panel) for line in lines}
    unit = assets.pop() if len(assets) == 1 else "each fund's currency"
    return charts.over_time(lines, axis_of(record), f"equity [{unit}]", form=".3~s", height=150, shared=False)


def triggers_chart(record: RunRecord) -> Any | None:
    """The mark since the last reset and the moves that trigger the next, a panel for each token of one market.

    In % of the last reset's price; None where no token has triggers.
    """
    marks = record.table("marks", "t_ns", "market", "mark_price")
    if marks is None:
        return None
    markets = tokens_of(record)
    lines: list[Line] = []
    for token, frame in _each(record).items():
        own = [market for market, traded in markets.items() if token in traded]
        if len(own) == 1:
            lines += _trigger_lines(token, frame, marks.filter(pl.col("market") == own[0]).sort("t_ns"))
    return charts.over_time(lines, axis_of(record), "of the last reset [%]", form="+,~r", height=150) if lines else None


def _trigger_lines(token: str, frame: pl.DataFrame, marks: pl.DataFrame) -> list[Line]:
    columns = ["last_reset_price", "trigger_up", "trigger_down"]
    both = marks.join_asof(frame.select("t_ns", *columns), on="t_ns")
    against = {
        name: (pl.col(column) / pl.col("last_reset_price") - 1) * 100
        for name, column in (("mark", "mark_price"), ("up", "trigger_up"), ("down", "trigger_down"))
    }
    near = {name: pl.when(against[name].abs() < _SIGHT_BPS / 100).then(against[name]) for name in ("up", "down")}
    told = both.select("t_ns", against["mark"].alias("mark"), **near)
    lines = [
        Line(name, told, column, colour, steps=True, dashed=True, panel=token)
        for name, column, colour in (("trigger above", "up", charts.RED), ("trigger below", "down", charts.PURPLE))
        if told[column].is_not_null().any()
    ]
    return [Line("mark", told, "mark", charts.BLUE, panel=token), *lines] if lines else []
