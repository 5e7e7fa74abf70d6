"""What a venue shows to everybody: the columns that a blind dataset has; every other column of a run is hidden.

A venue publishes its trades with the side that took, its quotes and depth, its mark and index prices and its funding
rates. It publishes no account, no order id, no purpose, and nothing of a fund.
"""

from __future__ import annotations

from typing import Literal

from marketsim.datasets.tables import TABLES
from marketsim.datasets.tables.definition import Table

Visibility = Literal["public", "hidden"]

PUBLIC: dict[str, tuple[str, ...]] = {
    "instruments": ("market", "kind", "contract", "tick", "lot", "asset"),
    "trades": ("t_ns", "market", "price_ticks", "price", "size_lots", "taker_side"),
    "quotes": ("t_ns", "market", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots", "mid"),
    "depth": ("t_ns", "market", "side", "bps", "size_lots"),
    "book": ("t_ns", "market", "side", "level", "price_ticks", "size_lots"),
    "marks": ("t_ns", "market", "index_price", "mark_price", "mid_price", "last_price", "open_interest_lots"),
    "funding": ("t_ns", "market", "rate", "mark_price"),
}


def visibility(table: str, column: str) -> Visibility:
    """Whether everybody sees a column; raises `KeyError` for one that there is not."""
    TABLES[table].column(column)
    return "public" if column in PUBLIC.get(table, ()) else "hidden"


def public_tables() -> tuple[Table, ...]:
    """The tables of a blind dataset, with their public columns only; every one has a column `market`."""
    return tuple(
        Table(
            name,
            TABLES[name].description,
            tuple(TABLES[name].column(column) for column in columns),
            keys=tuple(key for key in TABLES[name].keys if key in columns) or columns,
            sort=tuple(key for key in TABLES[name].sort if key in columns),
        )
        for name, columns in PUBLIC.items()
    )
