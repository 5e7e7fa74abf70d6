"""The noise rule as another package would write it: the same source, made by `external_rule`, sending by address."""

import math

import numpy as np

from marketsim.kernel.book import twice_mid
from marketsim.kernel.codes import BUY, F_IOC, PENDING_SLOT, SELL
from marketsim.kernel.draw import below
from marketsim.kernel.external import external_rule, place, withdraw
from marketsim.kernel.records import load_f8, load_i4
from marketsim.kernel.rule import group_parameters, reads_parameters
from marketsim.kernel.sending import behind, lots_of, words

PARAMETERS = group_parameters(
    ("market_threshold", "i8"),
    ("limit_threshold", "i8"),
    ("tilt_per_deviation", "f8"),
    ("tilt_cap", "f8"),
    ("protection", "f8"),
    ("limit_size", "f8"),
    ("size_table", "i8"),
    ("distance_table", "i8"),
)
parameters_of = reads_parameters(PARAMETERS)


@external_rule(PARAMETERS, tables={"size_table": "f8", "distance_table": "f8"})
def external_noise(w, g, m, trader, index, wakeup, delay):  # type: ignore[no-untyped-def]
    """Buy or sell at market, place a limit order, or cancel, leaning against the perp's deviation from the index."""
    p = parameters_of(g)
    r0, r1, r2, r3 = words(g, index, wakeup)
    position = np.int64(trader.position)
    action = r0 & 0xFFFF
    twice = np.float64(twice_mid(m))
    if action >= p.limit_threshold:
        i = np.int64(load_i4(w.slots, trader.slots + below(r3, r2, g.slots_each)))
        if i >= 0:
            withdraw(w, position, delay, i)
        return
    index_ticks = np.float64(m.index_ticks)
    tilt = p.tilt_per_deviation * (twice * 0.5 - index_ticks) / index_ticks
    tilt = min(max(tilt, -p.tilt_cap), p.tilt_cap)
    side = BUY if np.float64(r0 >> 16) < 32768.0 - tilt else SELL
    ticklots = load_f8(p.size_table, r1 >> 20)
    if action < p.market_threshold:
        price = behind(m, side, p.protection)
        place(w, m, position, delay, side, price, lots_of(ticklots, m.index_ticks), F_IOC, np.int64(-1))
        return
    distance = 0.5 * twice * load_f8(p.distance_table, r2 >> 20)
    if side == BUY:
        price = np.int64(math.floor(0.5 * twice - distance))
    else:
        price = np.int64(math.ceil(0.5 * twice + distance))
    slot = trader.slots + below(r3, r2, g.slots_each)
    i = np.int64(load_i4(w.slots, slot))
    if i == PENDING_SLOT:
        return
    if i >= 0:
        withdraw(w, position, delay, i)
    place(w, m, position, delay, side, price, lots_of(ticklots * p.limit_size, m.index_ticks), np.int64(0), slot)
