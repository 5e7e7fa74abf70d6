"""The size of liquidation cascades."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.measures.family import MEASURES, RatioOfSums, RunMeasure, Term
from marketsim.analysis.run_data.liquidation_events import liquidations_of
from marketsim.datasets.run import Run


@MEASURES.register
class CascadeSize(RatioOfSums, RunMeasure):
    """Mean notional liquidated in a cascade, at the mark."""

    name, unit = "cascade_size", "currency"
    if_nothing = "there was no cascade of liquidations"
    keeps_collapsed = True

    def terms(self, run: Run) -> list[Term]:
        """One term for each cascade, of the day it began: its notional, over 1."""
        rows = liquidations_of(run).filter(pl.col("cascade") >= 0)
        cascades = rows.group_by("market", "cascade", maintain_order=True).agg(
            pl.col("day").min(), pl.col("notional").sum()
        )
        return [Term(day, notional, 1.0) for day, notional in cascades.select("day", "notional").iter_rows()]
