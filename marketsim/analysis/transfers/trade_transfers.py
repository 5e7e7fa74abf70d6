"""Trades valued at the mid ten minutes later: what the seller got above it, in whole atoms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from marketsim.datasets.run import Run

HORIZON_NS = 600 * 10**9
WORD = 2**31
SUMS = ("cash", "edge", "rest")
PARTIES = ("market", "buyer", "seller", "buyer_purpose", "seller_purpose")


@dataclass(frozen=True, slots=True)
class TradeTransfer:
    """All trades of one market between two cohorts for two purposes; amounts in atoms.

    cash: sum of size x price. edge: sum of size x (price - M), each trade's rounded down; M is the last mid quoted ten
    minutes later, beyond the end the closing mark. rest: sum of size x (closing mark - price) + edge, which is what the
    pool pays the buyer; in a market without a closing mark (token units) that mark is 0, and so rest is -size x M.
    """

    market: str
    buyer: str
    seller: str
    buyer_purpose: str
    seller_purpose: str
    lots: int
    cash: int
    edge: int
    rest: int


def trade_transfers(
    run: Run, since_ns: int, until_ns: int, closing_mark: Mapping[str, int], end_ns: int | None = None
) -> Iterator[TradeTransfer]:
    """The trades in (since, until], summed exactly, however long the run.

    closing_mark: by market [ticks], at `end_ns` (absent: until), beyond which no mid is looked for.
    """
    end_ns = until_ns if end_ns is None else end_ns
    later = _trades(run, since_ns, until_ns).join_asof(
        _half_ticks(run),
        left_on="t_later",
        right_on="t_ns",
        by="market",
        strategy="backward",
        check_sortedness=False,  # both tables are in the order of time
    )
    lot_atoms = pl.col("size_lots") * pl.col("atoms_per_tick_lot")
    is_beyond = (pl.col("t_later") > end_ns) & pl.col("closing_mark").is_not_null()
    halves = pl.when(is_beyond).then(2 * pl.col("closing_mark")).otherwise(pl.col("half_ticks"))
    marks = pl.DataFrame(
        {"market": list(closing_mark), "closing_mark": list(closing_mark.values())},
        schema={"market": pl.String, "closing_mark": pl.Int64},
    )
    instruments = run.scan("instruments").select("market", "atoms_per_tick_lot")
    summed = (
        later.join(instruments, on="market", how="left")
        .join(marks.lazy(), on="market", how="left")
        .with_columns(halves=halves.fill_null(2 * pl.col("price_ticks")))
        .with_columns(cash=lot_atoms * pl.col("price_ticks"))
        .with_columns(edge=(lot_atoms * (2 * pl.col("price_ticks") - pl.col("halves"))) // 2)
        .with_columns(rest=lot_atoms * (pl.col("closing_mark").fill_null(0) - pl.col("price_ticks")) + pl.col("edge"))
        .group_by(*PARTIES)
        .agg(pl.col("size_lots").sum().alias("lots"), *(part for name in SUMS for part in _halves(name)))
        .sort(*PARTIES)
        .collect()
    )
    for row in summed.iter_rows(named=True):
        cash, edge, rest = (row[f"{name}_high"] * WORD + row[f"{name}_low"] for name in SUMS)
        yield TradeTransfer(**{name: row[name] for name in (*PARTIES, "lots")}, cash=cash, edge=edge, rest=rest)


def _halves(name: str) -> tuple[pl.Expr, pl.Expr]:
    """Sums of the upper and the lower half of each number: a month's turnover in atoms exceeds 64 bits."""
    return (pl.col(name) // WORD).sum().alias(f"{name}_high"), (pl.col(name) % WORD).sum().alias(f"{name}_low")


def _trades(run: Run, since_ns: int, until_ns: int) -> pl.LazyFrame:
    is_buy = pl.col("taker_side") == "buy"
    sides = {
        f"{side}{ending}": pl.when(is_buy if side == "buyer" else ~is_buy)
        .then(f"taker_{column}")
        .otherwise(f"maker_{column}")
        for side in ("buyer", "seller")
        for ending, column in (("", "cohort"), ("_purpose", "purpose"))
    }
    return (
        run.scan("trades")
        .filter(pl.col("t_ns") > since_ns, pl.col("t_ns") <= until_ns)
        .select("market", "price_ticks", "size_lots", t_later=pl.col("t_ns") + HORIZON_NS, **sides)
    )


def _half_ticks(run: Run) -> pl.LazyFrame:
    """Twice the mid [ticks] at each quote with both sides."""
    quotes = run.scan("quotes").filter(pl.col("bid_lots") > 0, pl.col("ask_lots") > 0)
    return quotes.select("t_ns", "market", half_ticks=pl.col("bid_ticks") + pl.col("ask_ticks"))
