"""Doors to markets without a book, for orders that are filled together and for impacts that fade (`venues/clearing.py`)."""

import numpy as np

from marketsim.kernel.admission import MAX_PRICE, admission
from marketsim.kernel.codes import BUY, EVERY_MARKET, F_MARKET, F_REDUCE, F_SIDE, R_NONE, SELL
from marketsim.kernel.crossings import check_crossings
from marketsim.kernel.formula import publish_price
from marketsim.kernel.layout import header_at, market_at, position_at
from marketsim.kernel.logs import log_quote
from marketsim.kernel.marks import answer_mark, take_mark
from marketsim.kernel.matching import submit
from marketsim.kernel.records import entry


@entry
def admitted_lots(address, position, flags, size):
    """How many of these lots could trade now: none of an order that the market would refuse."""
    w = header_at(address, 0)
    p = position_at(w.positions, position)
    m = market_at(w.markets, p.market)
    side = SELL if flags & F_SIDE else BUY
    lots = np.int64(size)
    if flags & F_REDUCE:
        lots = min(lots, max(np.int64(0), np.int64(-p.lots if side == BUY else p.lots)))
    price = np.int64(MAX_PRICE) if side == BUY else np.int64(1)
    return lots if lots > 0 and admission(w, m, p, side, price, lots, flags | F_MARKET) == R_NONE else np.int64(0)


@entry
def clear_order(address, now_ns, position, flags, price, size, purpose, parent, order_id):
    """Fill an order at `price` [ticks], with its rows and notices, or refuse it; return the lots it got."""
    w = header_at(address, 0)
    w.now_ns = now_ns
    m = market_at(w.markets, position_at(w.positions, position).market)
    side = SELL if flags & F_SIDE else BUY
    m.clearing_ticks = price
    filled = submit(w, m, position, side, np.int64(1), size, flags & ~F_SIDE, np.int64(-1), purpose, parent, order_id)
    m.clearing_ticks = 0
    return filled


@entry
def set_impact(address, now_ns, market, impact):
    """Move the price to the index plus `impact` [quote units], and let mid, last and mark follow at once."""
    w = header_at(address, 0)
    w.now_ns = now_ns
    m = market_at(w.markets, market)
    m.impact = impact
    publish_price(w, m)
    old = np.int64(m.mark_ticks)
    take_mark(w, m)
    answer_mark(w, market, old)
    if w.crossings_inside > 0:
        check_crossings(w, market)
    if w.log_quotes:
        log_quote(w, m)


@entry
def fade_impact(address, market, impact):
    """Let mid and last follow an impact that has faded, before the steps of index and mark at this instant."""
    w = header_at(address, 0)
    m = market_at(w.markets, market)
    m.impact = impact
    publish_price(w, m)
    w.touched = EVERY_MARKET
