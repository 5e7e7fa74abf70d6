"""The loss of the venues' insurance funds."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.measures.family import MEASURES, RatioOfSums, RunMeasure, Term
from marketsim.analysis.run_data.cohort_equity import equity_changes
from marketsim.datasets.run import Run
from marketsim.units import ATOMS_PER_UNIT, NS_PER_DAY


@MEASURES.register
class InsuranceLoss(RatioOfSums, RunMeasure):
    """What insurance funds lose a day, the liquidation fees they receive left out."""

    name, unit = "insurance_loss", "currency/d"
    if_nothing = "no equity of an insurance fund was recorded"
    keeps_collapsed = True

    def terms(self, run: Run) -> list[Term]:
        """One term for each UTC day: the loss, over days."""
        fees = run.table("ledger").filter(pl.col("entry") == "liquidation_fee", pl.col("to_cohort") == "insurance")
        found = []
        for change in equity_changes(run, pl.col("cohort") == "insurance"):
            received = fees.filter(pl.col("t_ns").is_between(change.begin_ns, change.end_ns, closed="right"))
            loss = int(received["atoms"].sum()) - change.atoms
            found.append(Term(change.day, loss / ATOMS_PER_UNIT, (change.end_ns - change.begin_ns) / NS_PER_DAY))
        return found
