"""The gap that resets open: s ln(M_f / M_c) some time after the last fill of each, s the sign of its summed order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from marketsim.analysis.measures.family import Reset
from marketsim.analysis.run_data.market_units import market_units
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.measured_resets import after_ns, measured_resets
from marketsim.analysis.run_data.mid_prices import MINUTE_NS, mids_of
from marketsim.analysis.run_data.recording import KEPT_RUNS
from marketsim.analysis.run_data.reset_moves import Move, move_before
from marketsim.datasets.resets import MarketReset
from marketsim.datasets.run import Run
from marketsim.units import ATOMS_PER_UNIT, NS_PER_SECOND

AT_H = "H"
TAUS: Mapping[str, int | None] = {
    "0s": 0, "1min": MINUTE_NS, "5min": 5 * MINUTE_NS, "30min": 30 * MINUTE_NS, "2h": 120 * MINUTE_NS, AT_H: None
}  # fmt: skip
"""Times after the last fill [ns], as the names of measures end in them; None is H."""

IN_WORDS: Mapping[str, str] = {
    "0s": "at the end of the resets", "1min": "1 min after the resets", "5min": "5 min after the resets",
    "30min": "30 min after the resets", "2h": "2 h after the resets",
    AT_H: "half-way to the next reset (4 h after the resets at most)",
}  # fmt: skip

COARSEST_NS = 10 * NS_PER_SECOND
"""The coarsest mids at which the end of a reset can be told from what comes after it."""


@dataclass(frozen=True, slots=True)
class ResetGap:
    """A reset, the baseline's move before it, and the gap after it; None for what could not be read."""

    reset: MarketReset
    day: int
    gap: float | None
    move: Move | None
    told: Reset | None

    @property
    def weight(self) -> float:
        """What it counts: its summed order, absolute."""
        return float(abs(self.reset.target_lots))


@lru_cache(maxsize=KEPT_RUNS)
def reset_gaps(arm: Run, versus: Run, resets: Run, tau: str) -> tuple[ResetGap, ...]:
    """The gap between two runs at `tau` after every reset of the run `resets`, a key of `TAUS`.

    A time beyond the end of a run, or at which one of the two had no mid, could not be read. Raises ResultError where
    mids were written too seldom.
    """
    period = measured_period(resets)
    end_ns = min(measured_period(run).end_ns for run in (arm, versus))
    for run in (arm, versus):
        mids_of(run).require("the push of resets", COARSEST_NS)
    found = []
    for reset in measured_resets(resets):
        move = move_before(reset, resets, versus)
        at = _instant(reset, tau)
        gap = None if at is None or at > end_ns else _gap(arm, versus, reset, at)
        found.append(ResetGap(reset, period.day_of(reset.decide_ns), gap, move, _told(reset, move, resets)))
    return tuple(found)


def _instant(reset: MarketReset, tau: str) -> int | None:
    """When a gap is read [ns]; None where nothing of the reset filled."""
    if reset.last_ns is None:
        return None
    after = TAUS[tau]
    return reset.last_ns + (after_ns(reset, reset.last_ns) if after is None else after)


def _gap(arm: Run, versus: Run, reset: MarketReset, at_ns: int) -> float | None:
    f, c = (float(mids_of(run).standing(reset.market, np.array([at_ns]))[0]) for run in (arm, versus))
    gap = reset.sign * (np.log(f) - np.log(c))
    return float(gap) if np.isfinite(gap) else None


def _told(reset: MarketReset, move: Move | None, run: Run) -> Reset | None:
    """What the sentence of an effect says of a reset."""
    if move is None:
        return None
    units, price = market_units(run)[reset.market], move.price * (1 + move.r)
    assets = sum(order.last_reset_equity_atoms for order in reset.orders) / ATOMS_PER_UNIT
    order = abs(units.worth_atoms(reset.target_lots, price)) / ATOMS_PER_UNIT
    return Reset(assets, order, abs(move.r), units.asset)
