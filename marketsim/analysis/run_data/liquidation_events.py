"""Liquidations after the warm-up, each with its UTC day and its notional at the mark."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.datasets.run import Run


def liquidations_of(run: Run) -> pl.DataFrame:
    """Rows of `liquidations` after the warm-up, with columns `day` and `notional` [quote currency] added."""
    period = measured_period(run)
    rows = run.table("liquidations").filter(pl.col("t_ns") >= period.begin_ns)
    days = [period.day_of(t_ns) for t_ns in rows["t_ns"].to_list()]
    lots = run.table("instruments").select("market", "lot")
    notional = pl.col("size_lots").abs() * pl.col("lot") * pl.col("mark_price")
    dated = rows.with_columns(day=pl.Series(days, dtype=pl.Int64)).join(lots, on="market", how="left")
    return dated.with_columns(notional=notional)
