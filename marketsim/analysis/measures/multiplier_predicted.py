"""The multiplier that theory predicts from the probes of a reset, by what the fund does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from marketsim.analysis.crowding.predicted_multiplier import predicted
from marketsim.analysis.crowding.reset_impact import reset_impacts
from marketsim.analysis.measures.at_horizons import at_time
from marketsim.analysis.measures.crowding_number import NOT_PROBED
from marketsim.analysis.measures.family import MEASURES, Measure, PairMeasure, RatioOfSums, Term, unread
from marketsim.analysis.measures.reset_pushes import DEFAULT_HORIZONS
from marketsim.datasets.run import Run
from marketsim.scenario.study.horizon import horizon_in_words


class MultiplierPredicted(RatioOfSums, PairMeasure):
    """sum M abs(r) / sum abs(r) over resets, M the prediction for each, r the return for which funds trade its orders.

    1 + Lambda(h) for orders sized once, the triangular system for the children of a twap that are each sized anew, the
    root of R = r + I(K R) for orders worked until nothing is wanted (docs/contract.md#measures).
    """

    unit = "ratio"
    if_nothing = f"{NOT_PROBED}; or another reset falls before, or the tokens of an instant do different things"
    no_effect = None
    time: ClassVar[str]

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each reset: predicted M x abs(r), over abs(r)."""
        return list(self._terms(arm, versus))

    def _terms(self, arm: Run, versus: Run) -> Iterator[Term]:
        for each in reset_impacts(arm, versus, self.time):
            found = None if each.own is None else predicted(arm, versus, each, self.time)
            if found is None or each.own is None:
                yield unread(each.day, each.reset.market)
            else:
                bound = int(each.own.is_bound)
                yield Term(each.day, found.multiplier * found.r, found.r, each.reset.market, dropped=bound)


def multiplier_predicted_at(time: str) -> type[Measure]:
    """The measure `multiplier_predicted_<time>`."""
    after = horizon_in_words(time)
    about = f"Multiplier that theory predicts {after}, from probes and what the funds do; no number is fitted."
    return at_time(MultiplierPredicted, "multiplier_predicted", time, after, about)


for _time in DEFAULT_HORIZONS:
    MEASURES.register(multiplier_predicted_at(_time))
