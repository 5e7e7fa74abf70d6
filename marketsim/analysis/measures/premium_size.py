"""The distance of tokens' market prices from their NAV, premium or discount alike."""

from __future__ import annotations

from marketsim.analysis.measures.family import MEASURES, RatioOfSums, RunMeasure, Term
from marketsim.analysis.measures.premium import daily_premiums
from marketsim.datasets.run import Run


@MEASURES.register
class PremiumSize(RatioOfSums, RunMeasure):
    """Mean distance of market price from NAV, whatever its sign, of tokens with a market of their own."""

    name, unit = "premium_size", "bps"
    if_nothing = "no token has a market of its own with both sides quoted"
    scale = 1e4

    def terms(self, run: Run) -> list[Term]:
        """One term for each UTC day: absolute premiums of all snapshots and tokens, over their number."""
        daily = daily_premiums(run, self.name)
        return [Term(day, float(values.abs().sum()), float(len(values))) for day, values in daily]
