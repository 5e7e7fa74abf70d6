"""The gap between a run's mid and its counterfactual's after the last fill of a reset, against time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.analysis.measures.family import WHOLE_RUN, PairMeasure, Term, unread
from marketsim.analysis.measures.reset_gaps import COARSEST_NS
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.measured_resets import LONGEST_AFTER_NS, after_ns, measured_resets
from marketsim.analysis.run_data.mid_prices import MINUTE_NS, mids_of
from marketsim.datasets.run import Run

AFTER_NS = (
    *range(0, MINUTE_NS, MINUTE_NS // 6),
    *range(MINUTE_NS, 10 * MINUTE_NS, MINUTE_NS),
    *range(10 * MINUTE_NS, 60 * MINUTE_NS, 5 * MINUTE_NS),
    *range(60 * MINUTE_NS, LONGEST_AFTER_NS + 1, 15 * MINUTE_NS),
)
"""The grid of tau after the last fill [ns]: every 10 s, 1 min, 5 min and 15 min, up to four hours."""


class GapAfterFills(PairMeasure):
    """A measure of D(tau) = E[s ln(M_f / M_c)(t_last + tau)], s the sign of the order (docs/contract.md#measures).

    Resets of one instant and market are one; those of a replication count by their absolute order.
    """

    if_nothing = "no reset sent an order to a market, or the run ends before H"
    is_of_sums = True
    window = "from the last fill of the resets to half-way to the next (4 h at most)"

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each reset: weight x gap at each tau of `AFTER_NS`, over its weight.

        Beyond a reset's own H its value at H is kept, so that D is of the same resets at every tau, and D at four hours
        is D(H). A reset whose H ends after the run could not be read.
        """
        return list(self._terms(arm, versus, resets or arm))

    def of_replication(self, terms: Sequence[Term]) -> list[Term]:
        """One term over 1: the replication's own mean over its resets."""
        weight = sum(term.denominator for term in terms)
        return [Term(WHOLE_RUN, sum(term.numerator for term in terms) / weight, 1.0)] if weight else []

    def _terms(self, arm: Run, versus: Run, resets: Run) -> Iterator[Term]:
        period, grid = measured_period(resets), np.array(AFTER_NS, np.int64)
        end_ns = min(measured_period(run).end_ns for run in (arm, versus))
        mids = [mids_of(run).require("the reversal", COARSEST_NS) for run in (arm, versus)]
        for reset in measured_resets(resets):
            day = period.day_of(reset.decide_ns)
            last_ns = end_ns + 1 if reset.last_ns is None else reset.last_ns
            at = last_ns + np.minimum(grid, after_ns(reset, last_ns))
            if at[-1] > end_ns:
                yield unread(day, reset.market)
                continue
            f, c = (np.log(each.standing(reset.market, at)) for each in mids)
            gap, weight = reset.sign * (f - c), float(abs(reset.target_lots))
            known = bool(np.isfinite(gap).all())
            yield Term(day, weight * gap, weight, reset.market) if known else unread(day, reset.market)


def mean_gap(terms: Sequence[Term]) -> Floats | None:
    """D(tau) on the grid `AFTER_NS`; None without a reset."""
    known = [term for term in terms if term.denominator]
    if not known:
        return None
    total: Floats = np.array([term.numerator for term in known]).sum(axis=0)
    return total / sum(term.denominator for term in known)
