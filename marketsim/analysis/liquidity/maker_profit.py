"""What market makers earn, in calm and in crashes, in bp of their volume: before fees, and with fees or rebate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.mid_prices import MINUTE_NS, mids_of
from marketsim.datasets.run import Run
from marketsim.units import rate

CRASH_MOVE = 0.03
"""A crash: each window of up to `CRASH_MINUTES` over which the mid moved so much, and `AFTERMATH_MINUTES` after."""
CRASH_MINUTES = 5
AFTERMATH_MINUTES = 30


@dataclass(frozen=True, slots=True)
class MakerProfit:
    """One group of makers in one regime (`calm`, `crash` or `all`), in the currency of its market.

    volume: of its fills; profit: before fees; fees: paid, negative where the venue pays.
    """

    cohort: str
    market: str
    regime: str
    minutes: int
    volume: float
    profit: float
    fees: float

    @property
    def profit_bps(self) -> float | None:
        """Profit before fees over volume [bp]; None where nothing was traded."""
        return 1e4 * self.profit / self.volume if self.volume else None

    @property
    def net_bps(self) -> float | None:
        """Profit after fees, or with the maker rebate, over volume [bp]; None where nothing was traded."""
        return 1e4 * (self.profit - self.fees) / self.volume if self.volume else None


def maker_profits(run: Run) -> list[MakerProfit]:
    """Each group of market makers in calm, in crashes and over all measured minutes; none without recorded trades.

    A minute's profit is what its fills made until its end at the mid, and what was held at its start made in it;
    inventory counts from the run's start without what was held there. A minute without a mid at both ends is left out.
    """
    groups = [group for group in run.resolved.get("traders", ()) if group["kind"] == "market_maker"]
    if not groups or run.resolved.get("record", {}).get("trades") != "all":
        return []
    return [row for group in groups for row in _of_group(run, group)]


def crash_minutes(mids: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which minutes belong to a crash, shape (n,), by the mids at their n + 1 ends; NaN is no move."""
    n = len(mids) - 1
    is_crash = np.zeros(n, bool)
    for back in range(1, min(CRASH_MINUTES, n) + 1):
        moves = np.abs(mids[back:] / mids[:-back] - 1.0)
        for first in np.flatnonzero(moves >= CRASH_MOVE):
            is_crash[first : first + back + AFTERMATH_MINUTES] = True
    return is_crash


def _of_group(run: Run, group: dict[str, Any]) -> Iterator[MakerProfit]:
    market, cohort, period = group["market"], group["id"], measured_period(run)
    mids_of(run).require("makers' profit")
    edges = np.arange(period.begin_ns, period.end_ns + 1, MINUTE_NS)
    mids = mids_of(run).at(market, edges)
    known = np.isfinite(mids[1:]) & np.isfinite(mids[:-1])
    fills = _fills(run, market, cohort)
    minute = np.searchsorted(edges, fills["t_ns"].to_numpy(), side="right") - 1
    size, price = fills["size"].to_numpy(), fills["price"].to_numpy()
    n = len(edges) - 1
    held = _held(minute, size, n)
    inside = (minute >= 0) & (minute < n)
    minute, size, price = minute[inside], size[inside], price[inside]
    worth = np.abs(size) * price
    rates = [float(rate(group["fees"][side])) for side in ("maker", "taker")]
    rested = fills["rested"].to_numpy()[inside]
    volume = np.bincount(minute, worth, n)
    fees = np.bincount(minute, worth * np.where(rested, *rates), n)
    profit = np.bincount(minute, size * (mids[minute + 1] - price), n) + held * np.diff(mids)
    is_crash = crash_minutes(mids)
    for regime, chosen in (("calm", ~is_crash & known), ("crash", is_crash & known), ("all", known)):
        sums = [float(column[chosen].sum()) for column in (volume, profit, fees)]
        yield MakerProfit(cohort, market, regime, int(chosen.sum()), *sums)


def _held(minute: np.ndarray[Any, Any], size: Floats, n: int) -> Floats:
    """What was held at the start of each of n minutes; minute: of each fill, -1 for all before."""
    before = np.bincount(np.clip(minute + 1, 0, n), size, n + 1)
    return np.asarray(np.cumsum(before)[:n], np.float64)


def _fills(run: Run, market: str, cohort: str) -> pl.DataFrame:
    """Fills of a cohort: instant, price, signed size (+ bought), whether its own order rested."""
    lot = _lot(run, market)
    trades = run.scan("trades").filter(pl.col("market") == market)
    buys = pl.when(pl.col("taker_side") == "buy").then(1.0).otherwise(-1.0)
    sides = [
        trades.filter(pl.col(f"{side}_cohort") == cohort).select(
            "t_ns", "price", size=sign * buys * pl.col("size_lots") * lot, rested=pl.lit(side == "maker")
        )
        for side, sign in (("maker", -1.0), ("taker", 1.0))
    ]
    return pl.concat(sides).sort("t_ns", maintain_order=True).collect()


def _lot(run: Run, market: str) -> float:
    return float(run.table("instruments").filter(pl.col("market") == market)["lot"][0])
