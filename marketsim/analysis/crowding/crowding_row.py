"""A row of crowding.parquet: the crowding of one market in one cell at one horizon."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

COLUMNS = {
    "cell": pl.Int64, "market": pl.String, "horizon_s": pl.Float64, "method": pl.String, "k_usdt": pl.Float64,
    "impact_per_usdt": pl.Float64, "crowding_number": pl.Float64, "lo": pl.Float64, "hi": pl.Float64, "pairs": pl.Int64,
    "one_shot": pl.Float64, "fixed_point": pl.Float64, "amplification": pl.Float64, "liquidation_density": pl.Float64,
    "contrarian_liquidity": pl.Float64,
}  # fmt: skip
"""Columns of crowding.parquet, and their types."""


@dataclass(frozen=True, slots=True)
class CrowdingRow:
    """A row of crowding.parquet: for each horizon of the probes (method `probes`), and one by regression.

    crowding_number: of all markets of the cell together (a spectral radius), so equal in each of them. k_usdt: the
    market's own K. one_shot, fixed_point: the multipliers of theory. amplification: what was measured against the first
    frictionless arm. liquidation_density, contrarian_liquidity: what a unit of return set off [currency].
    """

    cell: int
    market: str
    horizon_s: float
    method: str
    k_usdt: float | None
    impact_per_usdt: float | None
    crowding_number: float | None
    lo: float | None
    hi: float | None
    pairs: int | None
    one_shot: float | None
    fixed_point: float | None
    amplification: float | None = None
    liquidation_density: float | None = None
    contrarian_liquidity: float | None = None
