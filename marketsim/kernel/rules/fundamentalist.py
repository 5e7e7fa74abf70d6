"""Fundamentalists: each trades towards its reference once the price is beyond its own threshold (latent liquidity)."""

import math

import numpy as np

from marketsim.kernel.book import twice_mid
from marketsim.kernel.codes import BUY, F_IOC, NO_ASK, NO_BID, SELL
from marketsim.kernel.layout import position_at
from marketsim.kernel.records import load_f8
from marketsim.kernel.rule import group_parameters, own_numbers, reads_own, reads_parameters, rule
from marketsim.kernel.sending import lots_of, place, words

PARAMETERS = group_parameters(
    ("close", "f8"),  # distance from the reference within which a position is closed (fraction)
    ("slice_ticklots", "f8"),  # largest order, as a notional; infinite without a limit
    ("refill_threshold", "i8"),  # of 2^32: a wake-up whose draw is below it refills
    ("adopts", "f8"),  # share of the price's deviation that a refill takes over into the reference
    ("sees_latent", "i8"),  # 1: the reference lies about the latent fundamental, 0: about the index
    ("threshold_table", "i8"),  # of each trader: fraction of the reference
    ("capacity_table", "i8"),  # of each trader: largest position, as a notional [tick-lots]
    ("error_table", "i8"),  # 4,096 quantiles of a new reference's own error (fraction)
)
OWN = own_numbers(
    ("reference", "f8"),  # where it thinks the price belongs, as a fraction above the fundamental
    ("base_lots", "i8"),  # the position it counts from
)
TABLES = dict.fromkeys(("threshold_table", "capacity_table", "error_table"), "f8")
parameters_of, own_of = reads_parameters(PARAMETERS), reads_own(OWN)


@rule(PARAMETERS, OWN, tables=TABLES)
def fundamentalist(w, g, m, trader, index, wakeup, delay):
    """Trade towards the reference beyond an own threshold, close there; now and then take the position as given and think anew."""
    p = parameters_of(g)
    own = own_of(trader)
    position = np.int64(trader.position)
    lots = np.int64(position_at(w.positions, position).lots)
    seen = np.float64(m.latent_ticks) if p.sees_latent else np.float64(m.index_ticks)
    if p.refill_threshold > 0:
        r0, r1, _, _ = words(g, index, wakeup)
        if r0 < p.refill_threshold:
            own.base_lots = lots
            away = (0.5 * np.float64(twice_mid(m)) - seen) / seen
            own.reference = p.adopts * away + load_f8(p.error_table, r1 >> 20)
    fair = seen * (1.0 + own.reference)
    threshold = load_f8(p.threshold_table, index)
    capacity = lots_of(load_f8(p.capacity_table, index), m.index_ticks)
    largest = lots_of(p.slice_ticklots, m.index_ticks)
    held = lots - own.base_lots
    high = np.int64(math.floor(fair * (1.0 + threshold)))
    low = np.int64(math.ceil(fair * (1.0 - threshold)))
    none = np.int64(-1)
    if m.best_bid != NO_BID and m.best_bid > high and held > -capacity:
        place(w, m, position, delay, SELL, high, min(largest, capacity + held), F_IOC, none)
    elif m.best_ask != NO_ASK and m.best_ask < low and held < capacity:
        place(w, m, position, delay, BUY, low, min(largest, capacity - held), F_IOC, none)
    elif held < 0 and m.best_ask != NO_ASK:
        limit = np.int64(math.floor(fair * (1.0 + p.close)))
        if m.best_ask < limit:
            place(w, m, position, delay, BUY, limit, min(largest, -held), F_IOC, none)
    elif held > 0 and m.best_bid != NO_BID:
        limit = np.int64(math.ceil(fair * (1.0 - p.close)))
        if m.best_bid > limit:
            place(w, m, position, delay, SELL, limit, min(largest, held), F_IOC, none)
