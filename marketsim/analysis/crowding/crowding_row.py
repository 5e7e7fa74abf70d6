"""A row of crowding.parquet: how two markets of a cell are bound together by funds, at one horizon."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

COLUMNS = {
    "cell": pl.Int64, "market": pl.String, "moved": pl.String, "horizon": pl.String, "horizon_s": pl.Float64,
    "k_usdt": pl.Float64, "impact_per_usdt": pl.Float64, "impact_per_usdt_buy": pl.Float64,
    "impact_per_usdt_sell": pl.Float64, "crowding_number": pl.Float64, "response": pl.Float64, "resets": pl.Int64,
    "bounds": pl.Int64, "unread": pl.Int64, "liquidation_density": pl.Float64, "contrarian_liquidity": pl.Float64,
}  # fmt: skip
"""Columns of crowding.parquet, and their types."""


@dataclass(frozen=True, slots=True)
class CrowdingRow:
    """A row of crowding.parquet, of the probes of all replications of a cell.

    horizon: after the resets' last fill, as the names of measures end in it; horizon_s: in seconds, null for `next`.
    k_usdt: what funds trade in `market` per unit of return of `moved`. impact_per_usdt: how far an order in `market`
    moves `moved` per unit of currency, on the side of the resets' orders; .._buy, .._sell: by side. crowding_number: of
    all markets with resets at one instant together; response: the return of `market` among those it multiplies, the
    largest being 1. resets: that it rests on; bounds: sides that a probe emptied; unread: resets that could not be
    read. liquidation_density, contrarian_liquidity: what a unit of return of the market set off [currency], of its own
    row alone.
    """

    cell: int
    market: str
    moved: str
    horizon: str
    horizon_s: float | None
    k_usdt: float
    impact_per_usdt: float
    impact_per_usdt_buy: float | None
    impact_per_usdt_sell: float | None
    crowding_number: float
    response: float
    resets: int
    bounds: int
    unread: int
    liquidation_density: float | None = None
    contrarian_liquidity: float | None = None
