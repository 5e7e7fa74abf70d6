"""What rebalances cost, each order weighted by its notional at the arrival mid, as terms of a ratio of sums."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.measures.family import Term
from marketsim.analysis.run_data.rebalance_orders import orders_of
from marketsim.datasets.run import Run

IN_WORDS = "from the decision to the last fill"
"""When costs of rebalances are looked at, as the sentence of an effect ends."""


def cost_terms(run: Run, cost: str, size: str) -> list[Term]:
    """A term for each order whose `cost` [bps] is known: cost x notional over notional, for the lots in `size`."""
    notional = pl.col(size).abs() * pl.col("lot") * pl.col("arrival_mid")
    known = orders_of(run).filter(pl.col(cost).is_not_null(), pl.col("arrival_mid").is_not_null())
    rows = known.select("day", pl.col(cost) * notional, notional.alias("notional"), "market")
    return [Term(*row) for row in rows.iter_rows()]
