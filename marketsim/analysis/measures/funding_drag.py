"""The funding drag: what tokens pay for their positions."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.measures.family import MEASURES, RatioOfSums, RunMeasure, Term
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.recording import TEN_MINUTES_NS, require_cadence
from marketsim.datasets.run import Run
from marketsim.units import NS_PER_DAY


@MEASURES.register
class FundingDrag(RatioOfSums, RunMeasure):
    """Funding that tokens paid, per day and equity; negative where they received it."""

    name, unit = "funding_drag", "bps/d"
    if_nothing = "no token had equity"
    scale = 1e4

    def terms(self, run: Run) -> list[Term]:
        """One term for each token and UTC day: funding its account paid, over mean equity x days."""
        require_cadence(run, "tokens", self.name, TEN_MINUTES_NS)
        tokens = run.table("tokens").filter(pl.col("equity_atoms") > 0)
        paid = _funding_paid(run)
        found = []
        for day, begin, end in measured_period(run).days():
            inside = pl.col("t_ns").is_between(begin, end, closed="right")
            equity = tokens.filter(inside).group_by("token").agg(pl.col("equity_atoms").mean())
            for token, mean in equity.sort("token").iter_rows():
                atoms = paid.filter(inside, pl.col("token") == token)["atoms"].sum()
                found.append(Term(day, float(atoms), mean * (end - begin) / NS_PER_DAY))
        return found


def _funding_paid(run: Run) -> pl.DataFrame:
    """Funding entries of the ledger: t_ns, token (any cohort), atoms it paid."""
    pays = pl.col("to_cohort") == "venue"
    return (
        run.table("ledger")
        .filter(pl.col("entry") == "funding")
        .select(
            "t_ns",
            token=pl.when(pays).then("from_cohort").otherwise("to_cohort"),
            atoms=pl.when(pays).then("atoms").otherwise(-pl.col("atoms")),
        )
    )
