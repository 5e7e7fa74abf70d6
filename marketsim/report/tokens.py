"""Each token: leverage against target, NAV, price against the last reset, and equity."""

from __future__ import annotations

import polars as pl

from marketsim.report import charts, markup, numbers
from marketsim.report.charts import Line
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.prices import axis_of, rebalance_points
from marketsim.report.record import RunRecord

_MOST_TOKENS = 12
_ATOMS = 1e8
_SIGHT = 0.7, 1.4  # triggers are drawn from 0.7 times the lowest to 1.4 times the highest mark


def tokens(record: RunRecord) -> Markup:
    """A table of all tokens and four small charts for each of the twelve with the most equity."""
    frame = record.table("tokens")
    if frame is None:
        return markup.section("tokens", "Tokens", markup.empty("This run has no tokens."))
    frame = frame.sort("t_ns")
    ids = frame["token"].unique(maintain_order=True).to_list()
    each = {token: frame.filter(pl.col("token") == token) for token in ids}
    drawn = sorted(ids, key=lambda token: -abs(each[token]["equity_atoms"][0]))[:_MOST_TOKENS]
    pieces = [_table(record, each)]
    for token in [one for one in ids if one in drawn]:
        pieces += [markup.heading(token), _charts(record, token, each[token])]
    pieces.append(markup.left_out(len(drawn), len(ids), "tokens", "those with the most equity", verb="drawn"))
    return markup.section("tokens", "Tokens", *pieces)


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


def _charts(record: RunRecord, token: str, frame: pl.DataFrame) -> Markup:
    axis, asset = axis_of(record), record.asset_of(token)
    nav = [Line("NAV", frame, "nav", charts.BLUE)]
    if frame["mid_price"].is_not_null().any():
        nav.insert(0, Line("mid of the token's market", frame, "mid_price", charts.ORANGE))
    equity = frame.with_columns(pl.col("equity_atoms") / _ATOMS)
    figures = [
        _leverage(record, token, frame),
        markup.figure(charts.over_time(nav, axis, f"NAV [{asset}]", half=True, form=",~r", height=190),
                      f"{token}: NAV per token.", half=True),
        _reset_price(record, token, frame),
        markup.figure(charts.over_time([Line("equity", equity, "equity_atoms", charts.BLUE)], axis, f"equity [{asset}]",
                                       half=True, form=".3~s", height=190), f"{token}: the fund's equity.", half=True),
    ]  # fmt: skip
    return markup.side_by_side(figures)


def _leverage(record: RunRecord, token: str, frame: pl.DataFrame) -> Markup:
    if frame["leverage"].is_null().all():
        return markup.empty(f"{token} had no units, so no leverage.")
    lines = [
        Line("leverage", frame, "leverage", charts.BLUE),
        Line("target", frame, "target_leverage", charts.BLACK, steps=True, dashed=True),
    ]
    points = [
        one for market in _markets(record, token) for one in rebalance_points(record, market, "leverage_before", token)
    ]
    drawing = charts.over_time(
        lines, axis_of(record), "leverage [x]", points=points, half=True, form="+.2~f", height=190
    )
    return markup.figure(drawing, f"{token}: leverage and target; triangles are rebalances.", half=True)


def _markets(record: RunRecord, token: str) -> list[str]:
    frame = record.table("token_legs", "token", "market")
    if frame is None:
        return []
    return frame.filter(pl.col("token") == token)["market"].unique(maintain_order=True).to_list()


def _within_sight(frame: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    """The frame without triggers far from every price of the run, as a fund without a position has them."""
    low, high = marks["mark_price"].min(), marks["mark_price"].max()
    if low is None or high is None:
        return frame
    near = float(low) * _SIGHT[0], float(high) * _SIGHT[1]  # type: ignore[arg-type]
    seen = {name: pl.when(pl.col(name).is_between(*near)).then(pl.col(name)) for name in ("trigger_up", "trigger_down")}
    return frame.with_columns(**seen)


def _reset_price(record: RunRecord, token: str, frame: pl.DataFrame) -> Markup:
    markets = _markets(record, token)
    marks = record.table("marks", "t_ns", "market", "mark_price") if len(markets) == 1 else None
    if marks is None or frame["last_reset_price"].is_null().all():
        return markup.empty(f"{token} has no single price to compare with its last reset.")
    lines = [
        Line("mark", marks.filter(pl.col("market") == markets[0]), "mark_price", charts.BLUE),
        Line("last reset", frame, "last_reset_price", charts.BLACK, steps=True, dashed=True),
    ]
    frame = _within_sight(frame, lines[0].frame)
    if frame["trigger_up"].is_not_null().any():
        lines.append(Line("trigger above", frame, "trigger_up", charts.RED, steps=True, dashed=True))
    if frame["trigger_down"].is_not_null().any():
        lines.append(Line("trigger below", frame, "trigger_down", charts.PURPLE, steps=True, dashed=True))
    title = f"price [{record.of(markets[0]).asset}]"
    drawing = charts.over_time(lines, axis_of(record), title, half=True, form=",~r", height=190)
    return markup.figure(
        drawing, f"{token}: mark of {markets[0]}, the price of the last reset, and the triggers.", half=True
    )
