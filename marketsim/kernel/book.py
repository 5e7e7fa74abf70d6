"""The price-time book of one market: a re-centring window of levels with an occupancy bitmap, and sorted far orders.

Prices in [base, base + window) sit on a ring of levels (index = price mod window); orders further out wait in a list
per side, sorted by price then time, and move in when the window moves. Best prices include far orders. O(1) per order
near the market.
"""

import numpy as np

from marketsim.kernel.codes import BUY, F_FAR, NO_ASK, NO_BID, SELL
from marketsim.kernel.layout import level_at, order_at
from marketsim.kernel.records import compiled, highest_bit, load_u8, lowest_bit, store_u8

FULL = np.uint64(0xFFFFFFFFFFFFFFFF)
ZERO = np.uint64(0)
ONE = np.uint64(1)


@compiled
def set_bit(m, price):
    """Mark a level of the window as occupied."""
    i = price & (m.window - 1)
    store_u8(m.bitmap, i >> 6, load_u8(m.bitmap, i >> 6) | (ONE << np.uint64(i & 63)))


@compiled
def clear_bit(m, price):
    """Mark a level of the window as empty."""
    i = price & (m.window - 1)
    store_u8(m.bitmap, i >> 6, load_u8(m.bitmap, i >> 6) & ~(ONE << np.uint64(i & 63)))


@compiled
def occupied_from(m, price):
    """Return the lowest occupied price >= `price` in the window, or NO_ASK."""
    top = m.floor + m.window
    if price < m.floor:
        price = m.floor
    while price < top:
        i = price & (m.window - 1)
        word = load_u8(m.bitmap, i >> 6) & (FULL << np.uint64(i & 63))
        if word != ZERO:
            return (price & ~np.int64(63)) + lowest_bit(word)
        price = (price & ~np.int64(63)) + 64
    return NO_ASK


@compiled
def occupied_to(m, price):
    """Return the highest occupied price <= `price` in the window, or NO_BID."""
    if price >= m.floor + m.window:
        price = m.floor + m.window - 1
    while price >= m.floor:
        i = price & (m.window - 1)
        word = load_u8(m.bitmap, i >> 6) & (FULL >> np.uint64(63 - (i & 63)))
        if word != ZERO:
            return (price & ~np.int64(63)) + highest_bit(word)
        price = (price & ~np.int64(63)) - 1
    return NO_BID


@compiled
def find_best(w, m, side, price):
    """Set the best price of `side` again, looking outwards from `price`."""
    if side == BUY:
        best = NO_BID
        if m.bid_levels > 0:
            best = occupied_to(m, price)
        elif m.far_bid >= 0:
            best = order_at(w.orders, m.far_bid).price_ticks
        m.best_bid = best
    else:
        best = NO_ASK
        if m.ask_levels > 0:
            best = occupied_from(m, price)
        elif m.far_ask >= 0:
            best = order_at(w.orders, m.far_ask).price_ticks
        m.best_ask = best


@compiled
def is_better(side, price, other):
    """True if `price` stands before `other` on `side`."""
    return price > other if side == BUY else price < other


@compiled
def link_level(w, m, i, order):
    """Put `order` (record `i`) at the back of its level."""
    level = level_at(m.levels, order.price_ticks & (m.window - 1))
    order.next = -1
    if level.head < 0:
        level.head = i
        order.prev = -1
        set_bit(m, order.price_ticks)
        if order.side == BUY:
            m.bid_levels += 1
        else:
            m.ask_levels += 1
    else:
        order.prev = level.tail
        order_at(w.orders, level.tail).next = i
    level.tail = i
    level.lots += order.remaining_lots


