"""The spread: its level, the time it is one tick, and how it moves with returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.stylised_facts.correlation import correlation
from marketsim.analysis.stylised_facts.fact import Estimate, NotMeasurableError, from_sums
from marketsim.analysis.stylised_facts.tape import MINUTE_NS, SECOND_NS, Quotes, Tape

_COARSEST_NS = 10 * SECOND_NS


def time_weighted(t_ns: Integers, values: Floats, edges: Integers) -> tuple[Floats, Floats]:
    """Integrals of a step function between edges (m + 1,) and the time it has a value there [s]: both (m,).

    values (n,) hold from t_ns until the next, NaN have none.
    """
    there = np.isfinite(values)
    held, has = np.where(there, values, 0.0), there.astype(np.float64)
    lasts = np.diff(t_ns) / SECOND_NS
    place = np.searchsorted(t_ns, edges, side="right") - 1
    since = np.where(place >= 0, edges - t_ns[np.maximum(place, 0)], 0) / SECOND_NS
    found = []
    for column in (held, has):
        running = np.append(0.0, np.cumsum(column[:-1] * lasts))
        found.append(np.diff(np.where(place >= 0, running[place] + column[place] * since, 0.0)))
    return found[0], found[1]


def _quotes(tape: Tape) -> Quotes:
    quotes = tape.quotes
    if quotes is None:
        raise tape.lack("quotes")
    if not len(quotes.t_ns):
        raise NotMeasurableError("there is no quote")
    if quotes.every_ns > _COARSEST_NS:
        raise NotMeasurableError(f"quotes every {quotes.every_ns / SECOND_NS:g} s; record: {{quotes: 1s}} shows it")
    return quotes


def spread_of_minutes(tape: Tape) -> Floats:
    """The time-weighted mean spread of each minute (n,) [bps], NaN without one."""
    quotes = _quotes(tape)
    total, seconds = time_weighted(quotes.t_ns, quotes.spread_bps, tape.minutes)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = total / seconds
    return found


def with_returns(tape: Tape, *, rank: bool = False) -> Estimate:
    """Correlation of the minutes' time-weighted mean spread with their abs return."""
    spread = spread_of_minutes(tape)
    blocks = tape.blocks(MINUTE_NS)
    return correlation(spread, np.abs(tape.minute_returns), tape.minutes[:-1], blocks, rank=rank)


def mean_spread(tape: Tape) -> Estimate:
    """The time-weighted mean spread [bps]."""
    return _mean(tape, _quotes(tape).spread_bps)


def share_at_one_tick(tape: Tape) -> Estimate:
    """The share of time in which the spread is one tick."""
    if tape.tick is None:
        raise NotMeasurableError("a file does not say its tick")
    quotes = _quotes(tape)
    width = quotes.ask - quotes.bid
    return _mean(tape, np.where(np.isfinite(width), (np.rint(width / tape.tick) <= 1).astype(np.float64), np.nan))


def _mean(tape: Tape, values: Floats) -> Estimate:
    assert tape.quotes is not None
    total, seconds = time_weighted(tape.quotes.t_ns, values, tape.edges(SECOND_NS))
    blocks = tape.blocks(MINUTE_NS)
    sums = None if blocks is None else blocks.sums(tape.edges(SECOND_NS)[:-1], total, seconds)
    return from_sums(sums, np.array([total.sum(), seconds.sum()]), lambda s: s[..., 0] / s[..., 1], blocks)


SPREAD: Mapping[str, Callable[[Tape], Estimate]] = {
    "spread_return_correlation": with_returns,
    "spread_return_rank_correlation": partial(with_returns, rank=True),
    "spread": mean_spread,
    "spread_at_one_tick": share_at_one_tick,
}
