"""Fundamentalists: each trades towards the index once the price is beyond its own threshold (latent liquidity)."""

import math

import numpy as np

from marketsim.kernel.codes import BUY, F_IOC, NO_ASK, NO_BID, SELL
from marketsim.kernel.layout import position_at
from marketsim.kernel.rule import group_parameters, own_numbers, reads_own, reads_parameters, rule
from marketsim.kernel.sending import lots_of, place

PARAMETERS = group_parameters(
    ("capacity_ticklots", "f8"),  # largest position, as a notional
    ("close", "f8"),  # distance from the index within which a position is closed (fraction)
)
OWN = own_numbers(
    ("threshold", "f8"),  # fraction of the index
    ("base_lots", "i8"),  # the position it counts from
)
parameters_of, own_of = reads_parameters(PARAMETERS), reads_own(OWN)


@rule(PARAMETERS, OWN)
def fundamentalist(w, g, m, trader, index, wakeup, delay):
    """Trade towards the index beyond an own threshold, close at the index."""
    p = parameters_of(g)
    own = own_of(trader)
    position = np.int64(trader.position)
    index_ticks = np.float64(m.index_ticks)
    capacity = lots_of(p.capacity_ticklots, m.index_ticks)
    held = np.int64(position_at(w.positions, position).lots - own.base_lots)
    high = np.int64(math.floor(index_ticks * (1.0 + own.threshold)))
    low = np.int64(math.ceil(index_ticks * (1.0 - own.threshold)))
    none = np.int64(-1)
    if m.best_bid != NO_BID and m.best_bid > high and held > -capacity:
        place(w, m, position, delay, SELL, high, capacity + held, F_IOC, none)
    elif m.best_ask != NO_ASK and m.best_ask < low and held < capacity:
        place(w, m, position, delay, BUY, low, capacity - held, F_IOC, none)
    elif held < 0 and m.best_ask != NO_ASK:
        limit = np.int64(math.floor(index_ticks * (1.0 + p.close)))
        if m.best_ask < limit:
            place(w, m, position, delay, BUY, limit, -held, F_IOC, none)
    elif held > 0 and m.best_bid != NO_BID:
        limit = np.int64(math.ceil(index_ticks * (1.0 - p.close)))
        if m.best_bid > limit:
            place(w, m, position, delay, SELL, limit, held, F_IOC, none)
