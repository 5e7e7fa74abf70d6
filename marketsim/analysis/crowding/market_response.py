"""What others trade after a move: liquidations in its direction, and traders who lean against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from json import loads

import numpy as np
import polars as pl


@dataclass(frozen=True)
class MarketResponse:
    """What others trade per unit of return [currency]: by liquidation in the move's direction (G), or against it (C).

    r = r0 / (1 - lambda (K + G - C)) (docs/theory.md#liquidations-and-contrarians); lambda from live probes includes
    both already.
    """

    liquidation_density: float | None
    contrarian_liquidity: float | None


def market_response(
    pairs: pl.DataFrame, market: str, horizon_ns: int, *, leaning: Iterable[str], money_per_lot: float
) -> MarketResponse:
    """G and C of a market from its pairs of probes: least squares of what was traded on the move x.

    leaning: cohorts that count in C (traders who are neither makers, who take the other side of anything, nor funds);
    what liquidations traded for them is taken out of it. money_per_lot: at a typical price [currency].
    """
    rows = pairs.filter(
        (pl.col("market") == market) & (pl.col("seen") == market) & (pl.col("horizon_ns") == horizon_ns)
    )
    x = rows["x"].to_numpy()
    total = float(x @ x)
    if not total:
        return MarketResponse(None, None)
    names = set(leaning)
    bought = np.array(
        [sum(lots for name, lots in loads(change).items() if name in names) for change in rows["change"]], np.float64
    )
    density = float(x @ rows["liquidated"].to_numpy()) / total
    others = float(x @ bought) * money_per_lot / total
    return MarketResponse(density, density - others)
