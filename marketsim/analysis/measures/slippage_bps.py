"""The slippage of rebalances: what their fills cost against the mid before the decision."""

from __future__ import annotations

from marketsim.analysis.measures.family import MEASURES, RatioOfSums, RunMeasure, Term
from marketsim.analysis.measures.rebalance_costs import IN_WORDS, cost_terms
from marketsim.datasets.run import Run


@MEASURES.register
class Slippage(RatioOfSums, RunMeasure):
    """Cost of rebalances against the mid just before the decision, fees apart: 1e4 s (vwap / arrival - 1)."""

    name, unit = "slippage_bps", "bps"
    if_nothing = "no rebalance was filled"
    window = IN_WORDS

    def terms(self, run: Run) -> list[Term]:
        """One term for each order, weighted by what it filled."""
        return cost_terms(run, "slippage_bps", "filled_lots")
