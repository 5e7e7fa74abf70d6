"""The panel: a row per run, market and minute, ready for a regression.

Realised volatility is sqrt(sum of squared log returns of the mids within the minute) (Andersen, Bollerslev, Diebold and
Labys 2003), at the interval at which quotes were recorded. Signed flow is buyers' lots less sellers' lots of takers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from marketsim.datasets.run import Run
from marketsim.publication.labels import label_columns, literals
from marketsim.publication.published_tables import T_UTC, PublishedColumn, PublishedTable
from marketsim.publication.sources import PublishedRun, StudySources

MINUTE_NS = 60 * 10**9
DEPTH_BPS = 10.0
_NO_MID = "a side of the book was empty, or no quote was recorded"
_NO_DEPTH = "depth within 10 bps was not recorded"


def reset_column(token: str) -> str:
    """The column of a token's reset lots."""
    return f"reset_lots_{re.sub(r'[^A-Za-z0-9]+', '_', token)}"


def panel_table(sources: StudySources) -> PublishedTable:
    """What the panel's columns mean."""
    labels = tuple(PublishedColumn.of(column) for column in label_columns(sources.axes, sources.has_forks))
    tokens = [token["id"] for token in sources.study.scenario["tokens"]]
    own = (
        PublishedColumn("market", "text", "", "id of the market"),
        PublishedColumn("t_ns", "int64", "ns", "beginning of the minute, from the start of the clock"),
        T_UTC,
        PublishedColumn("mid", "float64", "asset per unit of underlying", "last mid of the minute", _NO_MID),
        PublishedColumn("log_return", "float64", "1", "log of the mid over that of the minute before", _NO_MID),
        PublishedColumn(
            "realised_volatility", "float64", "1", "root of the sum of squared log returns of mids in it", _NO_MID
        ),
        PublishedColumn("spread_bps", "float64", "bps", "mean of (ask - bid) / mid over the quotes of it", _NO_MID),
        PublishedColumn("bid_depth_lots", "float64", "lots", "mean size of bids within 10 bps of the mid", _NO_DEPTH),
        PublishedColumn("ask_depth_lots", "float64", "lots", "mean size of asks within 10 bps of the mid", _NO_DEPTH),
        PublishedColumn("imbalance", "float64", "1", "(bid - ask) / (bid + ask) of these depths", _NO_DEPTH),
        PublishedColumn("trades", "int64", "count", "trades of it"),
        PublishedColumn("volume_lots", "int64", "lots", "size traded in it"),
        PublishedColumn("signed_flow_lots", "int64", "lots", "size bought by takers less size sold by takers"),
        *(
            PublishedColumn(
                reset_column(token), "int64", "lots", f"what rebalances of {token} bought, less what they sold"
            )
            for token in tokens
        ),
    )
    return PublishedTable(
        "panel",
        "A row per run, market and minute: return, volatility, spread, depth, flow and resets.",
        (*labels, *own),
        ("run_id", "market", "t_ns"),
        ("cell", "replication", "arm", "market", "t_ns"),
    )


def panel_frames(sources: StudySources, start_ns: int) -> Iterator[pl.DataFrame]:
    """The panel, run by run, in the order of its columns."""
    names = [column.name for column in panel_table(sources).columns]
    columns = label_columns(sources.axes, sources.has_forks)
    for run in sources.finished:
        frame = _panel_of(run, [token["id"] for token in sources.study.scenario["tokens"]])
        yield (
            frame.with_columns(
                *literals(run.labels, columns), t_utc=(pl.col("t_ns") + start_ns).cast(pl.Datetime("ns", "UTC"))
            )
            .select(names)
            .sort("market", "t_ns")
        )


def _panel_of(run: PublishedRun, tokens: list[str]) -> pl.DataFrame:
    opened = Run(run.path)
    minute = (pl.col("t_ns") // MINUTE_NS * MINUTE_NS).alias("t_ns")
    flow = _flow(opened.scan("trades"), minute, tokens).collect(engine="streaming")
    quotes = _quotes(opened.scan("quotes"), minute).collect(engine="streaming")
    depth = _depth(opened.scan("depth"), minute).collect(engine="streaming")
    keys = ["market", "t_ns"]
    counts = ["trades", "volume_lots", "signed_flow_lots", *map(reset_column, tokens)]
    joined = (
        pl.concat([flow.select(keys), quotes.select(keys), depth.select(keys)])
        .unique()
        .join(flow, on=keys, how="left")
        .join(quotes, on=keys, how="left")
        .join(depth, on=keys, how="left")
        .sort(keys)
        .with_columns(pl.col(counts).fill_null(0))
    )
    is_next = pl.col("t_ns").diff().over("market") == MINUTE_NS
    change = pl.col("mid").log().diff().over("market")
    return joined.with_columns(log_return=pl.when(is_next).then(change))


def _flow(trades: pl.LazyFrame, minute: pl.Expr, tokens: list[str]) -> pl.LazyFrame:
    signed = pl.when(pl.col("taker_side") == "buy").then(pl.col("size_lots")).otherwise(-pl.col("size_lots"))
    resets = []
    for token in tokens:
        taken = (pl.col("taker_purpose") == "rebalance") & (pl.col("taker_cohort") == token)
        made = (pl.col("maker_purpose") == "rebalance") & (pl.col("maker_cohort") == token)
        lots = pl.when(taken).then(signed).otherwise(0) - pl.when(made).then(signed).otherwise(0)
        resets.append(lots.sum().cast(pl.Int64).alias(reset_column(token)))
    return trades.group_by("market", minute).agg(
        pl.len().cast(pl.Int64).alias("trades"),
        pl.col("size_lots").sum().alias("volume_lots"),
        signed.sum().alias("signed_flow_lots"),
        *resets,
    )


def _quotes(quotes: pl.LazyFrame, minute: pl.Expr) -> pl.LazyFrame:
    change = pl.col("mid").log().diff().over("market")
    width = (pl.col("ask_ticks") - pl.col("bid_ticks")) / ((pl.col("ask_ticks") + pl.col("bid_ticks")) / 2)
    return (
        quotes.with_columns(change=change, width=pl.when(pl.col("mid").is_not_null()).then(width))
        .group_by("market", minute)
        .agg(
            mid=pl.col("mid").drop_nulls().last(),
            realised_volatility=pl.when(pl.col("change").count() > 0).then((pl.col("change") ** 2).sum().sqrt()),
            spread_bps=pl.col("width").mean() * 1e4,
        )
    )


def _depth(depth: pl.LazyFrame, minute: pl.Expr) -> pl.LazyFrame:
    near = depth.filter(pl.col("bps") == DEPTH_BPS)
    sides = {side: pl.col("size_lots").filter(pl.col("side") == side).mean() for side in ("bid", "ask")}
    sums = near.group_by("market", minute).agg(bid_depth_lots=sides["bid"], ask_depth_lots=sides["ask"])
    bid, ask = pl.col("bid_depth_lots"), pl.col("ask_depth_lots")
    return sums.with_columns(imbalance=pl.when(bid + ask > 0).then((bid - ask) / (bid + ask)))
