"""Holding a token: its price against NAV, what its holders paid and received, and why NAV decays."""

from __future__ import annotations

from typing import Any

import polars as pl

from marketsim.report import charts, markup, numbers
from marketsim.report.charts import Line
from marketsim.report.embedding import figure
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.prices import axis_of
from marketsim.report.record import RunRecord

_MOST_TOKENS = 12
_TERMS = {
    "beta_term": ("Leverage", "target leverage x log return of the perpetual's mark"),
    "variance_term": (
        "Variance",
        "-(b² - b) V / 2, V the mark's squared log returns from reset to reset (Avellaneda and Zhang)",
    ),
    "funding_term": ("Funding", "funding on the position"),
    "fee_term": ("Management fee", "management fee"),
    "cost_term": ("Trading", "trading fees, and slippage against the mark"),
    "residual": ("Residual", "what the terms leave: leverage off its target, higher orders"),
}
_PAID = {
    "bought_atoms": "Bought",
    "sold_atoms": "Sold",
    "primary_fee_atoms": "Creation, redemption fees",
    "trading_fee_atoms": "Trading fees",
    "management_atoms": "Management fee",
    "funding_atoms": "Funding",
    "end_value_atoms": "Held at the end",
}
_GAINS = ("funding_atoms",)


def token_markets(record: RunRecord) -> Markup:
    """Premium of each token's own market over NAV: a table, and small multiples of the first twelve."""
    frame = record.table("tokens", "t_ns", "token", "nav", "mid_price", "premium_to_nav")
    quoted = None if frame is None else frame.filter(pl.col("premium_to_nav").is_not_null()).sort("t_ns")
    if quoted is None or quoted.is_empty():
        sentence = "No token has a market of its own with both sides quoted."
        return markup.section("token-markets", "Token markets", markup.empty(sentence))
    ids = quoted["token"].unique(maintain_order=True).to_list()
    columns = [
        words("Token"), Heading("Median premium"), Heading("Median distance", "median of the premium without its sign"),
        Heading("Lowest"), Heading("Highest"), Heading("Snapshots with both sides"),
    ]  # fmt: skip
    rows: list[Any] = []
    for token in ids:
        premium: Any = quoted.filter(pl.col("token") == token)["premium_to_nav"]
        rows.append((
            token, numbers.bps(premium.median()), numbers.bps(premium.abs().median()), numbers.bps(premium.min()),
            numbers.bps(premium.max()), numbers.count(premium.len()),
        ))  # fmt: skip
    drawn = figure(premium_chart(record), "Mid of each token's own market over NAV, less one.")
    note = markup.left_out(min(len(ids), _MOST_TOKENS), len(ids), "tokens", "the first ones", verb="drawn")
    return markup.section("token-markets", "Token markets", markup.table(columns, rows), drawn, note)


def premium_chart(record: RunRecord) -> Any | None:
    """Premium of each token's market over NAV, a panel for each of the first twelve; None where none is quoted."""
    frame = record.table("tokens", "t_ns", "token", "premium_to_nav")
    quoted = None if frame is None else frame.filter(pl.col("premium_to_nav").is_not_null()).sort("t_ns")
    if quoted is None or quoted.is_empty():
        return None
    ids = quoted["token"].unique(maintain_order=True).to_list()[:_MOST_TOKENS]
    bps = quoted.with_columns(bps=pl.col("premium_to_nav") * 1e4)
    lines = [Line("premium to NAV", bps.filter(pl.col("token") == one), "bps", charts.BLUE, panel=one) for one in ids]
    return charts.over_time(lines, axis_of(record), "premium [bps]", form="+,~r", zero=True, height=150)


