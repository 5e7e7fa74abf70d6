"""lambda(Q, h): the price change per unit of currency traded, of probes of the orders' own size, by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from marketsim.analysis.crowding.reset_impact import BUY, SELL, reset_impacts
from marketsim.analysis.measures.at_horizons import at_time
from marketsim.analysis.measures.crowding_number import NOT_PROBED
from marketsim.analysis.measures.family import MEASURES, Measure, PairMeasure, RatioOfSums, Term, unread
from marketsim.analysis.measures.reset_pushes import DEFAULT_HORIZONS
from marketsim.datasets.run import Run
from marketsim.scenario.study.horizon import horizon_in_words


class ImpactPerUsdtBuy(RatioOfSums, PairMeasure):
    """sum x / sum Q over resets, x the push of a probe over the price of the last reset, Q what it wanted [currency].

    A side that a probe emptied counts with the least that it can have moved.
    """

    unit = "1/currency"
    if_nothing = NOT_PROBED
    no_effect = None
    time: ClassVar[str]
    side: ClassVar[int] = BUY

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each reset: x, over Q."""
        return list(self._terms(arm, versus))

    def _terms(self, arm: Run, versus: Run) -> Iterator[Term]:
        for each in reset_impacts(arm, versus, self.time):
            side, market = each.sides[self.side], each.reset.market
            if side is None:
                yield unread(each.day, market)
            else:
                yield Term(each.day, side.x[market], side.notional, market, dropped=int(side.is_bound))


class ImpactPerUsdtSell(ImpactPerUsdtBuy):
    """The same of selling; + where the price falls."""

    side = SELL


def impact_per_usdt_buy_at(time: str) -> type[Measure]:
    """The measure `impact_per_usdt_buy_<time>`."""
    after = horizon_in_words(time)
    about = f"Relative rise of the price per unit of currency bought, {after}, by probes of the orders' own size."
    return at_time(ImpactPerUsdtBuy, "impact_per_usdt_buy", time, after, about)


def impact_per_usdt_sell_at(time: str) -> type[Measure]:
    """The measure `impact_per_usdt_sell_<time>`."""
    after = horizon_in_words(time)
    about = f"Relative fall of the price per unit of currency sold, {after}, by probes of the orders' own size."
    return at_time(ImpactPerUsdtSell, "impact_per_usdt_sell", time, after, about)


for _time in DEFAULT_HORIZONS:
    MEASURES.register(impact_per_usdt_buy_at(_time))
    MEASURES.register(impact_per_usdt_sell_at(_time))
