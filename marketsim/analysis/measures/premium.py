"""The premium of tokens' market prices over their NAV."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.measures.family import MEASURES, RatioOfSums, RunMeasure, Term
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.recording import TEN_MINUTES_NS, require_cadence
from marketsim.datasets.run import Run


@MEASURES.register
class Premium(RatioOfSums, RunMeasure):
    """Mean of market price over NAV, less 1, of tokens with a market of their own; negative is a discount."""

    name, unit = "premium", "bps"
    if_nothing = "no token has a market of its own with both sides quoted"
    scale = 1e4

    def terms(self, run: Run) -> list[Term]:
        """One term for each UTC day: the premiums of all snapshots and tokens, over their number."""
        return [Term(day, float(values.sum()), float(len(values))) for day, values in daily_premiums(run, self.name)]


def daily_premiums(run: Run, what_for: str) -> list[tuple[int, pl.Series]]:
    """The premium of every token at every snapshot, by UTC day; days without any are left out."""
    require_cadence(run, "tokens", what_for, TEN_MINUTES_NS)
    period = measured_period(run)
    rows = run.table("tokens").filter(pl.col("t_ns") >= period.begin_ns, pl.col("premium_to_nav").is_not_null())
    by_day = (
        (day, rows.filter(pl.col("t_ns").is_between(begin, end, closed="right"))["premium_to_nav"])
        for day, begin, end in period.days()
    )
    return [(day, values) for day, values in by_day if len(values)]
