"""The baseline's move since the last reset: r = M_c(t_decide) / P - 1, P the price of the last reset."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from marketsim.analysis.run_data.mid_prices import mids_of
from marketsim.analysis.run_data.recording import KEPT_RUNS
from marketsim.analysis.run_data.reset_demand import baskets_of
from marketsim.datasets.resets import MarketReset, ResetOrder
from marketsim.datasets.run import Run


@dataclass(frozen=True, slots=True)
class Move:
    """price: of the last reset. r: the baseline's simple return since then."""

    price: float
    r: float


def move_before(reset: MarketReset, run: Run, baseline: Run) -> Move | None:
    """The move that a reset of a run answers; None where the baseline had no mid at the decision.

    Tokens whose last resets fell at different prices have one r together, each counting by its K: then K r is what
    they want together, and P is the price from which the baseline moved by r.
    """
    mids, at = mids_of(baseline), np.array([reset.decide_ns])
    is_own = baseline.path == run.path  # then the reset's own orders are in what stands after its instant
    mid = float((mids.before(reset.market, at) if is_own else mids.standing(reset.market, at))[0])
    weights, moves = [], []
    for order in reset.orders:
        price = _last_reset_price(order, reset, run, baseline)
        if price is None or not np.isfinite(mid):
            return None
        weights.append(_weight(order, reset.market, run))
        moves.append(mid / price - 1)
    r = float(np.average(moves, weights=weights if any(weights) else None))
    return Move(mid / (1 + r), r) if r > -1 else None


def _weight(order: ResetOrder, market: str, run: Run) -> float:
    target = baskets_of(run)[order.token][market]
    return abs(target * (target - 1)) * order.last_reset_equity_atoms


def _last_reset_price(order: ResetOrder, reset: MarketReset, run: Run, baseline: Run) -> float | None:
    """The price of a token's last reset in the baseline: as its own funds have it, else its mid at that instant.

    Where neither run had reset the token before, both opened at one price; forks share their last reset.
    """
    if baseline.path == run.path:
        return order.last_reset_price
    known = _baseline_prices(baseline).get((order.token, reset.market, reset.decide_ns))
    if known is not None:
        return known
    before = _ends_of(run).get((order.token, reset.market), [])
    earlier = [end for decide, end in before if decide < reset.decide_ns]
    if not earlier:
        return order.last_reset_price
    mid = float(mids_of(baseline).standing(reset.market, np.array([max(earlier)]))[0])
    return mid if np.isfinite(mid) else None


@lru_cache(maxsize=KEPT_RUNS)
def _baseline_prices(run: Run) -> dict[tuple[str, str, int], float]:
    """Price of the last reset at each decision of a run's own funds, in the book or off it."""
    rows = run.table("rebalances").select("token", "market", "t_decide_ns", "last_reset_price")
    return {(token, market, at): price for token, market, at, price in rows.iter_rows()}


@lru_cache(maxsize=KEPT_RUNS)
def _ends_of(run: Run) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Decision and last fill of each earlier rebalance of a run, by token and market."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    rows = run.table("rebalances").select("token", "market", "t_decide_ns", "t_last_ns")
    for token, market, decide, last in rows.iter_rows():
        found.setdefault((token, market), []).append((decide, max(decide, last)))
    return found
