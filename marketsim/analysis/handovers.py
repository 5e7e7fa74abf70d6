"""Positions handed over at a liquidation without a trade: what they were worth at the mark, between whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import polars as pl

from marketsim.datasets.run import Run

Handed = dict[tuple[str, str, str, str], int]
"""Atoms by (ledger entry, currency, cohort that took the position, cohort that gave it); negative for shorts."""


def handed_over(run: Run, since_ns: int, until_ns: int) -> Handed:
    """Worth at the mark of takeovers and deleveragings in (since, until].

    The cash of a takeover goes from the insurance fund to the account (of a long), that of a deleveraging from the
    other side's account; what is paid beyond this worth is what it cost them. Which liquidation a deleveraging served
    is told by instant, market, lots, side and price.
    """
    inside = pl.col("t_ns").is_between(since_ns, until_ns, closed="right")
    rows = run.table("liquidations").filter(inside, pl.col("stage").is_in(["takeover", "deleveraging"]))
    worth: Handed = defaultdict(int)
    if rows.is_empty():
        return worth
    instruments = {row["market"]: row for row in run.table("instruments").to_dicts()}
    _add_takeovers(run, rows, instruments, worth)
    _add_deleveragings(run, rows, instruments, worth)
    return worth


def _worth(one: dict[str, Any], lots: int, mark_price: float) -> int:
    return lots * round(mark_price / float(one["tick"])) * int(one["atoms_per_tick_lot"])


def _add_takeovers(run: Run, rows: pl.DataFrame, instruments: dict[str, Any], worth: Handed) -> None:
    """The lots taken over are those of the liquidation that no trade of the account closed."""
    keys = ["t_ns", "market", "account"]
    sold = (
        run.scan("trades")
        .filter(pl.col("taker_purpose") == "liquidation", pl.col("t_ns").is_in(rows["t_ns"].unique().to_list()))
        .group_by("t_ns", "market", account="taker_account")
        .agg(filled=pl.when(pl.col("taker_side") == "sell").then("size_lots").otherwise(-pl.col("size_lots")).sum())
        .collect()
    )
    passes = run.table("liquidations").join(rows.select(keys).unique(), on=keys, how="semi")
    whole = passes.group_by(keys).agg(closed=pl.col("size_lots").sum(), passed_on=pl.col("deleveraged_lots").sum())
    taken = rows.filter(stage="takeover").join(whole, on=keys).join(sold, on=keys, how="left")
    for row in taken.iter_rows(named=True):
        one, closed = instruments[row["market"]], row["closed"]
        lots = closed - (row["filled"] or 0) - (row["passed_on"] if closed > 0 else -row["passed_on"])
        worth["insurance", one["asset"], "insurance", row["cohort"]] += _worth(one, lots, row["mark_price"])


def counterparts(run: Run, rows: pl.DataFrame) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each row of `deleveragings` with the liquidation it served, of those in `rows`."""
    victims: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows.filter(stage="deleveraging").iter_rows(named=True):
        victims[row["t_ns"], row["market"]].append(row)
    for cuts in _passes(run.table("deleveragings")):
        waiting = victims.get((cuts[0]["t_ns"], cuts[0]["market"]), [])
        if waiting:
            victim = _victim_of(cuts, waiting)
            waiting.remove(victim)
            yield from ((cut, victim) for cut in cuts)


def _add_deleveragings(run: Run, rows: pl.DataFrame, instruments: dict[str, Any], worth: Handed) -> None:
    for cut, victim in counterparts(run, rows):
        one = instruments[cut["market"]]
        key = ("deleveraging", one["asset"], cut["cohort"], victim["cohort"])
        worth[key] += _worth(one, cut["size_lots"], victim["mark_price"])


def _passes(cuts: pl.DataFrame) -> list[list[dict[str, Any]]]:
    """Deleveragings as they happened, those of one account's pass together: each pass counts its ranks from 0."""
    passes: list[list[dict[str, Any]]] = []
    for cut in cuts.iter_rows(named=True):
        if cut["rank"] == 0 or not passes:
            passes.append([])
        passes[-1].append(cut)
    return passes


def _victim_of(cuts: list[dict[str, Any]], waiting: list[dict[str, Any]]) -> dict[str, Any]:
    """The liquidation that a pass belongs to: of the same lots and side, and nearest in price."""
    lots, price = sum(cut["size_lots"] for cut in cuts), cuts[0]["price"]
    return min(
        waiting,
        key=lambda row: (
            row["deleveraged_lots"] != abs(lots),
            (row["size_lots"] > 0) != (lots > 0),
            abs(row["bankruptcy_price"] - price),
        ),
    )
