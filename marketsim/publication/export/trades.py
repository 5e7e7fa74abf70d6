"""Trades as Binance publishes them (data.binance.vision, futures/um trades): a row per match.

Columns: id, price, qty [units of the underlying], quote_qty, time [ms since 1970], is_buyer_maker.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from marketsim.publication.export.exported_market import ExportedMarket


def write_trades(market: ExportedMarket, folder: Path) -> list[Path]:
    """Write the file of trades; returns where it is. It is written as a stream, however many trades there are."""
    path = folder / f"{market.market}-trades-{market.day()}.csv"
    quantity = (pl.col("size_lots") * market.lot).round(8)
    rows = market.scan("trades").select(
        id="seq",
        price="price",
        qty=quantity,
        quote_qty=(quantity * pl.col("price")).round(8),
        time=(pl.col("t_ns") + market.start_ns) // 10**6,
        is_buyer_maker=pl.col("taker_side") == "sell",
    )
    rows.sink_csv(path)
    return [path]
