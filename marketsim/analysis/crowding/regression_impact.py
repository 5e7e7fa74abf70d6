"""lambda by regression: what orders move, from the trades of one run alone; biased, and there to compare with."""

from __future__ import annotations

import numpy as np
import polars as pl

from marketsim.datasets.run import Run
from marketsim.units import NS_PER_SECOND

REGRESSION_NS = 60 * NS_PER_SECOND
"""Length of the intervals over which mid changes are regressed on signed taker volume."""


def impact_by_regression(run: Run, market: str, every_ns: int = REGRESSION_NS) -> tuple[float | None, int]:
    """lambda, the slope through zero of mid changes on signed taker volume in intervals; and how many intervals.

    Biased upwards: flow also follows the price (makers' stale quotes are taken when the index moves). None where trades
    or quotes were not recorded.
    """
    quotes = run.table("quotes").filter((pl.col("market") == market) & pl.col("mid").is_not_null()).sort("t_ns")
    trades = run.scan("trades").filter(pl.col("market") == market)
    signed = pl.col("size_lots") * pl.col("price") * pl.when(pl.col("taker_side") == "buy").then(1).otherwise(-1)
    flow = trades.group_by(pl.col("t_ns") // every_ns).agg(signed.sum().alias("q")).sort("t_ns").collect()
    if quotes.is_empty() or flow.is_empty():
        return None, 0
    lot = float(run.table("instruments").filter(pl.col("market") == market)["lot"][0])
    edges = np.arange(0, int(quotes["t_ns"][-1]) + 1, every_ns)
    at = np.searchsorted(quotes["t_ns"].to_numpy(), edges, side="right") - 1
    known = at >= 0
    log_mid = np.log(quotes["mid"].to_numpy()[np.maximum(at, 0)])
    x = np.diff(log_mid)
    q = np.zeros(len(x))
    slots = flow["t_ns"].to_numpy()
    inside = slots < len(x)
    q[slots[inside]] = flow["q"].to_numpy()[inside] * lot
    good = known[:-1]
    total = float(q[good] @ q[good])
    return (float(q[good] @ x[good]) / total if total else None), int(good.sum())
