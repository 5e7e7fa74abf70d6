"""The gap to the counterfactual at the last fill, in the direction of the orders."""

from __future__ import annotations

from collections.abc import Sequence

from marketsim.analysis.measures.family import MEASURES, Term
from marketsim.analysis.measures.gap_after_fills import GapAfterFills, mean_gap


@MEASURES.register
class ReversalGap(GapAfterFills):
    """Gap to the counterfactual at the last fill, in the direction of the orders: D(0)."""

    name, unit = "reversal_gap", "bps"

    def value(self, terms: Sequence[Term]) -> float | None:
        """D(0) [bps]."""
        gap = mean_gap(terms)
        return None if gap is None else float(gap[0] * 1e4)
