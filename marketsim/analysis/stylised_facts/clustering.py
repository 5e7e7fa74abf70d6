"""How volatility clusters: autocorrelation of abs returns over 1 min, with and without its daily pattern."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.analysis.stylised_facts.correlation import autocorrelation, autocorrelations
from marketsim.analysis.stylised_facts.fact import Estimate, NotMeasurableError
from marketsim.analysis.stylised_facts.season import adjusted
from marketsim.analysis.stylised_facts.tails import MONTH_DAYS
from marketsim.analysis.stylised_facts.tape import DAY_NS, MINUTE_NS, Tape

LAGS = (1, 10, 60)
MOST_LAGS = 60


def inside_days(tape: Tape, values: Floats) -> Floats:
    """Values of the minutes less the mean of their UTC day."""
    day = (tape.minutes[:-1] + tape.start_ns) // DAY_NS
    _, place = np.unique(day, return_inverse=True)
    means = np.bincount(place, values) / np.bincount(place)
    found: Floats = values - means[place]
    return found


def of_a_day(tape: Tape, lag: int) -> Estimate:
    """The autocorrelation of abs returns inside UTC days, at a lag in minutes."""
    return _at(tape, inside_days(tape, np.abs(tape.minute_returns)), lag)


def of_a_day_adjusted(tape: Tape, lag: int) -> Estimate:
    """The same of abs returns over their daily pattern."""
    size = adjusted(tape, tape.minutes[:-1], np.abs(tape.minute_returns))
    return _at(tape, inside_days(tape, size), lag)


def of_a_month(tape: Tape, lag: int) -> Estimate:
    """The autocorrelation over the whole record, which is to be four weeks."""
    if tape.days < MONTH_DAYS:
        raise NotMeasurableError(f"{tape.days:.3g} days of record; {MONTH_DAYS} are needed")
    size = np.abs(tape.minute_returns)
    return _at(tape, size - size.mean(), lag)


def decay_exponent(tape: Tape) -> Estimate:
    """The exponent of a power law through the autocorrelations of abs returns at lags of 1 to 60 min."""
    size = inside_days(tape, np.abs(tape.minute_returns))
    if len(size) < 10 * MOST_LAGS:
        raise NotMeasurableError(f"{len(size)} minutes; {10 * MOST_LAGS} are needed")
    found, lags = autocorrelations(size, MOST_LAGS), np.arange(1, MOST_LAGS + 1)
    above = found > 0
    if above.mean() < 0.75:
        raise NotMeasurableError("abs returns are not correlated over lags of 1 to 60 min")
    slope = np.polyfit(np.log(lags[above]), np.log(found[above]), 1)[0]
    return Estimate(float(-slope))


def _at(tape: Tape, values: Floats, lag: int) -> Estimate:
    return autocorrelation(values, lag, tape.minutes[:-1], tape.blocks(lag * MINUTE_NS))


CLUSTERING: Mapping[str, Callable[[Tape], Estimate]] = {
    **{f"abs_return_acf_{lag}min_day": partial(of_a_day, lag=lag) for lag in LAGS},
    **{f"abs_return_acf_{lag}min_day_adjusted": partial(of_a_day_adjusted, lag=lag) for lag in LAGS},
    **{f"abs_return_acf_{lag}min_month": partial(of_a_month, lag=lag) for lag in LAGS},
}
