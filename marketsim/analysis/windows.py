"""The windows in which tokens rebalance: one move of one market each, whoever traded in it.

W = [t_decide, t_last] (CONTRACT section 7). Rebalances of several tokens whose windows in one market overlap are one
window from the first decision to the last fill: they push one price, and counted apart one move would weigh as often
as there are tokens. The factual run's windows serve the counterfactual too, whose own rebalances may be elsewhere. Of a
fork only the window of its event counts: what comes later in its horizon has a fork of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from marketsim.analysis.mids import Floats, Instants, mids_of
from marketsim.analysis.span import KEPT_RUNS, Span, span_of
from marketsim.datasets.run import Run

MINUTE_NS = 60 * 10**9
LEAD_NS = 30 * MINUTE_NS
LONGEST_AFTER_NS = 240 * MINUTE_NS
Stretch = tuple[int, int, float, float | None]
"""First decision, last fill [ns], what is wanted (signed notional), mid before the first decision."""


@dataclass(frozen=True, slots=True)
class Window:
    """One window: market, instants [ns], wanted (signed notional), the mid before it, and the UTC day it begins in.

    The move x is taken over [begin_ns, last_ns + after_ns]: from 30 min before the decision to H behind the last fill,
    H = min(4 h, half the gap to the market's next window), both cut to what is measured of the run.
    """

    market: str
    begin_ns: int
    decide_ns: int
    last_ns: int
    after_ns: int
    wanted: float
    arrival_mid: float | None
    day: int

    @property
    def side(self) -> int:
        """Sign of what is wanted: + buys."""
        return int(np.sign(self.wanted))


def filled_rebalances(run: Run) -> pl.DataFrame:
    """Rows of `rebalances` behind the warm-up that traded; those of arm `shadow` never do."""
    rows = run.table("rebalances")
    begin_ns = span_of(run).begin_ns
    return rows.filter(
        pl.col("t_decide_ns") >= begin_ns, pl.col("status") != "shadow", pl.col("filled_lots") != 0
    ).sort("market", "t_decide_ns", "id")


@lru_cache(maxsize=KEPT_RUNS)
def windows_of(run: Run) -> tuple[Window, ...]:
    """The windows of a run's rebalances, by market and time."""
    span = span_of(run)
    rows = filled_rebalances(run).join(run.table("instruments").select("market", "lot"), on="market", how="left")
    priced = rows.with_columns(wanted=pl.col("target_lots") * pl.col("lot") * pl.col("vwap").fill_null(0.0))
    found: list[Window] = []
    for (market,), frame in priced.group_by("market", maintain_order=True):
        merged = _merged(frame.select("t_decide_ns", "t_last_ns", "wanted", "arrival_mid").rows())
        found += _spaced(str(market), merged, span)
    event = span.event_ns
    return tuple(window for window in found if event is None or window.decide_ns <= event <= window.last_ns)


def _merged(rows: Sequence[Stretch]) -> list[Stretch]:
    """Stretches, sorted by decision, with those that overlap made one."""
    merged: list[Stretch] = []
    for decide, last, wanted, arrival in rows:
        if merged and decide <= merged[-1][1]:
            first, until, before, mid = merged[-1]
            merged[-1] = (first, max(until, last), before + wanted, mid)
        else:
            merged.append((decide, last, wanted, arrival))
    return merged


def _spaced(market: str, merged: Sequence[Stretch], span: Span) -> list[Window]:
    made = []
    for i, (decide, last, wanted, arrival) in enumerate(merged):
        gap = merged[i + 1][0] - last if i + 1 < len(merged) else 2 * LONGEST_AFTER_NS
        after = max(0, min(LONGEST_AFTER_NS, gap // 2, span.end_ns - last))
        begin = max(span.begin_ns, decide - LEAD_NS)
        made.append(Window(market, begin, decide, last, after, wanted, arrival, span.day_of(decide)))
    return made


def log_mids(run: Run, windows: Sequence[Window], instants: Instants, what_for: str) -> Floats:
    """Log mids (windows, times) of a run at `instants` (windows, times) [ns] of each window's market; NaN without."""
    mids = mids_of(run).require(what_for)
    found = [mids.at(window.market, instants[i]) for i, window in enumerate(windows)]
    return np.log(np.array(found)) if found else np.zeros(instants.shape)
