"""What a reset's orders move, by its probes: buying and selling apart, at one size and horizon, in every market.

x is the push to the probe's side over the price of the last reset, Q what the probe wanted [currency]: lambda = x / Q.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.analysis.crowding.probe_impact import CHILD, RESET, Push, probes_of, pushes_of
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.measured_resets import measured_resets
from marketsim.analysis.run_data.recording import KEPT_RUNS
from marketsim.analysis.run_data.reset_demand import demand_at
from marketsim.analysis.run_data.reset_moves import Move, move_before
from marketsim.datasets.resets import MarketReset
from marketsim.datasets.run import Run

BUY, SELL = 1, -1
OWN_SIZE = 1.0
"""The size of the orders themselves."""


@dataclass(frozen=True, slots=True)
class SideImpact:
    """x in each market seen, of an order of `notional` in one; at least that where the side was emptied."""

    x: Mapping[str, float]
    notional: float
    is_bound: bool


@dataclass(frozen=True, slots=True)
class ResetImpact:
    """A reset of one market, the move it answers, and the impact of its probes by side; None for what is not known."""

    reset: MarketReset
    day: int
    move: Move | None
    sides: Mapping[int, SideImpact | None]

    @property
    def own(self) -> SideImpact | None:
        """The impact on the side of the reset's own orders."""
        return self.sides[self.reset.sign]


@dataclass(frozen=True, slots=True)
class InstantImpact:
    """All resets of one instant: their markets, X (seen, traded), Q (traded,), K (traded, moved).

    X is to the side of each market's own orders.
    """

    markets: tuple[str, ...]
    resets: tuple[ResetImpact, ...]
    x: Floats
    notional: Floats
    k: Floats

    @property
    def day(self) -> int:
        """The UTC day of it."""
        return self.resets[0].day

    @property
    def bounds(self) -> int:
        """Markets whose side was emptied."""
        return sum(each.own is not None and each.own.is_bound for each in self.resets)

    @property
    def implied_move(self) -> float:
        """The absolute return for which funds would trade Q: sum Q over sum of each market's own K."""
        return float(self.notional.sum() / np.abs(np.diag(self.k)).sum())


@lru_cache(maxsize=4 * KEPT_RUNS)
def reset_impacts(run: Run, versus: Run, horizon: str, size: float = OWN_SIZE) -> tuple[ResetImpact, ...]:
    """The impact of the probes of every measured reset of a run at a horizon; `versus` is the baseline.

    A look beyond the run, and one at which there was no mid without the order, leave sides that are None; a run at
    whose resets none was sent has no impacts.
    """
    if probes_of(run) is None:
        return ()
    period, moved = measured_period(run), pushes_of(run)
    prices = {(r.market, r.decide_ns): move_before(r, run, versus) for r in measured_resets(run)}
    found = []
    for reset in measured_resets(run):
        pushes = [
            push
            for push in moved.get((reset.market, reset.decide_ns), ())
            if push is not None and (push.schedule, push.size, push.horizon) == (RESET, size, horizon)
        ]
        sides = {side: _side(pushes, side, prices) for side in (BUY, SELL)}
        move = prices[reset.market, reset.decide_ns]
        found.append(ResetImpact(reset, period.day_of(reset.decide_ns), move, sides))
    return tuple(found)


def _side(pushes: list[Push], side: int, moves: Mapping[tuple[str, int], Move | None]) -> SideImpact | None:
    """What was seen of one side's probe, in every market that has a reset at that instant."""
    mine = [push for push in pushes if push.side == side]
    own = next((push for push in mine if push.seen == push.market), None)
    if own is None:
        return None
    x = {}
    for push in mine:
        move = moves.get((push.seen, push.decide_ns))
        if move is not None:
            x[push.seen] = side * push.change / move.price
    return SideImpact(x, own.notional, own.is_bound) if own.market in x else None


def instant_impacts(run: Run, versus: Run, horizon: str) -> Iterator[InstantImpact | int]:
    """The impact of the orders of every instant at their own size; the UTC day alone where it cannot be read."""
    impacts = sorted(reset_impacts(run, versus, horizon), key=lambda each: (each.reset.decide_ns, each.reset.market))
    for decide_ns, group in groupby(impacts, key=lambda each: each.reset.decide_ns):
        found = tuple(group)
        yield _of_instant(found, run, decide_ns) or found[0].day


def _of_instant(found: tuple[ResetImpact, ...], run: Run, decide_ns: int) -> InstantImpact | None:
    markets = tuple(each.reset.market for each in found)
    columns, notional = [], []
    for each in found:
        if each.own is None or not set(markets) <= set(each.own.x):
            return None
        columns.append([each.own.x[market] for market in markets])
        notional.append(each.own.notional)
    k = demand_at(run, decide_ns)
    matrix = np.array([[k[m, j] for j in markets] for m in markets])
    if not np.abs(np.diag(matrix)).sum():
        return None
    return InstantImpact(markets, found, np.array(columns).T, np.array(notional), matrix)


@dataclass(frozen=True, slots=True)
class Kernel:
    """What one child alone moved, by the time after it [ns]: x of the mid, and of the mark that funds are sized at."""

    notional: float
    mid: Mapping[int, float]
    mark: Mapping[int, float]


def kernel_of(run: Run, reset: MarketReset, price: float) -> Kernel | None:
    """The kernel of a child to the side of a reset's orders, over the price of its last reset; None without a probe."""
    found = [
        push
        for push in pushes_of(run).get((reset.market, reset.decide_ns), ())
        if push is not None and (push.schedule, push.side, push.seen) == (CHILD, reset.sign, reset.market)
    ]
    if not found:
        return None
    lags = [push.look_ns - reset.decide_ns for push in found]
    mids = {lag: reset.sign * push.change / price for lag, push in zip(lags, found, strict=True)}
    marks = {lag: reset.sign * push.mark_change / price for lag, push in zip(lags, found, strict=True)}
    return Kernel(found[0].notional, mids, marks)


def nearest(kernel: Mapping[int, float], lag_ns: int) -> float:
    """A kernel at the time nearest to a lag at which it was looked at."""
    return kernel[min(kernel, key=lambda known: abs(known - lag_ns))]
