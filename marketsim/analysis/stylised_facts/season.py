"""The daily pattern of a series of minutes, taken out by a flexible Fourier form (Gallant 1981).

Two harmonics of the day, as Andersen and Bollerslev (1997, J. Empirical Finance 4:115) use them: 24 means of hours
would take out of a single day more than its pattern.
"""

from __future__ import annotations

import numpy as np

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.stylised_facts.fact import NOTHING_VARIES, NotMeasurableError
from marketsim.analysis.stylised_facts.tape import Tape

HARMONICS = 2
SHORTEST_DAYS = 0.8
"""A record below this does not tell hours from chance."""
_LEAST_SHARE = 0.05  # of the mean, below which a fitted pattern is not divided by


def adjusted(tape: Tape, t_ns: Integers, values: Floats) -> Floats:
    """Values (n,) at instants (n,) over their daily pattern; raises `NotMeasurableError` below most of a day."""
    if tape.days < SHORTEST_DAYS:
        raise NotMeasurableError(f"{tape.days * 24:.3g} h of record; hours are told from {SHORTEST_DAYS * 24:g} h on")
    if not np.nansum(values) > 0:
        raise NotMeasurableError(NOTHING_VARIES)
    angle = 2 * np.pi * tape.hour_of_day(t_ns) / 24
    terms = [np.ones(len(angle))]
    for k in range(1, HARMONICS + 1):
        terms += [np.cos(k * angle), np.sin(k * angle)]
    design, there = np.stack(terms, axis=1), np.isfinite(values)
    weights, *_ = np.linalg.lstsq(design[there], values[there], rcond=None)
    pattern = np.maximum(design @ weights, _LEAST_SHARE * float(np.mean(values[there])))
    found: Floats = values / pattern
    return found
