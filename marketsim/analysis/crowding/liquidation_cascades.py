"""Cascades: liquidations that set off one another, with their size and length."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.run_data.liquidation_events import liquidations_of
from marketsim.datasets.run import Run


def cascades(run: Run) -> pl.DataFrame:
    """Every cascade of liquidations after the warm-up, largest first.

    Columns: market, cascade, t0_ns, t1_ns, liquidations, accounts, with_parent, notional (at the marks),
    deleveraged_lots, insurance_atoms.
    """
    rows = liquidations_of(run).filter(pl.col("cascade") >= 0)
    return (
        rows.group_by("market", "cascade")
        .agg(
            t0_ns=pl.col("t_ns").min(),
            t1_ns=pl.col("t_ns").max(),
            liquidations=pl.len().cast(pl.Int64),
            accounts=pl.col("account").n_unique().cast(pl.Int64),
            with_parent=(pl.col("parent") >= 0).sum().cast(pl.Int64),
            notional=pl.col("notional").sum(),
            deleveraged_lots=pl.col("deleveraged_lots").sum(),
            insurance_atoms=pl.col("insurance_atoms").sum(),
        )
        .sort("notional", "market", "cascade", descending=[True, False, False])
    )
