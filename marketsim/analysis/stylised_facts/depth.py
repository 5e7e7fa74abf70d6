"""Depth within 10 bp: its level and variation, after moves, in crashes, and against volatility."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from marketsim.analysis.arrays import Flags, Floats, Integers
from marketsim.analysis.stylised_facts.correlation import correlation
from marketsim.analysis.stylised_facts.fact import Estimate, NotMeasurableError, from_items, from_sums
from marketsim.analysis.stylised_facts.season import SHORTEST_DAYS, adjusted
from marketsim.analysis.stylised_facts.tape import MINUTE_NS, Depth, Tape

WITHIN_BPS = 10.0
TOP_MOVES = 0.05
APART = 3
"""Minutes from one large move to the next that counts: the minute after one is not the minute before another."""
FEWEST_MOVES = 5
_TOO_RARE = "depth is written less often than each minute; record: {depth: {bps: [10], every: 1min}} shows it"
CRASH, CRASH_MINUTES = 0.03, 5
"""A crash is a move of 3 % in five minutes."""
_TRAILING = 10
_BEFORE, _AFTER = 30, 10  # minutes before a crash and from its begin that are compared


def depth_of(tape: Tape, bps: float) -> tuple[Depth, Floats, Floats]:
    """The samples of depth, and the sizes within `bps` of bids and asks (n,)."""
    if tape.depth is None:
        raise tape.lack("depth")
    if bps not in tape.depth.within:
        there = ", ".join(f"{each:g}" for each in tape.depth.within) or "none"
        raise NotMeasurableError(
            tape.missing.get(f"depth {bps:g}", f"depth within {bps:g} bps was not recorded; there is {there}")
        )
    bids, asks = tape.depth.within[bps]
    return tape.depth, bids, asks


def _of_minutes(tape: Tape) -> tuple[Integers, Floats]:
    """Begins of the minutes of UTC, and the mean depth within 10 bp of both sides in each, NaN without a sample."""
    depth, bids, asks = depth_of(tape, WITHIN_BPS)
    if depth.every_ns > MINUTE_NS:
        raise NotMeasurableError(
            "depth is written less often than each minute; record: {depth: {bps: [10], every: 1min}}"
        )
    edges = tape.minutes
    place = np.searchsorted(edges, depth.t_ns, side="right") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    n = np.bincount(place[inside], minlength=len(edges) - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Floats = np.bincount(place[inside], (bids + asks)[inside], len(edges) - 1) / n
    return edges[:-1], means


def variation(tape: Tape) -> Estimate:
    """Standard deviation over mean of the minutes' mean depth."""
    times, depth = _of_minutes(tape)
    there = np.isfinite(depth)
    times, depth = times[there], depth[there]
    if len(depth) < 20:
        raise NotMeasurableError(f"{len(depth)} minutes; 20 are needed")
    columns = (np.ones(len(depth)), depth, depth**2)
    blocks = tape.blocks(MINUTE_NS)
    sums = None if blocks is None else blocks.sums(times, *columns)
    note = "" if tape.days >= SHORTEST_DAYS else f"of {tape.days * 24:.3g} h; the range is of a day"
    return from_sums(sums, np.array([column.sum() for column in columns]), _coefficient, blocks, note)


def _coefficient(sums: Floats) -> Floats:
    n, x, xx = np.moveaxis(sums, -1, 0)
    found: Floats = np.sqrt(np.maximum(xx / n - (x / n) ** 2, 0)) / (x / n)
    return found


def after_moves(tape: Tape) -> Estimate:
    """Depth in the minute after a minute whose abs return is in the top 5 %, over that in the minute before it.

    The mean over such minutes, of which two are at least three minutes apart.
    """
    depth, bids, asks = depth_of(tape, WITHIN_BPS)
    if depth.every_ns > MINUTE_NS:
        raise NotMeasurableError(
            "depth is written less often than each minute; record: {depth: {bps: [10], every: 1min}}"
        )
    size = np.abs(tape.minute_returns)
    running, ratios, times = np.append(0.0, np.cumsum(bids + asks)), [], []
    for place in thinned(size, size >= np.quantile(size, 1 - TOP_MOVES), APART):
        begin, end = int(tape.minutes[place]), int(tape.minutes[place + 1])
        cuts = np.array([begin - MINUTE_NS, begin, end, end + MINUTE_NS])
        low, high = np.searchsorted(depth.t_ns, cuts), np.searchsorted(depth.t_ns, cuts, side="right")
        n_before, n_after = high[1] - low[0], high[3] - low[2]
        if begin - MINUTE_NS < tape.begin_ns or end + MINUTE_NS > tape.end_ns or not n_before or not n_after:
            continue
        before, after = (running[high[1]] - running[low[0]]) / n_before, (running[high[3]] - running[low[2]]) / n_after
        if before > 0:
            ratios.append(after / before)
            times.append(begin)
    if len(ratios) < FEWEST_MOVES:
        raise NotMeasurableError(f"{len(ratios)} large moves with depth around them; {FEWEST_MOVES} are needed")
    found = np.array(ratios)
    return from_items(
        np.array(times, np.int64), lambda i: float(found[i].mean()), tape.blocks(APART * MINUTE_NS),
        f"{len(found)} moves",
    )  # fmt: skip


