"""Markets without a book: the price is the index plus the impacts of all orders, and any size is filled at once.

One order alone, decided and filled now, is worked out here where its formula is known here (FORMULA fills none); orders
that Python's participants send for one instant have one price between them, which `venues/clearing.py` works out and
hands over (`clearing_ticks`). How impacts fade is Python's business too. docs/venues.md#markets-without-a-book.
"""

import math

import numpy as np

from marketsim.kernel.admission import MAX_LOTS
from marketsim.kernel.codes import BUY, FORMULA, SQUARE_ROOT
from marketsim.kernel.layout import underlying_at
from marketsim.kernel.records import compiled


@compiled
def formula_price(w, m):
    """Index plus impacts, unrounded [quote units]."""
    return underlying_at(w.underlyings, m.underlying).level + m.impact


@compiled
def ticks_of(m, price):
    """A price in quote units as whole ticks, at least one."""
    return max(np.int64(1), np.int64(math.floor(price * m.inverse_tick + 0.5)))


@compiled
def publish_price(w, m):
    """Mid and last are the formula's price; there is nothing at the best quotes."""
    ticks = ticks_of(m, formula_price(w, m))
    m.best_bid = ticks
    m.best_ask = ticks
    m.last_ticks = ticks


@compiled
def own_impact(w, m, lots):
    """What signed lots move the price [quote units]: c x lots, or index x s x sqrt(lots x price)."""
    if m.matching == SQUARE_ROOT:
        index = np.float64(underlying_at(w.underlyings, m.underlying).level)
        size = index * m.impact_scale * math.sqrt(np.float64(abs(lots)) * max(formula_price(w, m), 1.0 / m.inverse_tick))
        return size if lots > 0 else -size
    return m.impact_scale * np.float64(lots)


@compiled
def lots_within(w, m, side, limit):
    """How many lots an order may trade and pay no more than `limit` ticks (sell: get no less)."""
    if m.matching == FORMULA:
        return np.int64(0)
    price = formula_price(w, m)
    room = np.float64(limit) / m.inverse_tick - price
    if side != BUY:
        room = -room
    if room < 0.0:
        return np.int64(0)
    if m.fill_share == 0.0:
        return np.int64(MAX_LOTS)
    most = room / (m.fill_share * m.impact_scale)
    if m.matching == SQUARE_ROOT:
        root = most / np.float64(underlying_at(w.underlyings, m.underlying).level)
        most = root * root / max(price, 1.0 / m.inverse_tick)
    return np.int64(min(most, np.float64(MAX_LOTS)))
