"""The side that a large order hits: what is left of it within 2 bp, and how soon half of the loss is back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from marketsim.analysis.arrays import Flags, Floats, Integers
from marketsim.analysis.stylised_facts.depth import depth_of
from marketsim.analysis.stylised_facts.fact import Estimate, NotMeasurableError, from_items
from marketsim.analysis.stylised_facts.tape import MINUTE_NS, SECOND_NS, Tape

WITHIN_BPS = 2.0
LARGEST = 0.01
FEWEST_ORDERS = 10
_FINEST_NS = SECOND_NS // 10
_BEFORE_NS = 2 * SECOND_NS
_AFTER_S = (0.15, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0)
"""Instants after the order at which the side is read: the first sample from .1 s after it on is the first."""
SHOWS_IT = "record: {depth: {bps: [2, 10], every: 100ms}} shows it"


def recoveries(tape: Tape) -> tuple[Integers, Floats]:
    """Instants (n,) of the largest 1 % of orders by notional, and the hit side after each over its mean of 2 s before.

    (n, 15); NaN where no sample is near.
    """
    orders = tape.signed_orders
    if tape.depth is not None and tape.depth.every_ns > _FINEST_NS:
        raise NotMeasurableError(f"depth every {tape.depth.every_ns / SECOND_NS:g} s; {SHOWS_IT}")
    depth, bids, asks = depth_of(tape, WITHIN_BPS)
    count = max(1, int(LARGEST * orders.number))  # of equal sizes the earlier ones
    large = np.sort(np.argsort(-orders.notional, kind="stable")[:count])
    times, buys = orders.t_ns[large], orders.sign[large] > 0
    low = np.searchsorted(depth.t_ns, times - _BEFORE_NS)
    high = np.searchsorted(depth.t_ns, times)
    hit = [np.append(0.0, np.cumsum(side)) for side in (bids, asks)]
    with np.errstate(invalid="ignore", divide="ignore"):
        before = np.where(buys, hit[1][high] - hit[1][low], hit[0][high] - hit[0][low]) / (high - low)
        found = [_read(depth.t_ns, times + int(after * SECOND_NS), buys, bids, asks) / before for after in _AFTER_S]
    ratios = np.stack(found, axis=1)
    usable = np.isfinite(ratios[:, 0]) & (before > 0)
    if usable.sum() < FEWEST_ORDERS:
        raise NotMeasurableError(f"{usable.sum()} large orders with depth around them; {FEWEST_ORDERS} are needed")
    return times[usable], ratios[usable]


def _read(t_ns: Integers, at_ns: Integers, buys: Flags, bids: Floats, asks: Floats) -> Floats:
    """The hit side in the nearest sample, NaN where none is within .15 s."""
    place = np.clip(np.searchsorted(t_ns, at_ns - _FINEST_NS // 2), 0, len(t_ns) - 1)
    near = np.abs(t_ns[place] - at_ns) <= 3 * _FINEST_NS // 2
    found: Floats = np.where(near, np.where(buys, asks[place], bids[place]), np.nan)
    return found


def after_large_orders(tape: Tape) -> Estimate:
    """Median over large orders of the hit side .1 to .2 s after, over its mean of the 2 s before."""
    times, ratios = recoveries(tape)
    first = ratios[:, 0]
    blocks = tape.blocks(MINUTE_NS)
    return from_items(times, lambda i: float(np.median(first[i])), blocks, f"{len(times)} orders")


def half_back(tape: Tape) -> Estimate:
    """The time until half of the median's loss is back [s]; 60 and a note where it takes longer."""
    times, ratios = recoveries(tape)
    if np.median(ratios[:, 0]) >= 1:
        raise NotMeasurableError("the hit side lost nothing")
    blocks, seconds = tape.blocks(MINUTE_NS), time_to_half(np.nanmedian(ratios, axis=0))
    note = "" if np.isfinite(seconds) else "longer than 60 s"

    def of_some(places: Integers) -> float:
        return float(min(time_to_half(np.nanmedian(ratios[places], axis=0)), _AFTER_S[-1]))

    return from_items(times, of_some, blocks, note)


def time_to_half(medians: Floats) -> float:
    """When a recovery (15,) has won back half of what is missing at first [s]; infinite where it has not by 60 s."""
    goal = (1 + medians[0]) / 2
    reached = np.flatnonzero(medians >= goal)
    if not len(reached):
        return float("inf")
    after = int(reached[0])
    if after == 0:
        return _AFTER_S[0]
    low, high = medians[after - 1], medians[after]
    share = (goal - low) / (high - low)
    return float(_AFTER_S[after - 1] + share * (_AFTER_S[after] - _AFTER_S[after - 1]))


HIT_SIDE: Mapping[str, Callable[[Tape], Estimate]] = {
    "hit_side_after_large_orders": after_large_orders,
    "hit_side_half_back": half_back,
}
