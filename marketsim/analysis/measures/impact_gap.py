"""The impact gap: how far resets push a market from where it would be without their orders, and what is left of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from marketsim.analysis.measures.at_horizons import at_time
from marketsim.analysis.measures.family import MEASURES, MeanOfReplications, Measure, PairMeasure, Term, unread
from marketsim.analysis.measures.reset_gaps import IN_WORDS, TAUS, reset_gaps
from marketsim.datasets.run import Run


class ImpactGap(MeanOfReplications, PairMeasure):
    """E[s ln(M_f / M_c)] at a time tau after the last fill of a reset [bps]; + is in the direction of the orders.

    Resets of one instant and market are one; those of a replication count by their absolute order.
    """

    unit = "bps"
    if_nothing = "no reset sent an order to a market, or none could be read so long after it"
    verb = "pushed"
    scale = 1e4
    time: ClassVar[str]

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each reset: weight x gap, over its weight."""
        return list(self._terms(arm, versus, resets or arm))

    def _terms(self, arm: Run, versus: Run, resets: Run) -> Iterator[Term]:
        for each in reset_gaps(arm, versus, resets, self.time):
            if each.gap is None:
                yield unread(each.day, each.reset.market)
            else:
                weight = each.weight
                yield Term(each.day, weight * each.gap, weight, each.reset.market, reset=each.told)


def impact_gap_at(time: str) -> type[Measure]:
    """The measure `impact_gap_<time>`."""
    about = f"Push of resets {IN_WORDS[time]}: mean of s ln(M / M without their orders), s the side of the orders."
    return at_time(ImpactGap, "impact_gap", time, IN_WORDS[time], about)


for _time in TAUS:
    MEASURES.register(impact_gap_at(_time))
