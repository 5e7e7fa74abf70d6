"""The share of runs that collapse: in which a market was destroyed."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.measures.family import MEASURES, WHOLE_RUN, RatioOfSums, RunMeasure, Term
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.recording import TEN_MINUTES_NS, require_cadence, underlying_markets
from marketsim.datasets.run import Run

LEAST_OF_INDEX, MOST_OF_INDEX = 1 / 3, 3.0
EMPTY_SHARE = 0.10


@MEASURES.register
class CollapseShare(RatioOfSums, RunMeasure):
    """Share of runs in which a market was destroyed: its mark left the index behind, or its book was empty."""

    name, unit = "collapse_share", "share"
    if_nothing = "there was no run"
    keeps_collapsed = True

    def terms(self, run: Run) -> list[Term]:
        """One term: 1 where the run collapsed, over 1."""
        return [Term(WHOLE_RUN, float(is_collapsed(run)), 1.0)]


def is_collapsed(run: Run) -> bool:
    """Whether a market of the run was destroyed.

    It was where the mark stood below a third or above three times the index at any snapshot after the warm-up, or more
    than one snapshot in ten had no mid, in any market but a token's own. Yagi and Mizuta 2016
    (docs/literature.md#artificial-markets-with-leveraged-funds) call a market destroyed whose price runs away from its
    fundamental value; these bounds lie far beyond every deviation of a working market (99 % are within 10 bps of the
    index in the base world) and short of where only rounding is left. A token that was wiped is no collapse of a
    market: that is `wipe_probability`.
    """
    require_cadence(run, "marks", "collapse_share", TEN_MINUTES_NS)
    begin_ns, markets = measured_period(run).begin_ns, underlying_markets(run)
    rows = run.table("marks").filter(pl.col("t_ns") >= begin_ns, pl.col("market").is_in(markets))
    deviation = pl.coalesce("mark_price", "mid_price") / pl.col("index_price")
    lost = ~deviation.is_between(LEAST_OF_INDEX, MOST_OF_INDEX).fill_null(True)  # a market without an index loses none
    found = rows.group_by("market").agg(lost=lost.any(), empty=pl.col("mid_price").is_null().mean())
    return bool((found["lost"] | (found["empty"] > EMPTY_SHARE)).any())
