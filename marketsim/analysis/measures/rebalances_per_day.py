"""How often tokens rebalance."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.measures.family import MEASURES, RatioOfSums, RunMeasure, Term
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.rebalance_orders import orders_of
from marketsim.analysis.run_data.recording import require_cadence
from marketsim.datasets.run import Run
from marketsim.units import NS_PER_DAY


@MEASURES.register
class RebalancesPerDay(RatioOfSums, RunMeasure):
    """Decisions to rebalance per token and day; a basket's decision counts once."""

    name, unit = "rebalances_per_day", "1/d"
    if_nothing = "no token had units outstanding"

    def terms(self, run: Run) -> list[Term]:
        """One term for each UTC day: decisions, over days of tokens with units outstanding."""
        require_cadence(run, "tokens", self.name, NS_PER_DAY // 24)
        decisions = orders_of(run).unique(["token", "t_decide_ns"]).group_by("day").len()
        count = dict(decisions.iter_rows())
        tokens = run.table("tokens").select("t_ns", "token", alive=pl.col("supply") > 0)
        found = []
        for day, begin, end in measured_period(run).days():
            inside = tokens.filter(pl.col("t_ns").is_between(begin, end, closed="right"))
            alive = float(inside.group_by("token").agg(pl.col("alive").mean())["alive"].sum())
            found.append(Term(day, float(count.get(day, 0)), alive * (end - begin) / NS_PER_DAY))
        return found
