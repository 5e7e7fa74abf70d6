"""One-minute bars as Binance publishes them (data.binance.vision, futures/um klines).

Columns: open_time [ms], open, high, low, close, volume, close_time, quote_volume, count, taker_buy_volume,
taker_buy_quote_volume, ignore. A minute without a trade has the close before it and no volume; bars begin with the
first trade.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from marketsim.publication.export.exported_market import ExportedMarket

MINUTE_MS = 60_000


def write_klines(market: ExportedMarket, folder: Path) -> list[Path]:
    """Write the file of bars; returns where it is."""
    path = folder / f"{market.market}-1m-{market.day()}.csv"
    bars_of(market).write_csv(path)
    return [path]


def bars_of(market: ExportedMarket) -> pl.DataFrame:
    """The bars, a row a minute."""
    traded = _traded_minutes(market)
    if traded.is_empty():
        minutes = pl.Series("open_time", [], pl.Int64)
    else:
        first, end = int(traded["open_time"][0]), (market.start_ns + market.duration_ns) // 10**6
        minutes = pl.int_range(first, end, MINUTE_MS, eager=True).alias("open_time")
    sums = ["volume", "quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume"]
    close = pl.col("close").forward_fill()
    return (
        minutes.to_frame()
        .join(traded, on="open_time", how="left", maintain_order="left")
        .with_columns(close, *(pl.col(name).fill_null(0) for name in sums))
        .with_columns(pl.col(name).fill_null(pl.col("close")) for name in ("open", "high", "low"))
        .with_columns(close_time=pl.col("open_time") + MINUTE_MS - 1, ignore=pl.lit(0))
        .select(
            *["open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count"],
            *["taker_buy_volume", "taker_buy_quote_volume", "ignore"],
        )
    )


def _traded_minutes(market: ExportedMarket) -> pl.DataFrame:
    """The minutes in which something traded."""
    quantity = pl.col("size_lots") * market.lot
    bought = pl.col("taker_side") == "buy"
    return (
        market.scan("trades")
        .with_columns(
            open_time=(pl.col("t_ns") + market.start_ns) // 10**6 // MINUTE_MS * MINUTE_MS,
            quantity=quantity,
            quote=quantity * pl.col("price"),
        )
        .group_by("open_time")
        .agg(
            open=pl.col("price").first(),
            high=pl.col("price").max(),
            low=pl.col("price").min(),
            close=pl.col("price").last(),
            volume=pl.col("quantity").sum().round(8),
            quote_volume=pl.col("quote").sum().round(8),
            count=pl.len().cast(pl.Int64),
            taker_buy_volume=pl.col("quantity").filter(bought).sum().round(8),
            taker_buy_quote_volume=pl.col("quote").filter(bought).sum().round(8),
        )
        .collect(engine="streaming")
        .sort("open_time")
    )
