"""The participation rate of rebalances: their share of the market's volume while they are worked."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.measures.family import MEASURES, RatioOfSums, RunMeasure, Term
from marketsim.analysis.measures.rebalance_costs import IN_WORDS
from marketsim.analysis.run_data.rebalance_orders import orders_of
from marketsim.datasets.run import Run


@MEASURES.register
class Participation(RatioOfSums, RunMeasure):
    """Own fills over the market's volume while tokens rebalance, from the decision to the last fill."""

    name, unit = "participation", "share"
    if_nothing = "no rebalance traded in a book"
    window = IN_WORDS

    def terms(self, run: Run) -> list[Term]:
        """One term for each order, in notional at its average price."""
        rows = orders_of(run).filter(pl.col("participation").is_not_null(), pl.col("vwap").is_not_null())
        volume = pl.col("market_volume_lots") * pl.col("lot") * pl.col("vwap")
        told = rows.select("day", pl.col("participation") * volume, volume.alias("volume"), "market")
        return [Term(*row) for row in told.iter_rows()]
