"""Order flow without intelligence: limit orders at ticks from the opposite best, market orders, lives of resting orders.

Smith, Farmer, Gillemot & Krishnamurthy 2003, Quantitative Finance 3:481; Cont, Stoikov & Talreja 2010, Operations Research
58:549. A cancel rate per resting order is an exponential life of each, drawn when it is placed.
"""

import numpy as np

from marketsim.kernel.codes import BUY, F_MARKET, NO_ASK, NO_BID, SELL
from marketsim.kernel.draw import exponential
from marketsim.kernel.layout import trader_at
from marketsim.kernel.records import compiled, load_i8
from marketsim.kernel.rule import group_parameters, reads_parameters, rule
from marketsim.kernel.sending import lots_of, place, place_for, words

PARAMETERS = group_parameters(
    ("limit_threshold", "i8"),  # of 2^31: a wake-up whose draw is below it is a limit order, else a market order
    ("size_ticklots", "f8"),  # of every order, as a notional
    ("life_ns", "f8"),  # mean life of a resting order
    ("levels", "i8"),  # prices at which limit orders arrive, counted from the opposite best
    ("level_table", "i8"),  # of 2^32, rising: a draw below entry k, and not below the one before, is k + 1 ticks away
)
LONGEST_LIFE_NS = 1e18  # 31 years, which no run has
parameters_of = reads_parameters(PARAMETERS)


@compiled
def ticks_away(p, word):
    """Distance of a limit order from the opposite best [ticks], for a word of 32 bits."""
    low = np.int64(0)
    high = np.int64(p.levels - 1)
    while low < high:
        middle = (low + high) >> 1
        if word < load_i8(p.level_table, middle):
            high = middle
        else:
            low = middle + 1
    return low + 1


@compiled
def counted_from(m, side):
    """The price that distances are counted from: the opposite best; without one just beyond the own; without both the index."""
    if side == BUY:
        if m.best_ask != NO_ASK:
            return np.int64(m.best_ask)
        return np.int64(m.index_ticks) if m.best_bid == NO_BID else np.int64(m.best_bid + 1)
    if m.best_bid != NO_BID:
        return np.int64(m.best_bid)
    return np.int64(m.index_ticks) if m.best_ask == NO_ASK else np.int64(m.best_ask - 1)


@rule(PARAMETERS, tables={"level_table": "i8"})
def order_flow(w, g, m, trader, index, wakeup, delay):
    """Send a market order, or rest a limit order for the life drawn for it.

    The group's first half of accounts rests orders and the second half takes, so that nobody meets an order of his own.
    """
    p = parameters_of(g)
    r0, r1, r2, r3 = words(g, index, wakeup)
    side = SELL if r0 & 1 else BUY
    half = g.count >> 1
    number = g.first_trader + index % half
    size = lots_of(p.size_ticklots, m.index_ticks)
    if r0 >> 1 >= p.limit_threshold:
        taker = np.int64(trader_at(w.traders, number + half).position)
        place(w, m, taker, delay, side, np.int64(1), size, np.int64(F_MARKET), np.int64(-1))
        return
    away = ticks_away(p, r2)
    price = counted_from(m, side) + (-away if side == BUY else away)
    position = np.int64(trader_at(w.traders, number).position)
    life = np.int64(min(exponential(r1, r3, w.exponential) * p.life_ns, LONGEST_LIFE_NS))
    place_for(w, m, position, side, price, size, life + 1)
