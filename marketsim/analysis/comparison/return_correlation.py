"""The correlation of two runs' 1-minute returns, market by market: how alike their prices are, and until when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.mid_prices import MINUTE_NS, mids_of
from marketsim.analysis.run_data.recording import underlying_markets
from marketsim.datasets.run import Run

RETURNS_AT_A_TIME = 60
HALF = 0.5


@dataclass(frozen=True, slots=True)
class ReturnCorrelation:
    """Correlation of two runs' 1-minute returns of a market's mid.

    overall: of all returns; None where mids are coarser than a minute or there are none. fell_ns: end of the first
    window of 60 returns whose correlation is below one half; None where there is none.
    """

    market: str
    overall: float | None
    fell_ns: int | None


def return_correlations(a: Run, b: Run) -> tuple[ReturnCorrelation, ...]:
    """The correlation of two runs' returns in each market of an underlying that both have."""
    others = underlying_markets(b)
    return tuple(return_correlation(a, b, market) for market in underlying_markets(a) if market in others)


def return_correlation(a: Run, b: Run, market: str) -> ReturnCorrelation:
    """Correlation of the 1-minute log returns of a market's mid in two runs, after both warm-ups.

    Two mids that never move correlate fully where they are equal; a market that moves in one run only has
    correlation 0.
    """
    periods = [measured_period(run) for run in (a, b)]
    begin, end = max(each.begin_ns for each in periods), min(each.end_ns for each in periods)
    minutes = np.arange(begin, end + 1, MINUTE_NS)
    mids = [mids_of(run) for run in (a, b)]
    if not all(each.is_as_fine_as(MINUTE_NS) for each in mids):
        return ReturnCorrelation(market, None, None)
    x, y = (np.diff(np.log(each.at(market, minutes))) for each in mids)
    known = np.isfinite(x) & np.isfinite(y)
    x, y, ends = x[known], y[known], minutes[1:][known]
    if len(x) < 2:
        return ReturnCorrelation(market, None, None)
    for last in range(RETURNS_AT_A_TIME, len(x) + 1):
        window = slice(last - RETURNS_AT_A_TIME, last)
        if correlation(x[window], y[window]) < HALF:
            return ReturnCorrelation(market, correlation(x, y), int(ends[last - 1]))
    return ReturnCorrelation(market, correlation(x, y), None)


def correlation(x: Floats, y: Floats) -> float:
    """Pearson's correlation; for series without variance 1 where they are equal, else 0."""
    if np.array_equal(x, y):
        return 1.0
    dx, dy = x - x.mean(), y - y.mean()
    spread = float(np.sqrt((dx @ dx) * (dy @ dy)))
    return float(dx @ dy) / spread if spread > 0.0 else 0.0
