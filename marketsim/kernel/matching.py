"""Orders: check, match by price then time (`settlement` settles both sides at once), rest or cancel what is left, log.

`submit` is the one door into a book; everybody's orders pass it. A message fills at most MAX_FILLS resting orders; the
rest is put back at the head of the same instant (`w.limited` tells).
"""

import numpy as np

from marketsim.kernel.accounts import position_of
from marketsim.kernel.admission import MAX_PRICE, admission
from marketsim.kernel.book import insert, recentre, remove
from marketsim.kernel.codes import (
    A_CANCEL,
    A_PLACE,
    A_REJECT,
    BOOK,
    BUY,
    F_CONTINUE,
    F_FAR,
    F_IOC,
    F_MARKET,
    F_NOTIFY,
    F_POST_ONLY,
    F_REDUCE,
    F_SLIDE,
    FREE_SLOT,
    MAX_FILLS,
    N_DONE,
    N_IMPACT,
    N_RESTING,
    NO_ASK,
    NO_BID,
    PENDING_SLOT,
    R_CANCELLED,
    R_EMPTY_BOOK,
    R_FILLED,
    R_FUNDS,
    R_IOC_REST,
    R_NO_BOOK,
    R_NONE,
    R_POST_ONLY,
    R_REDUCE_ONLY,
    R_SELF_TRADE,
    SELL,
    SPOT,
)
from marketsim.kernel.formula import formula_price, lots_within, own_impact, publish_price, ticks_of
from marketsim.kernel.layout import level_at, market_at, order_at, position_at, spot_of
from marketsim.kernel.logs import log_order, post_notice
from marketsim.kernel.margin import can_still_pay, covered_lots
from marketsim.kernel.records import compiled, store_i4
from marketsim.kernel.settlement import refile, settle, settle_with_outside
from marketsim.kernel.views import learn_from_order


@compiled
def free_order(w, i, order):
    """Give an order's record back; its trader's slot forgets it."""
    if order.slot >= 0:
        store_i4(w.slots, np.int64(order.slot), np.int32(FREE_SLOT))
    p = position_at(w.positions, order.position)
    if order.side == BUY:
        p.open_buy -= order.remaining_lots
        if market_at(w.markets, order.market).kind == SPOT:
            spot_of(p).reserved_ticklots -= order.remaining_lots * order.price_ticks
    else:
        p.open_sell -= order.remaining_lots
    order.order_id = 0
    order.next = w.free_order
    w.free_order = i
    w.live_orders -= 1


@compiled
def cancel(w, i, reason):
    """Take resting order record `i` out of its book and free it; log and tell its owner."""
    order = order_at(w.orders, i)
    m = market_at(w.markets, order.market)
    remove(w, m, i, order)
    w.cancel_count += 1
    log_order(
        w, np.int64(order.market), np.int64(order.order_id), np.int64(order.account), A_CANCEL, np.int64(order.side),
        np.int64(order.bits), np.int64(order.price_ticks), np.int64(order.size_lots), np.int64(order.remaining_lots), reason,
    )  # fmt: skip
    if order.bits & F_NOTIFY:
        post_notice(w, N_DONE, np.int64(order.account), np.int64(order.market), np.int64(order.order_id), np.int64(0), np.int64(0), np.int64(0), np.int64(order.remaining_lots), reason, np.int64(-1))  # fmt: skip
    free_order(w, i, order)


