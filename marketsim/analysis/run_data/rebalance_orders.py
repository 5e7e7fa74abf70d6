"""The parent orders of rebalances, each with its UTC day and the size of its market's lot."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.datasets.run import Run


def orders_of(run: Run) -> pl.DataFrame:
    """Rows of `rebalances` after the warm-up that were meant for a market, with columns `day` and `lot` added."""
    period = measured_period(run)
    rows = run.table("rebalances").filter(pl.col("t_decide_ns") >= period.begin_ns, pl.col("status") != "shadow")
    lots = run.table("instruments").select("market", "lot")
    days = [period.day_of(t_ns) for t_ns in rows["t_decide_ns"].to_list()]
    return rows.with_columns(day=pl.Series(days, dtype=pl.Int64)).join(lots, on="market", how="left")
