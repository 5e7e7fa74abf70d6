"""The impact per move: the push of resets for each per cent that the market had moved since the last one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from marketsim.analysis.measures.at_horizons import at_time
from marketsim.analysis.measures.family import MEASURES, Measure, PairMeasure, RatioOfSums, Term, unread
from marketsim.analysis.measures.reset_gaps import IN_WORDS, TAUS, reset_gaps
from marketsim.datasets.run import Run

PER_CENT = 0.01


class ImpactPerMove(RatioOfSums, PairMeasure):
    """sum w s ln(M_f / M_c) / sum w abs(r) over resets, w their absolute order, r the baseline's move [bps per 1 %]."""

    unit = "bps per 1 %"
    if_nothing = "no reset sent an order to a market after a move, or none could be read so long after it"
    scale = 1e4 * PER_CENT
    time: ClassVar[str]

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each reset: weight x gap, over weight x absolute move."""
        return list(self._terms(arm, versus, resets or arm))

    def _terms(self, arm: Run, versus: Run, resets: Run) -> Iterator[Term]:
        for each in reset_gaps(arm, versus, resets, self.time):
            if each.gap is None or each.move is None:
                yield unread(each.day, each.reset.market)
            else:
                weight, r = each.weight, abs(each.move.r)
                yield Term(each.day, weight * each.gap, weight * r, each.reset.market, reset=each.told)


def impact_per_move_at(time: str) -> type[Measure]:
    """The measure `impact_per_move_<time>`."""
    about = f"Push of resets {IN_WORDS[time]} per 1 % that the market without their orders had moved since the last."
    return at_time(ImpactPerMove, "impact_per_move", time, IN_WORDS[time], about)


for _time in TAUS:
    MEASURES.register(impact_per_move_at(_time))