@compiled
def unlink_level(w, m, i, order):
    """Take `order` out of its level; the caller sets the best price again if the level is now empty."""
    level = level_at(m.levels, order.price_ticks & (m.window - 1))
    if order.prev >= 0:
        order_at(w.orders, order.prev).next = order.next
    else:
        level.head = order.next
    if order.next >= 0:
        order_at(w.orders, order.next).prev = order.prev
    else:
        level.tail = order.prev
    level.lots -= order.remaining_lots
    if level.head < 0:
        clear_bit(m, order.price_ticks)
        if order.side == BUY:
            m.bid_levels -= 1
        else:
            m.ask_levels -= 1


@compiled
def link_far(w, m, i, order):
    """Put `order` into its side's far list, behind all that are as good or better (searched from the far end)."""
    after = m.far_bid_last if order.side == BUY else m.far_ask_last
    while after >= 0 and is_better(order.side, order.price_ticks, order_at(w.orders, after).price_ticks):
        after = np.int64(order_at(w.orders, after).prev)
    order.bits |= F_FAR
    order.prev = after
    if after >= 0:
        follower = np.int64(order_at(w.orders, after).next)
        order_at(w.orders, after).next = i
    elif order.side == BUY:
        follower = np.int64(m.far_bid)
        m.far_bid = i
    else:
        follower = np.int64(m.far_ask)
        m.far_ask = i
    order.next = follower
    if follower >= 0:
        order_at(w.orders, follower).prev = i
    elif order.side == BUY:
        m.far_bid_last = i
    else:
        m.far_ask_last = i


@compiled
def unlink_far(w, m, order):
    """Take an order out of the sorted list beyond the window."""
    if order.prev >= 0:
        order_at(w.orders, order.prev).next = order.next
    elif order.side == BUY:
        m.far_bid = order.next
    else:
        m.far_ask = order.next
    if order.next >= 0:
        order_at(w.orders, order.next).prev = order.prev
    elif order.side == BUY:
        m.far_bid_last = order.prev
    else:
        m.far_ask_last = order.prev
    order.bits &= ~F_FAR


@compiled
def push_far_front(w, m, i, order):
    """Put `order` at the head of its side's far list (it is better than all there)."""
    order.bits |= F_FAR
    order.prev = -1
    if order.side == BUY:
        order.next = m.far_bid
        if m.far_bid >= 0:
            order_at(w.orders, m.far_bid).prev = i
        else:
            m.far_bid_last = i
        m.far_bid = i
    else:
        order.next = m.far_ask
        if m.far_ask >= 0:
            order_at(w.orders, m.far_ask).prev = i
        else:
            m.far_ask_last = i
        m.far_ask = i


@compiled
def evict_level(w, m, price):
    """Move a level that leaves the window to the front of its far list, keeping time priority."""
    level = level_at(m.levels, price & (m.window - 1))
    i = np.int64(level.tail)
    while i >= 0:
        order = order_at(w.orders, i)
        previous = np.int64(order.prev)
        unlink_level(w, m, i, order)
        push_far_front(w, m, i, order)
        i = previous


@compiled
def admit_far(w, m):
    """Move far orders that the window now covers onto their levels, best first."""
    while m.far_bid >= 0:
        i = np.int64(m.far_bid)
        order = order_at(w.orders, i)
        if order.price_ticks < m.floor or order.price_ticks >= m.floor + m.window:
            break
        unlink_far(w, m, order)
        link_level(w, m, i, order)
    while m.far_ask >= 0:
        i = np.int64(m.far_ask)
        order = order_at(w.orders, i)
        if order.price_ticks < m.floor or order.price_ticks >= m.floor + m.window:
            break
        unlink_far(w, m, order)
        link_level(w, m, i, order)


@compiled
def recentre(w, m, centre):
    """Move the window so that `centre` lies in its middle; orders keep price and time priority.

    `centre` must not be below the best bid nor above the best ask, so only asks leave at the top and bids at the
    bottom. They leave outermost first, each to the front of its far list, which so stays sorted.
    """
    base = max(np.int64(0), (centre - (m.window >> 1)) & ~np.int64(63))
    if base == m.floor:
        return
    top = base + m.window
    price = occupied_to(m, m.floor + m.window - 1)
    while price != NO_BID and price >= top:
        evict_level(w, m, price)
        price = occupied_to(m, price - 1)
    price = occupied_from(m, m.floor)
    while price != NO_ASK and price < base:
        evict_level(w, m, price)
        price = occupied_from(m, price + 1)
    m.floor = base
    admit_far(w, m)


