"""The half-life of the reversal: how long it takes until half of what goes back has gone back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketsim.analysis.measures.family import MEASURES, Term
from marketsim.analysis.measures.gap_after_fills import AFTER_NS, GapAfterFills, mean_gap


@MEASURES.register
class ReversalHalfLife(GapAfterFills):
    """First time after the last fill at which D <= (D(0) + D(H)) / 2: half of what goes back has gone back."""

    name, unit = "reversal_half_life", "s"
    if_nothing = "no reset could be read up to H, or half of the gap was not closed by then (censored)"
    no_effect = None

    def value(self, terms: Sequence[Term]) -> float | None:
        """That time [s]; None where the gap did not shrink, or never that far (censored)."""
        gap = mean_gap(terms)
        if gap is None or not gap[-1] < gap[0]:
            return None
        reached = np.flatnonzero(gap <= (gap[0] + gap[-1]) / 2)
        return AFTER_NS[int(reached[0])] / 1e9 if len(reached) else None
