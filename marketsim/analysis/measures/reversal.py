"""The reversal: how much of the gap that rebalancing opened is still there at the end of the window."""

from __future__ import annotations

from collections.abc import Sequence

from marketsim.analysis.measures.family import MEASURES, Term
from marketsim.analysis.measures.gap_after_fills import GapAfterFills, mean_gap


@MEASURES.register
class Reversal(GapAfterFills):
    """Share of the gap to the counterfactual at the last fill that is left at H: D(H) / D(0).

    0: the gap closed; 1: all of it stayed. H = min(4 h, half the gap to the next reset of the same token).
    """

    name, unit = "reversal", "share"

    def value(self, terms: Sequence[Term]) -> float | None:
        """D(H) / D(0); None where the last fill left no gap."""
        gap = mean_gap(terms)
        return None if gap is None or gap[0] == 0.0 else float(gap[-1] / gap[0])
