"""Token against perpetual: what each came to for the same cash at the same time."""

from __future__ import annotations

from typing import Any

import polars as pl

from marketsim.report import markup, numbers
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.study_record import MOST_ROWS, StudyRecord

_KEYS = ["match", "cell", "token", "leverage", "stop_loss"]
_MATCHES = {
    "notional": "At equal exposure", "capital": "At equal capital", "max_loss": "At equal largest loss",
}  # fmt: skip
_COLUMNS = [
    Heading("Cell"), words("Token"), Heading("Leverage", "of the perpetual"),
    Heading("Stop", "move of its price at which the perpetual is sold"), Heading("Holders", "over all replications"),
    Heading("Token", "wealth in the end per cash put in"),
    Heading("lowest", "of single replications, token"), Heading("highest", "of single replications, token"),
    Heading("Perpetual", "wealth in the end per cash put in"),
    Heading("lowest", "of single replications, perpetual"), Heading("highest", "of single replications, perpetual"),
    Heading("Perpetual ahead", "share of holders"), Heading("Token: all lost", "share of holders"),
    Heading("Perpetual: stopped", "share of holders"), Heading("Perpetual: liquidated", "share of holders"),
]  # fmt: skip


def holding(record: StudyRecord) -> Markup:
    """Wealth per cash of tokens and perpetual positions, a table for each match; nothing where none are compared."""
    title = "Token against perpetual"
    if record.holding is None:
        return Markup("")
    about = markup.paragraph(
        "Each holder is compared with a position that puts the same cash into a perpetual at the same instants and"
        " recorded prices, without moving them. Only factual runs count. The answer differs at equal exposure, equal"
        " capital and equal largest loss.",
        kind="note",
    )
    pieces: list[Markup] = []
    told = summed(record.holding)
    for match in told["match"].unique(maintain_order=True):
        mine = told.filter(pl.col("match") == match).to_dicts()
        pieces.append(markup.heading(_MATCHES.get(match, match)))
        pieces.append(markup.table(_COLUMNS, [_row(row) for row in mine[:MOST_ROWS]]))
        pieces.append(markup.left_out(min(len(mine), MOST_ROWS), len(mine), "rows", "in the order of cells"))
    return markup.section("holding", title, about, *pieces)


def summed(holding: pl.DataFrame) -> pl.DataFrame:
    """Wealth per cash by cell, token and position: of all holders together and of single replications; and ends."""
    cash = pl.col("cash_in_atoms").cast(pl.Float64)  # sums of whole atoms over many rich holders leave 64 bits
    rates = {
        name: pl.col(f"{name}_wealth_atoms").cast(pl.Float64).sum() / cash.sum() for name in ("token", "perp")
    }  # fmt: skip
    replications = holding.group_by([*_KEYS, "replication"]).agg(
        rates["token"].alias("with_token"), rates["perp"].alias("with_perp")
    )
    ends = replications.group_by(_KEYS).agg(
        *(getattr(pl.col(f"with_{name}"), end)().alias(f"{name}_{end}") for name in rates for end in ("min", "max"))
    )
    whole = holding.group_by(_KEYS).agg(
        pl.len().alias("holders"), rates["token"].alias("with_token"), rates["perp"].alias("with_perp"),
        ahead=(pl.col("perp_wealth_atoms") > pl.col("token_wealth_atoms")).mean(),
        wiped=(pl.col("token_wealth_atoms") <= 0).mean(),
        stopped=pl.col("perp_stopped_ns").is_not_null().mean(),
        liquidated=pl.col("perp_liquidated_ns").is_not_null().mean(),
    )  # fmt: skip
    return whole.join(ends, on=_KEYS, nulls_equal=True).sort(_KEYS)


def _row(row: dict[str, Any]) -> list[object]:
    wealth = ("with_token", "token_min", "token_max", "with_perp", "perp_min", "perp_max")
    return [
        row["cell"], row["token"], numbers.multiple(row["leverage"], sign=False), numbers.percent(row["stop_loss"]),
        numbers.count(row["holders"]), *(numbers.plain(row[name], 4) for name in wealth),
        *(numbers.percent(row[name]) for name in ("ahead", "wiped", "stopped", "liquidated")),
    ]  # fmt: skip
