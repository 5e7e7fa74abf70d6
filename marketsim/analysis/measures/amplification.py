"""The amplification: the factor on the counterfactual's moves around rebalances."""

from __future__ import annotations

from marketsim.analysis.measures.family import MEASURES, PairMeasure, RatioOfSums, Term
from marketsim.analysis.measures.window_returns import window_returns
from marketsim.datasets.run import Run


@MEASURES.register
class Amplification(RatioOfSums, PairMeasure):
    """Factor on the counterfactual's moves around rebalances: sum x_f x_c / sum x_c^2.

    x_f and x_c are the log returns over a rebalance window of the factual run and of the counterfactual
    (docs/contract.md#measures): the slope of a regression through zero of the former on the latter.
    """

    name, unit = "amplification", "ratio"
    if_nothing = "no token traded in a rebalance"
    no_effect = 1.0

    def terms(self, factual: Run, counterfactual: Run) -> list[Term]:
        """One term for each window."""
        return [
            Term(x.day, x.factual * x.counterfactual, x.counterfactual * x.counterfactual)
            for x in window_returns(factual, counterfactual, self.name)
        ]