@compiled
def twice_mid(m):
    """Best bid + best ask in ticks, or twice the index when a side is empty."""
    if m.best_bid == NO_BID or m.best_ask == NO_ASK:
        return 2 * m.index_ticks
    return m.best_bid + m.best_ask


@compiled
def follow_market(w, m):
    """Recentre when the market has left the middle half of the window."""
    if m.best_bid == NO_BID and m.best_ask == NO_ASK:
        centre = np.int64(m.index_ticks)
    elif m.best_bid == NO_BID:
        centre = np.int64(m.best_ask)
    elif m.best_ask == NO_ASK:
        centre = np.int64(m.best_bid)
    else:
        centre = np.int64((m.best_bid + m.best_ask) >> 1)
    quarter = m.window >> 2
    if centre < m.floor + quarter and m.floor > 0 or centre >= m.floor + 3 * quarter:
        recentre(w, m, centre)


@compiled
def insert(w, m, i, order):
    """Rest `order` (record `i`) in the book behind all of its price; set the best price."""
    price = np.int64(order.price_ticks)
    inner = price < m.floor if order.side == SELL else price >= m.floor + m.window
    if inner:
        recentre(w, m, price)
    if m.floor <= price < m.floor + m.window:
        link_level(w, m, i, order)
    else:
        link_far(w, m, i, order)
    if order.side == BUY:
        m.best_bid = max(m.best_bid, price)
    else:
        m.best_ask = min(m.best_ask, price)


@compiled
def remove(w, m, i, order):
    """Take `order` out of the book and set the best price again."""
    price = np.int64(order.price_ticks)
    side = np.int64(order.side)
    if order.bits & F_FAR:
        unlink_far(w, m, order)
        emptied = True
    else:
        unlink_level(w, m, i, order)
        emptied = level_at(m.levels, price & (m.window - 1)).head < 0
    if emptied and price == (m.best_bid if side == BUY else m.best_ask):
        find_best(w, m, side, price)


@compiled
def level_lots(w, m, side, price):
    """Lots resting at `price` on `side` (0 for an empty side)."""
    if price == NO_BID or price == NO_ASK:
        return np.int64(0)
    if m.floor <= price < m.floor + m.window:
        return np.int64(level_at(m.levels, price & (m.window - 1)).lots)
    lots = np.int64(0)
    i = np.int64(m.far_bid if side == BUY else m.far_ask)
    while i >= 0 and not is_better(side, price, order_at(w.orders, i).price_ticks):
        if order_at(w.orders, i).price_ticks == price:
            lots += order_at(w.orders, i).remaining_lots
        i = np.int64(order_at(w.orders, i).next)
    return lots


@compiled
def next_price(w, m, side, price):
    """Return the next occupied price behind `price` on `side`, or NO_BID / NO_ASK (far orders included)."""
    if side == BUY:
        found = occupied_to(m, price - 1) if price > m.floor else NO_BID
        i = np.int64(m.far_bid)
        while found == NO_BID and i >= 0:
            if order_at(w.orders, i).price_ticks < price:
                found = np.int64(order_at(w.orders, i).price_ticks)
            i = np.int64(order_at(w.orders, i).next)
        return found
    found = occupied_from(m, price + 1) if price < m.floor + m.window - 1 else NO_ASK
    i = np.int64(m.far_ask)
    while found == NO_ASK and i >= 0:
        if order_at(w.orders, i).price_ticks > price:
            found = np.int64(order_at(w.orders, i).price_ticks)
        i = np.int64(order_at(w.orders, i).next)
    return found
