"""The amplification: the factor on the counterfactual's moves around rebalances."""

from __future__ import annotations

from marketsim.analysis.measures.family import MEASURES, PairMeasure, RatioOfSums, Term
from marketsim.analysis.measures.window_returns import IN_WORDS, window_returns
from marketsim.datasets.run import Run


@MEASURES.register
class Amplification(RatioOfSums, PairMeasure):
    """Factor on the counterfactual's moves around rebalances: sum x_f x_c / sum x_c^2.

    x_f and x_c are the log returns over a rebalance window of the arm and of the counterfactual
    (docs/contract.md#measures): the slope of a regression through zero of the former on the latter. Two runs that
    differ by chance alone have their correlation, so the test asks whether the arm's moves are the larger ones.
    """

    name, unit = "amplification", "ratio"
    if_nothing = "no token traded in a rebalance"
    window = IN_WORDS
    no_effect = 1.0

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each window."""
        return [
            Term(x.day, x.factual * x.counterfactual, x.counterfactual * x.counterfactual, exchanged=x.exchanged)
            for x in window_returns(arm, versus, resets or arm, self.name)
        ]
