"""A measure: how often somebody trades."""

from __future__ import annotations

from marketsim.analysis.measures.family import RatioOfSums, RunMeasure, Term
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.datasets.run import Run


class TradesPerHour(RatioOfSums, RunMeasure):
    """Trades in the books per hour."""

    name, unit = "trades_per_hour", "1/h"
    if_nothing = "the run has no measured part"

    def terms(self, run: Run) -> list[Term]:
        """One term for each UTC day: trades, over hours."""
        times = run.table("trades")["t_ns"]
        return [
            Term(day, float(times.is_between(begin, end, closed="right").sum()), (end - begin) / 3.6e12)
            for day, begin, end in measured_period(run).days()
        ]
