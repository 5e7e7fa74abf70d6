"""How the mid answers orders: the response, and the parts of the spread that takers pay; from one tape, so biased."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.stylised_facts.blocks import Blocks
from marketsim.analysis.stylised_facts.fact import Estimate, NotMeasurableError, from_sums
from marketsim.analysis.stylised_facts.tape import MINUTE_NS, SECOND_NS, Tape

BIASED = "biased: orders follow prices on the same tape"
_FRACTION = 10
"""A mid may be so many times older than the lag it is compared over."""
_REALISED_S = 60


def _require_mids(tape: Tape, seconds: float) -> None:
    quotes = tape.quotes
    if quotes is None:
        raise tape.lack("quotes")
    if not len(quotes.known[0]):
        raise NotMeasurableError("there is no mid")
    if quotes.every_ns * _FRACTION > seconds * SECOND_NS:
        every = f"{quotes.every_ns / SECOND_NS:g} s"
        raise NotMeasurableError(f"quotes every {every}; record: {{quotes: change}} shows the mid before each order")


def mids_before(tape: Tape, t_ns: Integers) -> Floats:
    """The last mid before each instant (n,), NaN before the first."""
    assert tape.quotes is not None
    return _taken(tape, np.searchsorted(tape.quotes.known[0], t_ns, side="left") - 1)


def mids_at(tape: Tape, t_ns: Integers) -> Floats:
    """The mid after everything of each instant (n,); NaN before the first and after the end."""
    assert tape.quotes is not None
    found = _taken(tape, np.searchsorted(tape.quotes.known[0], t_ns, side="right") - 1)
    return np.where(np.asarray(t_ns) <= tape.end_ns, found, np.nan)


def _taken(tape: Tape, place: Integers) -> Floats:
    assert tape.quotes is not None
    return np.where(place >= 0, tape.quotes.known[1][np.maximum(place, 0)], np.nan)


def _responses(tape: Tape, seconds: float) -> tuple[Integers, Floats]:
    """Instants of the orders and sign x move of the mid from before each to so many seconds after it [bps]."""
    _require_mids(tape, seconds)
    orders = tape.signed_orders
    before, after = mids_before(tape, orders.t_ns), mids_at(tape, orders.t_ns + int(seconds * SECOND_NS))
    found = orders.sign * (after / before - 1) * 1e4
    there = np.isfinite(found)
    if there.sum() < 20:
        raise NotMeasurableError(f"{there.sum()} orders with mids around them; 20 are needed")
    return orders.t_ns[there], found[there]


def over_volatility(tape: Tape, seconds: int) -> Estimate:
    """The mean response after some seconds over the standard deviation of returns over as long."""
    times, response = _responses(tape, seconds)
    step = seconds * SECOND_NS
    moves, edges, blocks = tape.returns(step) * 1e4, tape.edges(step)[:-1], tape.blocks(step)
    whole = np.array([response.sum(), len(response), (moves**2).sum(), len(moves)])
    sums = _beside(blocks, (times, response, np.ones(len(response))), (edges, moves**2, np.ones(len(moves))))
    return from_sums(sums, whole, _over_sigma, blocks, f"{response.mean():.3g} bps")


def growth(tape: Tape) -> Estimate:
    """The mean response after 10 s over that after 1 s."""
    (early_t, early), (late_t, late) = _responses(tape, 1), _responses(tape, 10)
    blocks = tape.blocks(10 * SECOND_NS)
    whole = np.array([late.sum(), len(late), early.sum(), len(early)])
    sums = _beside(blocks, (late_t, late, np.ones(len(late))), (early_t, early, np.ones(len(early))))
    return from_sums(sums, whole, lambda s: (s[..., 0] / s[..., 1]) / (s[..., 2] / s[..., 3]), blocks)


def _beside(blocks: Blocks | None, *parts: tuple[Integers, Floats, Floats]) -> Floats | None:
    """Sums over blocks of columns of several series, side by side."""
    if blocks is None:
        return None
    return np.concatenate([blocks.sums(times, one, other) for times, one, other in parts], axis=1)


def _over_sigma(sums: Floats) -> Floats:
    found: Floats = (sums[..., 0] / sums[..., 1]) / np.sqrt(sums[..., 2] / sums[..., 3])
    return found


def _costs(tape: Tape, of: str) -> Estimate:
    """Means weighted by notional [bps]: effective spread 2 s (p - m) / m, realised 2 s (p - m') / m, impact the rest.

    m: the mid before the order; m': the mid a minute after it; impact 2 s (m' - m) / m (Huang and Stoll 1996).
    """
    _require_mids(tape, 1)
    orders = tape.signed_orders
    before = mids_before(tape, orders.t_ns)
    after = before if of == "effective" else mids_at(tape, orders.t_ns + _REALISED_S * SECOND_NS)
    far, near = (after, before) if of == "impact" else (orders.price, after)
    paid = 2 * orders.sign * (far - near) / before * 1e4
    there = np.isfinite(paid)
    if there.sum() < 20:
        raise NotMeasurableError(f"{there.sum()} orders with mids around them; 20 are needed")
    columns = ((paid * orders.notional)[there], orders.notional[there])
    blocks = tape.blocks(_REALISED_S * SECOND_NS)
    sums = None if blocks is None else blocks.sums(orders.t_ns[there], *columns)
    whole = np.array([column.sum() for column in columns])
    return from_sums(sums, whole, lambda s: s[..., 0] / s[..., 1], blocks, BIASED if of == "impact" else "")


def kyle_lambda(tape: Tape) -> Estimate:
    """The slope of the minutes' returns on their net taken notional [bps per 1 million], with its share of variance."""
    orders, edges = tape.signed_orders, tape.minutes
    place = np.searchsorted(edges, orders.t_ns, side="left") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    signed = np.where(inside, orders.sign * orders.notional, 0.0) / 1e6
    flow = np.bincount(np.clip(place, 0, len(edges) - 2), signed, len(edges) - 1).astype(np.float64)
    move = tape.minute_returns * 1e4
    if len(move) < 20 or not flow.any():
        raise NotMeasurableError(f"{len(move)} minutes; 20 are needed")
    columns = (np.ones(len(move)), flow, move, flow**2, flow * move)
    blocks = tape.blocks(MINUTE_NS)
    sums = None if blocks is None else blocks.sums(edges[:-1], *columns)
    whole = np.array([column.sum() for column in columns])
    explained = float(np.corrcoef(flow, move)[0, 1] ** 2)
    return from_sums(sums, whole, _slope, blocks, f"{BIASED}; explains {explained:.0%} of the variance")


def _slope(sums: Floats) -> Floats:
    n, x, y, xx, xy = np.moveaxis(sums, -1, 0)
    found: Floats = (xy - x * y / n) / (xx - x * x / n)
    return found


def _needs_forks(tape: Tape) -> Estimate:
    """What one tape cannot give."""
    raise NotMeasurableError("not of one tape: it needs the same world without the order (study.probe, study.fork)")


RESPONSE: Mapping[str, Callable[[Tape], Estimate]] = {
    "response_1s_over_sigma": partial(over_volatility, seconds=1),
    "response_10s_over_sigma": partial(over_volatility, seconds=10),
    "response_60s_over_sigma": partial(over_volatility, seconds=60),
    "response_growth": growth,
    "effective_spread": partial(_costs, of="effective"),
    "realised_spread": partial(_costs, of="realised"),
    "price_impact": partial(_costs, of="impact"),
    "kyle_lambda": kyle_lambda,
    "impact_exponent": _needs_forks,
    "impact_prefactor": _needs_forks,
    "impact_left": _needs_forks,
}