@compiled
def match(w, m, position, side, price, size, order_id, purpose, parent, flags):
    """Trade up to `size` lots against the opposite side at `price` or better; return the filled lots.

    In a spot market nobody pays what he has not: a bid whose cash is gone is cancelled, a market order stops (`w.reason`).
    """
    account = position_at(w.positions, position).account
    filled = np.int64(0)
    fills = 0
    w.limited = 0
    while filled < size:
        best = np.int64(m.best_ask if side == BUY else m.best_bid)
        if side == BUY and (best == NO_ASK or best > price) or side == SELL and (best == NO_BID or best < price):
            break
        if fills >= MAX_FILLS:
            w.limited = 1
            break
        if not m.floor <= best < m.floor + m.window:
            recentre(w, m, best)
        level = level_at(m.levels, best & (m.window - 1))
        i = np.int64(level.head)
        maker = order_at(w.orders, i)
        if maker.account == account:
            cancel(w, i, R_SELF_TRADE)
            fills += 1
            continue
        lots = min(size - filled, np.int64(maker.remaining_lots))
        if maker.bits & F_REDUCE:
            held = np.int64(position_at(w.positions, maker.position).lots)
            lots = min(lots, held if side == BUY else -held)
            if lots <= 0:
                cancel(w, i, R_REDUCE_ONLY)
                fills += 1
                continue
        if m.kind == SPOT:
            if side == SELL and not can_still_pay(w, m, position_at(w.positions, maker.position), lots, best):
                cancel(w, i, R_FUNDS)
                fills += 1
                continue
            if side == BUY and flags & F_MARKET:
                # It was admitted at the mark; here it stops where its cash does.
                lots = min(lots, covered_lots(w, m, position_at(w.positions, position), BUY, best))
                if lots <= 0:
                    w.reason = R_FUNDS
                    break
        settle(w, m, maker, position, side, lots, order_id, purpose, parent, flags)
        filled += lots
        fills += 1
        if lots == maker.remaining_lots:
            remove(w, m, i, maker)
            maker.remaining_lots = 0
            if maker.bits & F_NOTIFY:
                post_notice(w, N_DONE, np.int64(maker.account), np.int64(m.id), np.int64(maker.order_id), np.int64(0), np.int64(0), np.int64(0), np.int64(0), R_FILLED, np.int64(-1))  # fmt: skip
            free_order(w, i, maker)
        else:
            maker.remaining_lots -= lots
            level.lots -= lots
    if filled > 0:
        refile(w, m, position, position_at(w.positions, position))
    return filled


@compiled
def match_by_formula(w, m, position, side, limit, size, order_id, purpose, parent):
    """Trade `size` lots with `outside`, or as many as cost no more than `limit`; return the filled lots.

    Orders that are filled together have the price worked out for them; one alone moves the price by its own impact.
    """
    w.limited = 0
    outside = position_of(w, np.int64(m.outside_account), np.int64(m.id))
    if m.clearing_ticks > 0:
        settle_with_outside(w, m, outside, position, side, size, np.int64(m.clearing_ticks), order_id, purpose, parent)
        return size
    lots = min(size, lots_within(w, m, side, limit))
    if lots <= 0:
        return np.int64(0)
    impact = own_impact(w, m, lots if side == BUY else -lots)
    price = ticks_of(m, formula_price(w, m) + m.fill_share * impact)
    settle_with_outside(w, m, outside, position, side, lots, price, order_id, purpose, parent)
    m.impact += impact
    publish_price(w, m)
    if m.is_fading:
        signed = lots if side == BUY else -lots
        post_notice(w, N_IMPACT, np.int64(-1), np.int64(m.id), order_id, signed, price, np.int64(0), np.int64(0), R_NONE, np.int64(-1))  # fmt: skip
    return lots


@compiled
def refuse(w, m, position, side, price, size, flags, order_id, reason):
    """Reject an order: a row with its reason, a notice, nothing else."""
    w.reject_count += 1
    w.reason = reason
    account = np.int64(position_at(w.positions, position).account)
    log_order(w, np.int64(m.id), order_id, account, A_REJECT, side, flags, price, size, size, reason)
    if flags & F_NOTIFY:
        post_notice(w, N_DONE, account, np.int64(m.id), order_id, np.int64(0), np.int64(0), np.int64(0), size, reason, np.int64(-1))  # fmt: skip
    return np.int64(0)


@compiled
def rest(w, m, position, side, price, size, remaining, flags, slot, purpose, parent, order_id):
    """Put what is left of an order into the book; return its record."""
    i = np.int64(w.free_order)
    order = order_at(w.orders, i)
    w.free_order = order.next
    w.live_orders += 1
    p = position_at(w.positions, position)
    order.order_id = order_id
    order.price_ticks = price
    order.size_lots = size
    order.remaining_lots = remaining
    order.account = p.account
    order.position = position
    order.slot = slot
    order.parent = parent
    order.market = m.id
    order.side = side
    order.purpose = purpose
    order.bits = flags & ~F_FAR
    if side == BUY:
        p.open_buy += remaining
        if m.kind == SPOT:
            spot_of(p).reserved_ticklots += remaining * price  # cash this bid ties up
    else:
        p.open_sell += remaining
    insert(w, m, i, order)
    if slot >= 0:
        store_i4(w.slots, slot, np.int32(i))
    if flags & F_NOTIFY:
        post_notice(w, N_RESTING, np.int64(p.account), np.int64(m.id), order_id, np.int64(0), price, np.int64(0), remaining, R_NONE, i)  # fmt: skip
    return i


