"""The implementation shortfall of rebalances: slippage with the unfilled part valued too."""

from __future__ import annotations

from marketsim.analysis.measures.family import MEASURES, RatioOfSums, RunMeasure, Term
from marketsim.analysis.measures.rebalance_costs import IN_WORDS, cost_terms
from marketsim.datasets.run import Run


@MEASURES.register
class Shortfall(RatioOfSums, RunMeasure):
    """Slippage of rebalances with what stayed unfilled valued at the mid of the last fill."""

    name, unit = "shortfall_bps", "bps"
    if_nothing = "no rebalance was sent to a market"
    window = IN_WORDS

    def terms(self, run: Run) -> list[Term]:
        """One term for each order, weighted by what it wanted."""
        return cost_terms(run, "shortfall_bps", "target_lots")
