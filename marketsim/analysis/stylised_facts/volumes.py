"""Volume: with abs returns, over the hours of the day, and beside open interest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.stylised_facts.correlation import correlation
from marketsim.analysis.stylised_facts.fact import Estimate, NotMeasurableError, from_items
from marketsim.analysis.stylised_facts.tape import DAY_NS, HOUR_NS, MINUTE_NS, Tape

MOST_OF_A_DAY = 20
"""Whole hours of UTC that a day must have."""
PROFILE_DAYS = 7
"""Days below which an average profile is one day's chance."""


def with_returns(tape: Tape, minutes: int) -> Estimate:
    """Correlation of notional and abs return over steps of some minutes of UTC."""
    step = minutes * MINUTE_NS
    edges = tape.edges(step)
    size, volume = np.abs(tape.returns(step)), tape.volume_between(edges)
    return correlation(volume, size, edges[:-1], tape.blocks(step))


def _hours(tape: Tape) -> tuple[Floats, Integers, Integers]:
    """Volume of each whole hour, its UTC day and its hour of the day (n,)."""
    edges = tape.edges(HOUR_NS)
    if len(edges) < 2:
        raise NotMeasurableError("there is no whole hour")
    since = edges[:-1] + tape.start_ns
    return tape.volume_between(edges), since // DAY_NS, (since % DAY_NS) // HOUR_NS


def busiest_over_quietest(tape: Tape) -> Estimate:
    """The largest volume of an hour over the smallest, of a UTC day; the median of days."""
    volume, day, _ = _hours(tape)
    ratios, times = [], []
    for one in np.unique(day):
        of_day = volume[day == one]
        if len(of_day) >= MOST_OF_A_DAY and of_day.min() > 0:
            ratios.append(float(of_day.max() / of_day.min()))
            times.append(int(one) * DAY_NS - tape.start_ns)
    if not ratios:
        raise NotMeasurableError(
            f"{tape.days * 24:.3g} h of record; {MOST_OF_A_DAY} whole hours of one UTC day are needed"
        )
    found = np.array(ratios)
    blocks = tape.blocks(DAY_NS / 2) if len(found) >= 20 else None
    note = f"median of {len(found)} days" if len(found) > 1 else f"{int((day == np.unique(day)[0]).sum())} hours"
    return from_items(np.array(times, np.int64), lambda i: float(np.median(found[i])), blocks, note)


def profile(tape: Tape) -> Estimate:
    """The busiest hour of the UTC day over the quietest, each the mean over at least seven days."""
    volume, day, hour = _hours(tape)
    days = np.unique(day)
    if len(days) < PROFILE_DAYS or len(np.unique(hour)) < 24:
        raise NotMeasurableError(f"{tape.days:.3g} days of record; {PROFILE_DAYS} are needed")
    place = np.searchsorted(days, day)
    table = np.full((len(days), 24), np.nan)
    table[place, hour] = volume
    times = days * DAY_NS - tape.start_ns

    def of(chosen: Integers) -> float:
        means = np.nanmean(table[chosen], axis=0)
        return float(means.max() / means.min()) if means.min() > 0 else float("nan")

    blocks = tape.blocks(DAY_NS / 2) if len(days) >= 20 else None
    return from_items(times, of, blocks, f"{len(days)} days")


VOLUMES: Mapping[str, Callable[[Tape], Estimate]] = {
    "volume_return_correlation_1min": partial(with_returns, minutes=1),
    "volume_return_correlation_5min": partial(with_returns, minutes=5),
    "hourly_volume_day": busiest_over_quietest,
    "hourly_volume_profile": profile,
}
