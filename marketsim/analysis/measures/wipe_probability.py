"""The probability that a token is wiped: its equity reaches zero."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.measures.family import MEASURES, WHOLE_RUN, RatioOfSums, RunMeasure, Term
from marketsim.analysis.run_data.recording import TEN_MINUTES_NS, require_cadence
from marketsim.datasets.run import Run


@MEASURES.register
class WipeProbability(RatioOfSums, RunMeasure):
    """Share of tokens that were wiped, of those that ever had units outstanding."""

    name, unit = "wipe_probability", "share"
    if_nothing = "no token had units outstanding"
    keeps_collapsed = True

    def terms(self, run: Run) -> list[Term]:
        """One term: tokens that were wiped, over tokens."""
        require_cadence(run, "tokens", self.name, TEN_MINUTES_NS)
        tokens = run.table("tokens").filter(pl.col("supply") > 0)["token"].unique()
        wiped = run.table("events").filter(pl.col("event") == "wiped")["subject"].unique()
        return [Term(WHOLE_RUN, float(tokens.is_in(wiped.to_list()).sum()), float(len(tokens)))]
