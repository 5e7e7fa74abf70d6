"""K: what funds would trade after a move, in currency per unit of return since their last reset.

K of market m to a move of market j = sum over tokens of target_im target_ij A_i - delta_mj target_im A_i, A the assets
at the last reset, of the tokens whose orders were decided at one instant. For one leg it is the sum of L (L - 1) A
(Cheng & Madhavan 2009; docs/theory.md#order-of-one-fund). The orders of the instant are K r.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

import polars as pl

from marketsim.analysis.run_data.recording import KEPT_RUNS
from marketsim.datasets.resets import MarketReset, resets_of
from marketsim.datasets.run import Run
from marketsim.units import ATOMS_PER_UNIT

Demand = dict[tuple[str, str], float]
"""K by (market traded, market moved) [currency per unit of return]."""
Baskets = Mapping[str, Mapping[str, float]]
"""Signed target leverage by token and market."""


@lru_cache(maxsize=KEPT_RUNS)
def baskets_of(run: Run) -> Baskets:
    """The basket of every token of a run."""
    return {
        token["id"]: {market: float(target) for market, target in token["basket"].items()}
        for token in run.resolved.get("tokens", [])
    }


def demand(assets: Mapping[str, float], baskets: Baskets) -> Demand:
    """K of tokens with such assets [currency] at their last reset."""
    markets = sorted({market for token in assets for market in baskets[token]})
    k = {(m, j): 0.0 for m in markets for j in markets}
    for token, worth in assets.items():
        for m, target in baskets[token].items():
            for j, other in baskets[token].items():
                k[m, j] += target * other * worth - (target * worth if m == j else 0.0)
    return k


def demand_at(run: Run, decide_ns: int) -> Demand:
    """K of the tokens of which an order was decided at an instant of a run."""
    return demand(_assets(reset for reset in resets_of(run) if reset.decide_ns == decide_ns), baskets_of(run))


def own_demand(run: Run, reset: MarketReset) -> float:
    """K of a reset's market to its own moves [currency per unit of return]."""
    return demand(_assets([reset]), baskets_of(run))[reset.market, reset.market]


def demands_by_instant(run: Run, triggers: Collection[str]) -> dict[int, Demand]:
    """K of every instant at which one of these triggers decided a rebalance, in the book or off it, by instant [ns]."""
    rows = run.table("rebalances").filter(pl.col("trigger").is_in(list(triggers)))
    found = {}
    for (at,), frame in rows.group_by("t_decide_ns", maintain_order=True):
        assets = dict(frame.select("token", pl.col("last_reset_equity_atoms") / ATOMS_PER_UNIT).iter_rows())
        found[int(str(at))] = demand(assets, baskets_of(run))
    return found


def _assets(resets: Iterable[MarketReset]) -> dict[str, float]:
    """Assets of the tokens of some resets at their last one [currency]."""
    return {order.token: order.last_reset_equity_atoms / ATOMS_PER_UNIT for reset in resets for order in reset.orders}
