"""A group's clock by itself: its wake-ups without a market, compiled or not; and the same by summing over history."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.kernel import layout
from marketsim.kernel.clocks import schedule_wake
from marketsim.kernel.layout import group_at, header_at
from marketsim.kernel.records import compiled, place, release, store_i8
from marketsim.kernel.world import World
from marketsim.season import SeasonSpec
from marketsim.streams import exponential_table, halving_table, stream_key
from marketsim.traders.clock import HawkesClockSpec, PoissonClockSpec, clock_record
from tests.kernel.worlds import SECOND, MarketPlan, Plan, account_tables, market_fields

HOUR = 3_600 * SECOND
DAY = 24 * HOUR


def hawkes(branching: float, **shape: Any) -> HawkesClockSpec:
    """A clock as files write it."""
    return HawkesClockSpec.model_validate({"kind": "hawkes", "branching": f"{branching:g}", **shape})


def season(profile: Any) -> SeasonSpec:
    """A season as files write it."""
    return SeasonSpec.model_validate({"profile": profile})


@compiled
def _collect(address, times, whom, n):
    w = header_at(address, 0)
    g = group_at(w.groups, 0)
    for i in range(n):
        schedule_wake(w, g)
        store_i8(times, i, np.int64(g.next_wake_ns))
        store_i8(whom, i, np.int64(g.next_trader))


def wake_ups(
    clock: HawkesClockSpec | PoissonClockSpec,
    n: int,
    *,
    per_second: float,
    count: int = 7,
    profile: Any = "flat",
    start_ns: int = 0,
    seed: int = 1,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first n wake-ups of a group: when [ns], and who of the `count`."""
    plan = Plan((10**12,) * count, (MarketPlan(),))
    accounts, positions, _ = account_tables(plan)
    traders = np.zeros(count, layout.TRADER)
    traders["account"] = traders["position"] = np.arange(count)
    key = np.uint64(stream_key(seed, 0, "noise/wake"))
    group = dict(market=0, first_trader=0, count=count, key=key, slots_each=1, rule=None)
    record = clock_record(clock, season(profile), SECOND / per_second, start_ns)
    world = World(
        underlyings=[dict(level=10_000.0, every_ns=SECOND, next_ns=SECOND, absolute=1)],
        markets=[market_fields(plan, 0)], cohorts=[dict(group=-1)] * 6, groups=[group | record],
        accounts=accounts, positions=positions, traders=traders, slots=count, exponential=exponential_table(),
        halvings=halving_table(),
    )  # fmt: skip
    times, whom = np.zeros(n, np.int64), np.zeros(n, np.int64)
    addresses = place(times), place(whom)
    _collect(world.address, *addresses, n)
    for address in addresses:
        release(address)
    world.close()
    return times, whom


def intensity_by_history(
    at_ns: float, past: list[int], clock: HawkesClockSpec, per_ns: float, weights: list[float], start_ns: int
) -> float:
    """The definition, summed over all past wake-ups: the hour's baseline, what the run opened with, excitations."""
    hours = [int((start_ns + t) // HOUR) % 24 for t in (0, at_ns)]
    rate = (1 - float(clock.branching)) * per_ns * weights[hours[1]]
    for excited, half_life in clock.kernel():
        rate += excited * per_ns * weights[hours[0]] * 2 ** (-at_ns / half_life)
        rate += sum(excited * math.log(2) / half_life * 2 ** (-(at_ns - t) / half_life) for t in past)
    return rate