def thinned(size: Floats, chosen: Flags, apart: int) -> list[int]:
    """Places of chosen items, the largest first, none nearer than `apart` to a larger one; in their order."""
    kept: list[int] = []
    places = np.flatnonzero(chosen)
    for place in places[np.argsort(-size[places], kind="stable")]:
        if all(abs(int(place) - other) >= apart for other in kept):
            kept.append(int(place))
    return sorted(kept)


def with_volatility(tape: Tape) -> Estimate:
    """Rank correlation of the minutes' depth with the mean abs return of the ten minutes before, both over the season.

    A record below most of a day is not adjusted, and says so.
    """
    times, depth = _of_minutes(tape)
    running = np.append(0.0, np.cumsum(np.abs(tape.minute_returns)))
    if len(depth) <= _TRAILING:
        raise NotMeasurableError(f"{len(depth)} minutes; {_TRAILING + 20} are needed")
    trailing = (running[_TRAILING:-1] - running[: -_TRAILING - 1]) / _TRAILING
    times, depth, note = times[_TRAILING:], depth[_TRAILING:], ""
    if tape.days < SHORTEST_DAYS:
        note = f"not adjusted for hours: {tape.days * 24:.3g} h of record"
    else:
        depth, trailing = adjusted(tape, times, depth), adjusted(tape, times, trailing)
    return correlation(depth, trailing, times, tape.blocks(_TRAILING * MINUTE_NS), rank=True, note=note)


def crashes(tape: Tape) -> list[int]:
    """The minutes at which moves of 3 % in five minutes begin, an hour or more apart; raises where there is none."""
    moves = np.abs(np.convolve(tape.minute_returns, np.ones(CRASH_MINUTES), "valid"))
    found = thinned(moves, moves >= np.log1p(CRASH), 60)
    if not found:
        raise NotMeasurableError(f"no move of 3 % in 5 min; the largest is {np.expm1(moves.max()):.2%}")
    return found


def in_crashes(tape: Tape) -> Estimate:
    """The lowest minute's depth in the ten minutes from a crash's begin, over the median of the 30 minutes before."""
    _, depth = _of_minutes(tape)
    ratios = []
    for place in crashes(tape):
        before, after = depth[max(0, place - _BEFORE) : place], depth[place : place + _AFTER]
        if np.isfinite(before).any() and np.isfinite(after).any() and np.nanmedian(before) > 0:
            ratios.append(np.nanmin(after) / np.nanmedian(before))
    if not ratios:
        raise NotMeasurableError("no crash has depth before and after it")
    return Estimate(float(np.mean(ratios)), note=f"{len(ratios)} crash{'es' if len(ratios) > 1 else ''}")


def over_volume(tape: Tape) -> Estimate:
    """Mean depth of one side within 10 bp over the volume of a day [%]."""
    depth, bids, asks = depth_of(tape, WITHIN_BPS)
    notional = (bids + asks) / 2 * tape.price_at(depth.t_ns, MINUTE_NS)
    there = np.isfinite(notional)
    columns = (np.ones(int(there.sum())), notional[there])
    blocks, share = tape.blocks(MINUTE_NS), 100 / tape.daily_volume
    sums = None if blocks is None else blocks.sums(depth.t_ns[there], *columns)
    note = "" if tape.days >= SHORTEST_DAYS else f"volume scaled from {tape.days * 24:.3g} h to a day"
    return from_sums(
        sums, np.array([column.sum() for column in columns]), lambda s: share * s[..., 1] / s[..., 0], blocks, note
    )


DEPTH: Mapping[str, Callable[[Tape], Estimate]] = {
    "depth_after_moves": after_moves,
    "depth_in_crash": in_crashes,
    "depth_volatility_rank_correlation": with_volatility,
    "depth_variation": variation,
    "depth_over_daily_volume": over_volume,
}
