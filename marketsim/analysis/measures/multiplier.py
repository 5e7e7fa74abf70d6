"""The multiplier of resets: the move with their orders over the move without them, from one state of the world.

multiplier: from forks just before each reset, or from whole runs with one reset, which have all history in common.
multiplier_cumulative: from whole runs with several, in which later resets also answer what earlier ones pushed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from marketsim.analysis.measures.at_horizons import at_time
from marketsim.analysis.measures.family import MEASURES, Measure, PairMeasure, RatioOfSums, Term, unread
from marketsim.analysis.measures.reset_pushes import DEFAULT_HORIZONS, reset_pushes
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.measured_resets import measured_resets
from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from marketsim.scenario.study.horizon import horizon_in_words


class MultiplierCumulative(RatioOfSums, PairMeasure):
    """1 + sum s push(h) / sum abs(r) over resets, r the baseline's return since the last reset, push over its price."""

    unit = "ratio"
    if_nothing = "no reset sent an order to a market after a move, or none could be read so long after it"
    no_effect = 1.0
    time: ClassVar[str]

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each reset: abs(r) + push, over abs(r)."""
        return list(self._terms(arm, versus, resets or arm))

    def _terms(self, arm: Run, versus: Run, resets: Run) -> Iterator[Term]:
        for each in reset_pushes(arm, versus, resets, self.time):
            if each.push is None or each.move is None:
                yield unread(each.day, each.reset.market)
            else:
                r = abs(each.move.r)
                yield Term(each.day, r + each.push, r, each.reset.market)


class Multiplier(MultiplierCumulative):
    """The same of resets that have all history in common with the baseline."""

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each reset; raises ResultError where a whole run has several of one market."""
        read = resets or arm
        most = max(Counter(reset.market for reset in measured_resets(read)).values(), default=0)
        if most > 1 and measured_period(read).event_ns is None:
            raise ResultError(
                f"a whole run has {most} resets, and later ones answer what earlier ones pushed: `study.fork: {{at: "
                "rebalances}` gives the multiplier of each, `multiplier_cumulative` that of all"
            )
        return super().terms(arm, versus, resets)


def multiplier_at(time: str) -> type[Measure]:
    """The measure `multiplier_<time>`."""
    after = horizon_in_words(time)
    about = f"Move with the orders of a reset over the move without them, {after}: 1 + sum push / sum abs(r)."
    return at_time(Multiplier, "multiplier", time, after, about)


def multiplier_cumulative_at(time: str) -> type[Measure]:
    """The measure `multiplier_cumulative_<time>`."""
    after = horizon_in_words(time)
    about = f"Move with the orders of all resets of a run over the move without them, {after}."
    return at_time(MultiplierCumulative, "multiplier_cumulative", time, after, about)


for _time in DEFAULT_HORIZONS:
    MEASURES.register(multiplier_at(_time))
    MEASURES.register(multiplier_cumulative_at(_time))
