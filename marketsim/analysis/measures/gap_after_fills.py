"""The gap between a run's mid and its counterfactual's after the last fill of a rebalance, against time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.analysis.measures.family import PairMeasure, Term
from marketsim.analysis.run_data.mid_prices import MINUTE_NS
from marketsim.analysis.run_data.rebalance_windows import LONGEST_AFTER_NS, log_mids, windows_of
from marketsim.datasets.run import Run

AFTER_NS = (
    *range(0, MINUTE_NS, MINUTE_NS // 6),
    *range(MINUTE_NS, 10 * MINUTE_NS, MINUTE_NS),
    *range(10 * MINUTE_NS, 60 * MINUTE_NS, 5 * MINUTE_NS),
    *range(60 * MINUTE_NS, LONGEST_AFTER_NS + 1, 15 * MINUTE_NS),
)
"""The grid of tau after the last fill [ns]: every 10 s, 1 min, 5 min and 15 min, up to four hours."""


class GapAfterFills(PairMeasure):
    """A measure of D(tau) = E[s ln(M_f / M_c)(t_last + tau)], s the sign of the order (docs/contract.md#measures)."""

    if_nothing = "no token traded in a rebalance"
    is_of_sums = True

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each window: the gap at each tau of `AFTER_NS`, over 1.

        Beyond a window's own H its value at H is kept, so that D is of the same windows at every tau, and D at four
        hours is D(H). A window in which as much was bought as sold has no sign and no term.
        """
        windows = [window for window in windows_of(resets or arm) if window.side]
        grid = np.array(AFTER_NS, np.int64)
        after = [w.last_ns + np.minimum(grid, w.after_ns) for w in windows]
        instants = np.array(after, np.int64).reshape(-1, len(grid))
        f, c = (log_mids(run, windows, instants, "reversal") for run in (arm, versus))
        gap = (f - c) * np.array([window.side for window in windows]).reshape(-1, 1)
        known = np.isfinite(gap).all(axis=1)
        return [Term(window.day, gap[i], 1.0) for i, window in enumerate(windows) if known[i]]


def mean_gap(terms: Sequence[Term]) -> Floats | None:
    """D(tau) on the grid `AFTER_NS`; None without a window."""
    windows = sum(term.denominator for term in terms)
    if not windows:
        return None
    total: Floats = np.array([term.numerator for term in terms]).sum(axis=0)
    return total / windows
