"""The cost of resets to the funds: what they paid beyond the market without their orders, and fees."""

from __future__ import annotations

from marketsim.analysis.measures.family import MEASURES, WHOLE_RUN, PairMeasure, RatioOfSums, Term
from marketsim.analysis.run_data.reset_costs import reset_costs
from marketsim.datasets.run import Run
from marketsim.errors import ResultError


@MEASURES.register
class ResetCost(RatioOfSums, PairMeasure):
    """What resets cost funds per assets: fees, and what fills paid beyond the mid without the funds' orders.

    The push of all funds' orders counts, also of those that came before; `run_data.reset_costs`.
    """

    name, unit = "reset_cost", "bps"
    if_nothing = "no token had assets"
    scale = 1e4

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for the run: the funds' costs over their assets; raises ResultError for several currencies."""
        funds = reset_costs(arm, versus).values()
        if len({fund.currency for fund in funds}) > 1:
            raise ResultError(f"{arm.path}: costs of funds in several currencies do not add up")
        assets = sum(fund.assets for fund in funds)
        return [Term(WHOLE_RUN, sum(fund.cost for fund in funds), assets)] if assets else []
