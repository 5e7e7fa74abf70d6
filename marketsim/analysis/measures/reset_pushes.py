"""The push of resets in simple returns over the price of the last reset: (M_f - M_c)(t_last + h) / P."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from marketsim.analysis.measures.reset_gaps import COARSEST_NS
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.measured_resets import measured_resets
from marketsim.analysis.run_data.mid_prices import mids_of
from marketsim.analysis.run_data.recording import KEPT_RUNS
from marketsim.analysis.run_data.reset_moves import Move, move_before
from marketsim.datasets.resets import MarketReset
from marketsim.datasets.run import Run
from marketsim.scenario.study.horizon import NEXT, horizon_ns

DEFAULT_HORIZONS = ("0s", "2min", "30min", NEXT)
"""Times h after the last fill, as the names of measures end in them; `next` is just before the next reset."""


@dataclass(frozen=True, slots=True)
class ResetPush:
    """A reset, the move it answers, and its push to the side of its order; None for what could not be read."""

    reset: MarketReset
    day: int
    move: Move | None
    push: float | None


@lru_cache(maxsize=KEPT_RUNS)
def reset_pushes(arm: Run, versus: Run, resets: Run, horizon: str) -> tuple[ResetPush, ...]:
    """The push in `arm` at a horizon after every reset of the run `resets`, `versus` being the world without it.

    Raises ResultError where mids were written too seldom.
    """
    period = measured_period(resets)
    end_ns = min(measured_period(run).end_ns for run in (arm, versus))
    for run in (arm, versus):
        mids_of(run).require("the push of resets", COARSEST_NS)
    found = []
    for reset in measured_resets(resets):
        move, push = move_before(reset, resets, versus), None
        at = _instant(reset, horizon)
        if move is not None and at is not None and at <= end_ns:
            f, c = (_mid(run, reset.market, at, horizon) for run in (arm, versus))
            moved = reset.sign * (f - c) / move.price
            push = moved if np.isfinite(moved) else None
        found.append(ResetPush(reset, period.day_of(reset.decide_ns), move, push))
    return tuple(found)


def _instant(reset: MarketReset, horizon: str) -> int | None:
    """When a push is read [ns]; None where nothing filled, or there is no next reset."""
    if reset.last_ns is None:
        return None
    return reset.next_ns if horizon == NEXT else reset.last_ns + horizon_ns(horizon)


def _mid(run: Run, market: str, at_ns: int, horizon: str) -> float:
    mids, at = mids_of(run), np.array([at_ns])
    return float((mids.before(market, at) if horizon == NEXT else mids.standing(market, at))[0])
