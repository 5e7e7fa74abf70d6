"""The crowding number Lambda(h) = lambda(Q, h) K, from probes at the resets' own instants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.analysis.crowding.crowding_number import CrowdingSums
from marketsim.analysis.crowding.reset_impact import InstantImpact, instant_impacts
from marketsim.analysis.measures.at_horizons import at_time
from marketsim.analysis.measures.family import MEASURES, Measure, PairMeasure, Term, unread
from marketsim.analysis.measures.reset_pushes import DEFAULT_HORIZONS
from marketsim.datasets.run import Run
from marketsim.scenario.study.horizon import horizon_in_words

NOT_PROBED = "no probe was read so long after a reset: they are sent at the resets of the arm that is factual"


class CrowdingNumberMeasure(PairMeasure):
    """Lambda(h), signed: what a move comes back as, a time h after the last fill of the orders that it calls for.

    A row for each market is of its own orders and moves; where several have resets at one instant the row of all
    markets is the eigenvalue of lambda K of largest real part.
    """

    unit = "ratio"
    if_nothing = NOT_PROBED
    is_of_sums = True
    no_effect = None
    time: ClassVar[str]

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each market and instant, of sums that `value` puts together; one for all markets, of several."""
        return list(self._terms(arm, versus))

    def _terms(self, arm: Run, versus: Run) -> Iterator[Term]:
        for instant in instant_impacts(arm, versus, self.time):
            if isinstance(instant, int):
                yield unread(instant)
                continue
            for i, market in enumerate(instant.markets):
                yield _term(instant, [i], market)
            if len(instant.markets) > 1:
                yield _term(instant, range(len(instant.markets)), None)

    def value(self, terms: Sequence[Term]) -> float | None:
        """Lambda of the sums; None without any."""
        known = [term for term in terms if term.denominator]
        if not known:
            return None
        x, notional, weighted_k = np.sum([np.asarray(term.numerator) for term in known], axis=0)
        weight = sum(term.denominator for term in known)
        return CrowdingSums(x, np.diag(notional), weighted_k, weight).crowding().number


def _term(instant: InstantImpact, places: Sequence[int], market: str | None) -> Term:
    """X, Q (its diagonal) and K weighed by the move that is meant, of some markets of an instant."""
    block = np.ix_(places, places)
    k, notional = instant.k[block], instant.notional[list(places)]
    demand = float(np.abs(np.diag(k)).sum())
    if not demand:
        return unread(instant.day, market)
    weight = float(notional.sum()) / demand
    sums: Floats = np.stack([instant.x[block], np.diag(notional), weight * k])
    sides = [instant.resets[i].own for i in places]
    return Term(instant.day, sums, weight, market, dropped=sum(side is not None and side.is_bound for side in sides))


def crowding_number_at(time: str) -> type[Measure]:
    """The measure `crowding_number_<time>`."""
    after = horizon_in_words(time)
    about = f"Crowding number Lambda = lambda K {after}: what a move comes back as through the orders it calls for."
    return at_time(CrowdingNumberMeasure, "crowding_number", time, after, about)


for _time in DEFAULT_HORIZONS:
    MEASURES.register(crowding_number_at(_time))
