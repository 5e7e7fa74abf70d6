"""The price share: how much of the moves around rebalances the counterfactual lacks."""

from __future__ import annotations

from marketsim.analysis.measures.family import MEASURES, PairMeasure, RatioOfSums, Term
from marketsim.analysis.measures.window_returns import IN_WORDS, window_returns
from marketsim.datasets.run import Run


@MEASURES.register
class PriceShare(RatioOfSums, PairMeasure):
    """Share of the moves around rebalances that the counterfactual lacks: sum x_f (x_f - x_c) / sum x_f^2.

    x_f and x_c are the log returns over a rebalance window of the arm and of the counterfactual
    (docs/contract.md#measures). 0: rebalancing changed nothing; 1: nothing moves without it. Two runs that differ by
    chance alone have 1 - their correlation, so the test asks whether the arm's moves are the larger ones.
    """

    name, unit = "price_share", "share"
    if_nothing = "no token traded in a rebalance"
    window = IN_WORDS

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each window."""
        return [
            Term(x.day, x.factual * (x.factual - x.counterfactual), x.factual * x.factual, exchanged=x.exchanged)
            for x in window_returns(arm, versus, resets or arm, self.name)
        ]
