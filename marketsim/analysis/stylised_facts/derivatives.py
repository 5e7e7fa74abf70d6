"""What only a derivative has: open interest, funding, liquidations."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from marketsim.analysis.stylised_facts.depth import crashes
from marketsim.analysis.stylised_facts.fact import Estimate, NotMeasurableError, from_items, from_sums
from marketsim.analysis.stylised_facts.season import SHORTEST_DAYS
from marketsim.analysis.stylised_facts.tape import DAY_NS, HOUR_NS, MINUTE_NS, Dated, Tape

FEWEST_SETTLEMENTS = 10
_EXACTLY_BPS = 5e-4
"""Rates nearer to the interest rate than this are at it [bps]: venues publish eight decimals."""


def _interest(tape: Tape) -> Dated:
    if tape.interest is None:
        raise tape.lack("interest")
    if not len(tape.interest.value) or not tape.interest.value.any():
        raise NotMeasurableError("there is no open interest")
    return tape.interest


def interest_over_volume(tape: Tape) -> Estimate:
    """Mean open interest over the volume of a day."""
    interest, volume, blocks = _interest(tape), tape.daily_volume, tape.blocks(HOUR_NS)
    columns = (np.ones(len(interest.value)), interest.value)
    sums = None if blocks is None else blocks.sums(interest.t_ns, *columns)
    note = "" if tape.days >= SHORTEST_DAYS else f"volume scaled from {tape.days * 24:.3g} h to a day"
    whole = np.array([column.sum() for column in columns])
    return from_sums(sums, whole, lambda s: s[..., 1] / s[..., 0] / volume, blocks, note)


def _rates(tape: Tape) -> tuple[Dated, str]:
    """The funding rates of settlements, or the predicted rate where fewer than two fell into the record."""
    if tape.funding is None:
        raise tape.lack("funding")
    if len(tape.funding.value) > 1:
        return tape.funding, f"{len(tape.funding.value)} settlements"
    if tape.predicted is None or not len(tape.predicted.value):
        raise NotMeasurableError("no two settlements in the record")
    return tape.predicted, "predicted rate: no two settlements in the record"


def funding_level(tape: Tape) -> Estimate:
    """The median funding rate per 8 h [bps]."""
    rates, note = _rates(tape)
    return from_items(rates.t_ns, lambda i: float(np.median(rates.value[i])), tape.blocks(8 * HOUR_NS), note)


def funding_width(tape: Tape) -> Estimate:
    """How far the 5 % and the 95 % quantile of the funding rate per 8 h are apart [bps]: 0 of a constant rate."""
    rates, note = _rates(tape)
    low, high = np.quantile(rates.value, [0.05, 0.95])
    return Estimate(float(high - low), note=f"{low:.3g} to {high:.3g}; {note}")


def funding_at_interest(tape: Tape) -> Estimate:
    """The share of settlements whose rate is the interest rate exactly [%]."""
    rates = _settled(tape)
    if tape.interest_rate is None:
        raise NotMeasurableError("the interest rate of the market is not known")
    at_it = np.abs(rates.value - tape.interest_rate) < _EXACTLY_BPS
    return Estimate(100 * float(at_it.mean()), note=f"{len(at_it)} settlements")


def funding_below_zero(tape: Tape) -> Estimate:
    """The share of settlements in which shorts paid [%]."""
    rates = _settled(tape)
    return Estimate(100 * float((rates.value < 0).mean()), note=f"{len(rates.value)} settlements")


def _settled(tape: Tape) -> Dated:
    if tape.funding is None:
        raise tape.lack("funding")
    if len(tape.funding.value) < FEWEST_SETTLEMENTS:
        raise NotMeasurableError(f"{len(tape.funding.value)} settlements; {FEWEST_SETTLEMENTS} are needed")
    return tape.funding


def _liquidations(tape: Tape) -> Dated:
    if tape.liquidations is None:
        raise tape.lack("liquidations")
    return tape.liquidations


def _crash_times(tape: Tape) -> list[int]:
    try:
        return [int(tape.minutes[place]) for place in crashes(tape)]
    except NotMeasurableError:
        return []


def liquidated_in_calm(tape: Tape) -> Estimate:
    """Notional liquidated a day over mean open interest [%], the day after the begin of a crash left out."""
    found, interest = _liquidations(tape), _interest(tape)
    calm_ns, is_calm = tape.end_ns - tape.begin_ns, np.ones(len(found.t_ns), np.bool_)
    until = tape.begin_ns
    for begin in _crash_times(tape):
        end = min(begin + DAY_NS, tape.end_ns)
        calm_ns -= max(0, end - max(begin, until))
        is_calm &= (found.t_ns < begin) | (found.t_ns >= end)
        until = max(until, end)
    if calm_ns < HOUR_NS:
        raise NotMeasurableError("less than an hour is not of a crash")
    scale = 100 / float(interest.value.mean()) / (calm_ns / DAY_NS)
    value = scale * float(found.value[is_calm].sum())
    note = f"{int(is_calm.sum())} liquidations in {calm_ns / HOUR_NS:.3g} h"
    blocks = tape.blocks(10 * MINUTE_NS)
    if blocks is None or calm_ns != tape.end_ns - tape.begin_ns or not is_calm.any():
        return Estimate(value, note=note)
    sums = blocks.sums(found.t_ns, found.value)
    whole = np.array([found.value.sum()])
    return from_sums(sums, whole, lambda s: scale * s[..., 0], blocks, note)


def liquidated_in_crash(tape: Tape) -> Estimate:
    """Notional liquidated in the day from a crash's begin, as far as recorded, over open interest before it [%]."""
    found, interest = _liquidations(tape), _interest(tape)
    crashes(tape)
    begin = _crash_times(tape)[0]
    before = interest.value[interest.t_ns <= begin]
    if not len(before) or before[-1] <= 0:
        raise NotMeasurableError("there is no open interest before the crash")
    inside = (found.t_ns >= begin) & (found.t_ns < begin + DAY_NS)
    return Estimate(100 * float(found.value[inside].sum() / before[-1]), note=f"{int(inside.sum())} liquidations")


DERIVATIVES: Mapping[str, Callable[[Tape], Estimate]] = {
    "interest_over_daily_volume": interest_over_volume,
    "funding": funding_level,
    "funding_width": funding_width,
    "funding_at_interest": funding_at_interest,
    "funding_below_zero": funding_below_zero,
    "liquidated_calm": liquidated_in_calm,
    "liquidated_crash": liquidated_in_crash,
}