@compiled
def submit(w, m, position, side, price, size, flags, slot, purpose, parent, order_id):
    """Bring one order to the book; return the lots it filled at once.

    Beside that: `w.resting` (record in the book or -1), `w.reason` (why it ended or was refused), `w.limited` (1: the
    caller puts `size - filled` back). The trader's slot, if any, holds the record when the order rests and is free
    otherwise.
    """
    w.resting = -1
    w.reason = R_NONE
    w.limited = 0
    if not flags & F_CONTINUE:
        w.micro_events += 1
        w.order_count += 1
    w.sent += 1
    if slot >= 0:
        store_i4(w.slots, slot, np.int32(FREE_SLOT))
    p = position_at(w.positions, position)
    if flags & F_MARKET:
        price = np.int64(MAX_PRICE) if side == BUY else np.int64(1)
    if flags & F_REDUCE:
        reducible = -p.lots if side == BUY else p.lots
        if reducible <= 0:
            return refuse(w, m, position, side, price, size, flags, order_id, R_REDUCE_ONLY)
        size = min(size, np.int64(reducible))
    if flags & (F_POST_ONLY | F_SLIDE):
        crosses = price >= m.best_ask if side == BUY else price <= m.best_bid
        if crosses and flags & F_POST_ONLY:
            return refuse(w, m, position, side, price, size, flags, order_id, R_POST_ONLY)
        if crosses:
            price = np.int64(m.best_ask - 1) if side == BUY else np.int64(m.best_bid + 1)
    reason = admission(w, m, p, side, price, size, flags)
    if reason != R_NONE:
        return refuse(w, m, position, side, price, size, flags, order_id, reason)
    old_bid = np.int64(m.best_bid)
    old_ask = np.int64(m.best_ask)
    if m.matching == BOOK:
        before = m.volume_ticklots
        filled = match(w, m, position, side, price, size, order_id, purpose, parent, flags)
        if m.has_view and filled > 0:
            learn_from_order(w, m, side, m.volume_ticklots - before)
    elif not flags & (F_IOC | F_MARKET):
        return refuse(w, m, position, side, price, size, flags, order_id, R_NO_BOOK)
    else:
        filled = match_by_formula(w, m, position, side, price, size, order_id, purpose, parent)
    remaining = size - filled
    if w.limited:
        if slot >= 0:
            store_i4(w.slots, slot, np.int32(PENDING_SLOT))
    elif remaining == 0:
        w.reason = R_FILLED
    elif flags & (F_IOC | F_MARKET):
        if w.reason == R_NONE:
            w.reason = (
                R_IOC_REST
                if filled > 0 or old_ask != NO_ASK and side == BUY or old_bid != NO_BID and side == SELL
                else R_EMPTY_BOOK
            )
    else:
        w.resting = rest(w, m, position, side, price, size, remaining, flags, slot, purpose, parent, order_id)
    left = remaining if w.resting >= 0 else np.int64(0)
    log_order(
        w, np.int64(m.id), order_id, np.int64(p.account), A_PLACE, side, flags, price, size, left, np.int64(w.reason)
    )
    if flags & F_NOTIFY and w.reason != R_NONE:
        post_notice(w, N_DONE, np.int64(p.account), np.int64(m.id), order_id, np.int64(0), np.int64(0), np.int64(0), remaining, np.int64(w.reason), np.int64(-1))  # fmt: skip
    return filled


@compiled
def cancel_message(w, i, order_id, account):
    """Handle a cancel that reached the book; nothing happens if the order is gone."""
    w.micro_events += 1
    if order_at(w.orders, i).order_id == order_id:
        cancel(w, i, R_CANCELLED)


@compiled
def cancel_resting(w, i):
    """A trader cancels its own resting order at once (one message)."""
    w.micro_events += 1
    w.sent += 1
    cancel(w, i, R_CANCELLED)
