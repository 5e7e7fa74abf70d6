"""What trader rules decide with and act through: draws of a wake-up, prices and sizes, orders, cancels, requests.

A rule sees `w` (the world), `g` (its group), `m` (the group's market) and `trader`; `delay` is its way to the venue at
this wake-up [ns]. `position` is the record of its position in the market, `np.int64(trader.position)`.
"""

import numpy as np

from marketsim.kernel.book import twice_mid
from marketsim.kernel.codes import (
    BUY,
    F_CANCEL,
    F_IOC,
    F_SIDE,
    F_STEP,
    FREE_SLOT,
    N_REQUEST,
    NO_ASK,
    NO_BID,
    P_NORMAL,
    PENDING_SLOT,
    R_NONE,
    SELL,
    SPOT,
)
from marketsim.kernel.draw import below, philox
from marketsim.kernel.layout import order_at, position_at
from marketsim.kernel.logs import post_notice
from marketsim.kernel.margin import covered_lots
from marketsim.kernel.matching import cancel_resting
from marketsim.kernel.messages import deliver, send_message
from marketsim.kernel.records import compiled, load_i8, store_i4

PART_RULE = 0  # sub-streams of one wake-up
PART_LATENCY = 1
PART_STEP = 2  # and those of the steps after it, two a step
TABLE = 4096  # quantiles in a table


# ---- draws
# --------------------------------------------------------------------------------------------------------------


@compiled
def words(g, index, wakeup):
    """Four words of 32 bits that belong to this wake-up of this trader alone."""
    return philox(g.key, wakeup, index + 1, PART_RULE)


@compiled
def latency(g, index, wakeup):
    """This wake-up's way to the venue [ns]: constant, or a quantile drawn for it."""
    return latency_of(g, index, wakeup, np.int64(PART_LATENCY))


@compiled
def latency_of(g, index, wakeup, part):
    """The same of a part of a wake-up: a step that follows it has a way of its own."""
    if g.latency_table == 0:
        return np.int64(g.latency_ns)
    r0, r1, _, _ = philox(g.key, wakeup, index + 1, part)
    return load_i8(g.latency_table, below(r0, r1, TABLE))


@compiled
def step_words(g, index, wakeup, number):
    """Four words of 32 bits that belong to step `number` of what began at this wake-up."""
    return philox(g.key, wakeup, index + 1, PART_STEP + 2 * number)


@compiled
def step_latency(g, index, wakeup, number):
    """A step's way to the venue [ns]."""
    return latency_of(g, index, wakeup, PART_STEP + 2 * number + 1)


# ---- prices and sizes
# ------------------------------------------------------------------------------------------------------


@compiled
def lots_of(ticklots, price):
    """Whole lots that a notional (in tick-lots) buys at a price, at least one."""
    return max(np.int64(1), np.int64(ticklots / np.float64(price)))


@compiled
def behind(m, side, fraction):
    """Limit of an order that may sweep `fraction` of the price behind the best opposite quote; 0 when that side is empty."""
    if side == BUY:
        if m.best_ask == NO_ASK:
            return np.int64(0)
        return m.best_ask + np.int64(np.float64(m.best_ask) * fraction)
    if m.best_bid == NO_BID:
        return np.int64(0)
    return max(np.int64(1), m.best_bid - np.int64(np.float64(m.best_bid) * fraction))


@compiled
def steps_known(m, wanted):
    """How many of the last `wanted` mark steps have a mid that is still kept."""
    return min(wanted, np.int64(m.history_count), np.int64(m.history_length))


@compiled
def past_mid(m, steps):
    """Twice the mid of `steps` mark steps ago, one or more of those known."""
    return np.float64(load_i8(m.history, (m.history_count - steps) & (m.history_length - 1)))


@compiled
def past_return(m, wanted):
    """Relative change of the mid over the last `wanted` mark steps (over what there is, in the beginning)."""
    steps = steps_known(m, wanted)
    if steps < 1:
        return 0.0
    then = past_mid(m, steps)
    return (np.float64(twice_mid(m)) - then) / then


# ---- acting
# -------------------------------------------------------------------------------------------------------------


@compiled
def place(w, m, position, delay, side, price, size, flags, slot):
    """Send an order at once, or after the group's latency; an unsent size or price is no message.

    In a coin's market it is cut to what its trader covers: a rule asks for no more than he has (D30).
    """
    place_child(w, m, position, delay, side, price, size, flags, slot, np.int64(-1))


@compiled
def place_child(w, m, position, delay, side, price, size, flags, slot, parent):
    """The same for an order that belongs to a parent."""
    if size <= 0 or price < 1:
        return
    if m.kind == SPOT and m.nav_account < 0:
        size = min(size, covered_lots(w, m, position_at(w.positions, position), side, price))
        if size <= 0:
            return
    w.next_order_id += 1
    order_id = np.int64(w.next_order_id)
    if delay == 0:
        deliver(w, m, position, side, price, size, flags, slot, P_NORMAL, parent, order_id)
        return
    w.sent += 1
    if slot >= 0:
        store_i4(w.slots, slot, np.int32(PENDING_SLOT))
    way = flags | F_SIDE if side == SELL else flags
    send_message(w, w.now_ns + delay, position, way, price, size, slot, P_NORMAL, parent, order_id, np.int64(-1))


@compiled
def place_for(w, m, position, side, price, size, life_ns):
    """Send a limit order at once; what of it rests is cancelled after `life_ns`, unless it is gone by then."""
    w.resting = -1  # what an order that is not sent leaves of the one before
    place(w, m, position, np.int64(0), side, price, size, np.int64(0), np.int64(-1))
    if w.resting >= 0:
        send_message(w, w.now_ns + life_ns, position, F_CANCEL, np.int64(0), np.int64(0), np.int64(-1), P_NORMAL, np.int64(-1), np.int64(w.next_order_id), np.int64(w.resting))  # fmt: skip


@compiled
def withdraw(w, position, delay, i):
    """Cancel own resting order record `i`, at once or after the group's latency (its slot is free from now on)."""
    if delay == 0:
        cancel_resting(w, i)
        return
    w.sent += 1
    order = order_at(w.orders, i)
    if order.slot >= 0:
        store_i4(w.slots, np.int64(order.slot), np.int32(FREE_SLOT))
        order.slot = -1
    send_message(w, w.now_ns + delay, position, F_CANCEL, np.int64(0), np.int64(0), np.int64(-1), P_NORMAL, np.int64(-1), np.int64(order.order_id), i)  # fmt: skip


@compiled
def move_to(w, m, position, delay, target, protection):
    """Send the market order that brings a position to `target` lots, at most `protection` of the price behind the best."""
    lots = target - position_at(w.positions, position).lots
    side = BUY if lots > 0 else SELL
    place(w, m, position, delay, side, behind(m, side, protection), abs(lots), F_IOC, np.int64(-1))


@compiled
def send_step(w, position, t_ns, side, gap_ns, left, informed, parent, wakeup, number):
    """Let the rule of the trader behind a position go on at `t_ns` with its parent order (fields: `layout.STEP_NAMES`)."""
    flags = F_STEP | F_SIDE if side == SELL else F_STEP
    send_message(w, t_ns, position, flags, gap_ns, np.int64(0), left, informed, parent, wakeup, number)


@compiled
def request(w, m, account, lots):
    """Ask the fund of token `m` for units: signed lots, + creates, - redeems."""
    w.sent += 1
    post_notice(w, N_REQUEST, account, np.int64(m.id), np.int64(-1), lots, np.int64(m.index_ticks), np.int64(0), np.int64(0), R_NONE, np.int64(-1))  # fmt: skip
