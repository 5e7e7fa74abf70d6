"""The windows in which tokens rebalance: one move of one market each, whichever tokens traded in it.

W = [t_decide, t_last] (docs/contract.md#windows). Rebalances of several tokens whose windows overlap in a market are
merged into one window, from the first decision to the last fill: they push one price, and counted separately one move
would enter as often as there are tokens. The windows of the factual run are also used for the counterfactual, whose own
rebalances may fall at other times. In a fork only the window of its event counts: later rebalances within its horizon
have forks of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.run_data.measured_period import MeasuredPeriod, measured_period
from marketsim.analysis.run_data.mid_prices import MINUTE_NS, mids_of
from marketsim.analysis.run_data.recording import KEPT_RUNS
from marketsim.datasets.run import Run

LEAD_NS = 30 * MINUTE_NS
LONGEST_AFTER_NS = 240 * MINUTE_NS
Stretch = tuple[int, int, float | None]
"""First decision, last fill [ns], mid before the first decision."""


@dataclass(frozen=True, slots=True)
class RebalanceWindow:
    """One window: market, instants [ns], the mid before it, and the UTC day it begins on.

    The move x is taken over [begin_ns, last_ns + after_ns]: from 30 min before the decision to H after the last fill,
    H = min(4 h, half the gap to the market's next window), both clipped to the measured period.
    """

    market: str
    begin_ns: int
    decide_ns: int
    last_ns: int
    after_ns: int
    arrival_mid: float | None
    day: int


@lru_cache(maxsize=KEPT_RUNS)
def windows_of(run: Run) -> tuple[RebalanceWindow, ...]:
    """The rebalance windows of a run, by market and time."""
    period = measured_period(run)
    found: list[RebalanceWindow] = []
    for (market,), frame in _filled_rebalances(run).group_by("market", maintain_order=True):
        merged = _merged(frame.select("t_decide_ns", "t_last_ns", "arrival_mid").rows())
        found += _spaced(str(market), merged, period)
    event = period.event_ns
    return tuple(window for window in found if event is None or window.decide_ns <= event <= window.last_ns)


def _filled_rebalances(run: Run) -> pl.DataFrame:
    """Rows of `rebalances` after the warm-up that traded; those of arm `shadow` never do."""
    begin_ns = measured_period(run).begin_ns
    return (
        run.table("rebalances")
        .filter(pl.col("t_decide_ns") >= begin_ns, pl.col("status") != "shadow", pl.col("filled_lots") != 0)
        .sort("market", "t_decide_ns", "id")
    )


def _merged(rows: Sequence[Stretch]) -> list[Stretch]:
    """Stretches, sorted by decision, with overlapping ones merged."""
    merged: list[Stretch] = []
    for decide, last, arrival in rows:
        if merged and decide <= merged[-1][1]:
            first, until, mid = merged[-1]
            merged[-1] = (first, max(until, last), mid)
        else:
            merged.append((decide, last, arrival))
    return merged


def _spaced(market: str, merged: Sequence[Stretch], period: MeasuredPeriod) -> list[RebalanceWindow]:
    made = []
    for i, (decide, last, arrival) in enumerate(merged):
        gap = merged[i + 1][0] - last if i + 1 < len(merged) else 2 * LONGEST_AFTER_NS
        after = max(0, min(LONGEST_AFTER_NS, gap // 2, period.end_ns - last))
        begin = max(period.begin_ns, decide - LEAD_NS)
        made.append(RebalanceWindow(market, begin, decide, last, after, arrival, period.day_of(decide)))
    return made


def log_mids(run: Run, windows: Sequence[RebalanceWindow], instants: Integers, what_for: str) -> Floats:
    """Log mids (windows, times) of each window's market at `instants` (windows, times) [ns]; NaN where unknown."""
    mids = mids_of(run).require(what_for)
    found = [mids.at(window.market, instants[i]) for i, window in enumerate(windows)]
    return np.log(np.array(found)) if found else np.zeros(instants.shape)
