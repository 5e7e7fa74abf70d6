"""Tails of returns and of order sizes: kurtosis and the index of a power law (Hill 1975)."""

from __future__ import annotations

import numpy as np

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.stylised_facts.fact import Estimate, NotMeasurableError, from_items, from_sums
from marketsim.analysis.stylised_facts.tape import DAY_NS, MINUTE_NS, Tape

TOP = 0.05
FEWEST_IN_TAIL = 20
MONTH_DAYS = 28
_DAY_MINUTES = 720  # minutes that a day must have to count as one


def hill_index(values: Floats, top: float = TOP) -> float:
    """Hill's index of the largest share `top` of positive values: 1 / mean(ln(x_i / x_(k+1))); NaN for equal ones."""
    k = int(top * len(values))
    largest = np.sort(values)[-(k + 1) :]
    mean = float(np.log(largest[1:] / largest[0]).mean()) if largest[0] > 0 else 0.0
    return 1 / mean if mean > 0 else float("nan")


def kurtosis_of_sums(sums: Floats) -> Floats:
    """Kurtosis, of a normal 3, from sums of powers 0 to 4 (.., 5)."""
    n, a, b, c, d = np.moveaxis(sums, -1, 0)
    mean, second, third, fourth = a / n, b / n, c / n, d / n
    variance = second - mean**2
    found: Floats = (fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4) / variance**2
    return found


def kurtosis_estimate(values: Floats, t_ns: Integers, tape: Tape, step_ns: int, note: str = "") -> Estimate:
    """Kurtosis of values (n,) at instants (n,) with its interval."""
    columns = tuple(values**power for power in range(5))
    blocks = tape.blocks(step_ns)
    sums = None if blocks is None else blocks.sums(t_ns, *columns)
    return from_sums(sums, np.array([column.sum() for column in columns]), kurtosis_of_sums, blocks, note)


def days_of(tape: Tape) -> list[Integers]:
    """The places of the minutes of each UTC day that has most of its minutes."""
    day = (tape.minutes[:-1] + tape.start_ns) // DAY_NS
    places = [np.flatnonzero(day == one) for one in np.unique(day)]
    return [each for each in places if len(each) >= _DAY_MINUTES]


def kurtosis_of_a_day(tape: Tape) -> Estimate:
    """Kurtosis of returns over 1 min: of the day, the median of days, or of what there is of one."""
    returns, days = tape.minute_returns, days_of(tape)
    if len(days) < 2:
        note = "" if days else f"of {tape.days * 24:.3g} h"
        return kurtosis_estimate(returns, tape.minutes[:-1], tape, MINUTE_NS, note)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.array([float(kurtosis_of_sums(_powers(returns[day]))) for day in days])
    middles = tape.minutes[[int(day[0]) for day in days]]
    blocks = tape.blocks(DAY_NS / 2) if len(days) >= 20 else None
    return from_items(middles, lambda i: float(np.median(values[i])), blocks, f"median of {len(days)} days")


def kurtosis_of_a_month(tape: Tape) -> Estimate:
    """Kurtosis of returns over 1 min of the whole record, which is to be four weeks."""
    _require_month(tape)
    return kurtosis_estimate(tape.minute_returns, tape.minutes[:-1], tape, MINUTE_NS)


def tail_index_of_returns(tape: Tape) -> Estimate:
    """Hill's index of the largest 5 % of abs returns over 1 min."""
    size = np.abs(tape.minute_returns)
    size, times = size[size > 0], tape.minutes[:-1][size > 0]
    _require_tail(len(size), "minutes whose price moved")
    return from_items(times, lambda i: hill_index(size[i]), tape.blocks(MINUTE_NS))


def tail_index_of_orders(tape: Tape) -> Estimate:
    """Hill's index of the largest 5 % of orders by notional."""
    orders = tape.orders
    _require_tail(orders.number, "orders")
    blocks = tape.blocks(MINUTE_NS)
    if blocks is None:
        return Estimate(hill_index(orders.notional))
    bound = float(np.quantile(orders.notional, 1 - TOP))  # held fixed, so that a resample is a sum
    large = orders.notional >= bound
    columns = large.astype(np.float64), np.where(large, np.log(orders.notional / bound), 0.0)
    sums = blocks.sums(orders.t_ns, *columns)
    whole = np.array([float(large.sum()), large.sum() / hill_index(orders.notional)])
    return from_sums(sums, whole, _inverse_mean, blocks)


def _inverse_mean(sums: Floats) -> Floats:
    found: Floats = sums[..., 0] / sums[..., 1]
    return found


def _powers(values: Floats) -> Floats:
    return np.array([float((values**power).sum()) for power in range(5)])


def _require_month(tape: Tape) -> None:
    if tape.days < MONTH_DAYS:
        raise NotMeasurableError(f"{tape.days:.3g} days of record; {MONTH_DAYS} are needed")


def _require_tail(number: int, what: str) -> None:
    if number * TOP < FEWEST_IN_TAIL:
        raise NotMeasurableError(f"{number} {what}; {int(FEWEST_IN_TAIL / TOP)} are needed")
