"""The profit of anticipators: traders who trade ahead of announced or guessed rebalances."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.measures.family import MEASURES, RatioOfSums, RunMeasure, Term
from marketsim.analysis.run_data.cohort_equity import equity_changes
from marketsim.datasets.run import Run
from marketsim.units import ATOMS_PER_UNIT, NS_PER_DAY


@MEASURES.register
class AnticipatorProfit(RatioOfSums, RunMeasure):
    """What all anticipators together gain a day, after fees."""

    name, unit = "anticipator_profit", "currency/d"
    if_nothing = "no equity of anticipators was recorded"

    def terms(self, run: Run) -> list[Term]:
        """One term for each UTC day: their gain, over days."""
        return [
            Term(change.day, change.atoms / ATOMS_PER_UNIT, (change.end_ns - change.begin_ns) / NS_PER_DAY)
            for change in equity_changes(run, pl.col("kind") == "anticipator")
        ]
