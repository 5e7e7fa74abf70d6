"""The exponent of impact: how the push of an order grows with its size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log

import numpy as np

from marketsim.analysis.crowding.probe_impact import RESET, pushes_of
from marketsim.analysis.crowding.reset_impact import ResetImpact, reset_impacts
from marketsim.analysis.measures.crowding_number import NOT_PROBED
from marketsim.analysis.measures.family import MEASURES, PairMeasure, Term, unread
from marketsim.datasets.run import Run


@MEASURES.register
class ImpactExponent(PairMeasure):
    """Exponent d of impact I(Q) ~ Q^d at the end of the resets, between the smallest and the largest probes.

    ln(I(2Q) / I(Q/2)) / ln 4 of probes of half and twice the orders' size; 1 is linear, 1/2 the square root.
    """

    name, unit = "impact_exponent", "1"
    if_nothing = f"{NOT_PROBED}; or one of two sizes did not push"
    window = "at the end of the resets"
    is_of_sums = True
    no_effect = None

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each reset: sizes and pushes of the smallest and the largest probe on its own side."""
        return list(self._terms(arm, versus))

    def _terms(self, arm: Run, versus: Run) -> Iterator[Term]:
        pushes = [push for found in pushes_of(arm).values() for push in found if push is not None]
        sizes = sorted({push.size for push in pushes if push.schedule == RESET})
        if len(sizes) < 2:
            return
        ends = [reset_impacts(arm, versus, "0s", size) for size in (sizes[0], sizes[-1])]
        for small, large in zip(*ends, strict=True):
            yield _term(small, large)

    def value(self, terms: Sequence[Term]) -> float | None:
        """The exponent of the sums; None where they did not push."""
        known = [term for term in terms if term.denominator]
        if not known:
            return None
        sums = np.sum([np.asarray(term.numerator) for term in known], axis=0)
        q_small, x_small, q_large, x_large = (float(value) for value in sums)
        return log(x_large / x_small) / log(q_large / q_small) if x_small > 0 and x_large > 0 else None


def _term(small: ResetImpact, large: ResetImpact) -> Term:
    market = small.reset.market
    if small.own is None or large.own is None:
        return unread(small.day, market)
    sums = np.array([small.own.notional, small.own.x[market], large.own.notional, large.own.x[market]])
    return Term(small.day, sums, 1.0, market, dropped=int(small.own.is_bound) + int(large.own.is_bound))
