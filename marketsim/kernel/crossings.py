"""Price triggers that Python waits for: each fires once, at the instant at which its price is reached."""

import numpy as np

from marketsim.kernel.codes import N_CROSSING, NO_ASK, NO_BID, R_NONE, SRC_LAST, SRC_MARK, SRC_MID
from marketsim.kernel.layout import crossing_at, market_at
from marketsim.kernel.logs import post_notice
from marketsim.kernel.records import compiled


@compiled
def check_crossings(w, market):
    """Fire every waiting price trigger of `market` on last or mid price that is met."""
    m = market_at(w.markets, market)
    for k in range(w.crossings_capacity):
        c = crossing_at(w.crossings, k)
        if c.live and c.market == market and (c.source == SRC_LAST or c.source == SRC_MID):
            fire_if_crossed(w, m, k, c)


@compiled
def fire_if_crossed(w, m, k, c):
    """Fire crossing `k` when its source has reached its price; each fires once."""
    if c.source == SRC_MID:
        if m.best_bid == NO_BID or m.best_ask == NO_ASK:
            return
        twice = m.best_bid + m.best_ask
    elif c.source == SRC_LAST:
        if m.last_ticks == 0:
            return
        twice = 2 * m.last_ticks
    elif c.source == SRC_MARK:
        twice = 2 * m.mark_ticks
    else:
        twice = 2 * m.index_ticks
    met = twice >= 2 * c.price_ticks if c.above else twice <= 2 * c.price_ticks
    if met:
        c.live = 0
        w.live_crossings -= 1
        if c.source >= SRC_LAST:
            w.crossings_inside -= 1
        post_notice(w, N_CROSSING, np.int64(-1), np.int64(m.id), np.int64(k), np.int64(0), np.int64(c.price_ticks), np.int64(0), np.int64(0), R_NONE, np.int64(-1))  # fmt: skip