def holders(record: RunRecord) -> Markup:
    """What the holders of each token paid and received, by cohort."""
    frame = record.table("holders")
    if frame is None:
        return markup.section("holders", "Holders", markup.empty("Nobody held a token."))
    fees = frame.with_columns(primary_fee_atoms=pl.col("create_fee_atoms") + pl.col("redeem_fee_atoms"))
    sums = fees.group_by("token", "cohort", maintain_order=True).agg(
        pl.len().alias("accounts"), pl.col("units_start", "units_end", *_PAID).sum()
    )
    columns = [
        words("Token"), words("Cohort"), Heading("Accounts"),
        Heading("Units at the start"), Heading("Units at the end"), *(Heading(name) for name in _PAID.values()),
    ]  # fmt: skip
    rows = [
        (
            one["token"], one["cohort"], numbers.count(one["accounts"]), numbers.plain(one["units_start"], 5),
            numbers.plain(one["units_end"], 5),
            *(numbers.money(one[name], record.asset_of(one["token"]), sign=name in _GAINS) for name in _PAID),
        )
        for one in sums.to_dicts()
    ]  # fmt: skip
    note = (
        "Fees are costs; funding is + where it was received. Management fee and funding are paid inside the fund: the"
        " column is each cohort's share by the units it held. Units held at the end are valued at NAV."
    )
    return markup.section("holders", "Holders", markup.table(columns, rows), markup.paragraph(note, kind="note"))


def decay(record: RunRecord) -> Markup:
    """The decomposition of each token's log return over the run, and the running sums of its terms."""
    frame = record.table("decay")
    if frame is None:
        return markup.section("decay", "Decay", markup.empty("There is no token whose return could be decomposed."))
    frame = frame.sort("t0_ns")
    ids = frame["token"].unique(maintain_order=True).to_list()
    columns = [
        words("Token"), Heading("Log return", "of one unit's NAV"),
        *(Heading(name, meaning) for name, meaning in _TERMS.values()), Heading("Intervals"),
    ]  # fmt: skip
    rows: list[Any] = []
    for token in ids:
        mine = frame.filter(pl.col("token") == token)
        terms = [_sum(mine[name]) for name in ("log_return", *_TERMS)]
        rows.append((token, *(numbers.percent(term) for term in terms), numbers.count(mine.height)))
    note = markup.left_out(min(len(ids), _MOST_TOKENS), len(ids), "tokens", "the first ones", verb="drawn")
    about = markup.paragraph(
        "In per cent of log return; the terms and the residual add up to it. A dash: the token was wiped, or the"
        " variance is that of a basket with several legs.",
        kind="note",
    )
    drawn = figure(decay_chart(record), "What the log returns lost and gained besides the leveraged return.")
    return markup.section("decay", "Decay", markup.table(columns, rows), about, drawn, note)


def decay_chart(record: RunRecord) -> Any | None:
    """Running sums of all terms but the leveraged return, a panel for each of the first twelve tokens."""
    frame = record.table("decay")
    if frame is None:
        return None
    ids = frame.sort("t0_ns")["token"].unique(maintain_order=True).to_list()[:_MOST_TOKENS]
    lines = [line for token in ids for line in _running(token, frame.filter(pl.col("token") == token).sort("t0_ns"))]
    return charts.over_time(lines, axis_of(record), "running sum [%]", form="+,~r", zero=True, height=150, shared=False)


def _sum(values: pl.Series) -> float | None:
    return float(values.sum()) if values.is_not_null().all() else None


def _running(token: str, frame: pl.DataFrame) -> list[Line]:
    names = {"variance_term": charts.ORANGE, "funding_term": charts.GREEN, "fee_term": charts.PURPLE}
    names |= {"cost_term": charts.RED, "residual": charts.GREY}
    sums = frame.select(pl.col("t1_ns").alias("t_ns"), *(pl.col(name).cum_sum() * 100 for name in names))
    start = pl.DataFrame({"t_ns": [0], **{name: [0.0] for name in names}})
    points = pl.concat([start, sums], how="vertical_relaxed")
    return [Line(_TERMS[name][0].lower(), points, name, colour, panel=token) for name, colour in names.items()]
