"""The log return over each rebalance window, in a run and in its counterfactual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketsim.analysis.run_data.rebalance_windows import log_mids, windows_of
from marketsim.datasets.run import Run

IN_WORDS = "from 30 min before the decision to the middle of the gap to the next reset (4 h at most)"
"""The window of these returns, as the sentence of an effect ends."""


@dataclass(frozen=True, slots=True)
class WindowReturns:
    """The log returns over one window, and the UTC day it begins on."""

    day: int
    factual: float
    counterfactual: float

    @property
    def exchanged(self) -> float:
        """The difference of squares, which changes its sign where the runs are exchanged."""
        return self.factual**2 - self.counterfactual**2


def window_returns(arm: Run, versus: Run, resets: Run, what_for: str) -> list[WindowReturns]:
    """Both runs' returns over each window of the run `resets`; windows before a market's first mid are left out.

    Where a run begins with the decision itself (a fork, or the end of the warm-up), both start at the arrival mid.
    """
    windows = windows_of(resets)
    instants = np.array([(w.begin_ns, w.last_ns + w.after_ns) for w in windows], np.int64).reshape(-1, 2)
    at_once = np.array([w.begin_ns >= w.decide_ns for w in windows], bool)
    arrivals = np.log([w.arrival_mid or np.nan for w in windows])
    moved = []
    for run in (arm, versus):
        before, after = log_mids(run, windows, instants, what_for).reshape(-1, 2).T
        moved.append(after - np.where(at_once, arrivals, before))
    f, c = moved
    known = np.isfinite(f) & np.isfinite(c)
    return [WindowReturns(w.day, float(f[i]), float(c[i])) for i, w in enumerate(windows) if known[i]]
