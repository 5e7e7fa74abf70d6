"""The branching ratio of liquidations: how many of them another event set off."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.measures.family import MEASURES, RatioOfSums, RunMeasure, Term
from marketsim.analysis.run_data.liquidation_events import liquidations_of
from marketsim.datasets.run import Run


@MEASURES.register
class BranchingRatio(RatioOfSums, RunMeasure):
    """Share of liquidations that another event set off: those with a parent."""

    name, unit = "branching_ratio", "share"
    if_nothing = "nobody was liquidated"
    keeps_collapsed = True

    def terms(self, run: Run) -> list[Term]:
        """One term for each UTC day: liquidations with a parent, over all."""
        by_day = liquidations_of(run).group_by("day", maintain_order=True)
        counts = by_day.agg(with_parent=(pl.col("parent") >= 0).sum().cast(pl.Float64), all=pl.len().cast(pl.Float64))
        return [Term(*row) for row in counts.select("day", "with_parent", "all").iter_rows()]
