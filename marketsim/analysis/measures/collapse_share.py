"""The share of runs that collapse: in which a market was destroyed."""

from __future__ import annotations

from marketsim.analysis.measures.family import MEASURES, WHOLE_RUN, PairMeasure, RatioOfSums, Term
from marketsim.analysis.measures.pair_state import has_collapsed
from marketsim.datasets.run import Run


@MEASURES.register
class CollapseShare(RatioOfSums, PairMeasure):
    """Share of replications in which a market was destroyed: no mid, far from the baseline, or no insurance left.

    A mid was missing for more than 1 % of the time after the warm-up, or left the baseline's by more than 20 %, or the
    insurance fund was used up. A token that was wiped is no collapse of a market: that is `wipe_probability`.
    """

    name, unit = "collapse_share", "share"
    if_nothing = "there was no run"
    keeps_collapsed = True

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term: 1 where the pair collapsed, over 1."""
        return [Term(WHOLE_RUN, float(has_collapsed(arm, versus)), 1.0)]
