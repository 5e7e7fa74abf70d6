"""Margin: tiers, equity, what an order needs, and the price at which a position must be looked at again.

Formulas and sources: `venues/margin.py`. Cross margin per account; a trigger lies where the position's share of the account's
cushion is gone (for a single position: the liquidation price itself), rounded towards firing early, checked exactly when it fires.
Triggers wait in lists by price bucket inside a box around the mark; when the mark leaves the box, all are filed anew.
"""

import math

import numpy as np

from marketsim.kernel.accounts import dearest_rate, fee_rate, share
from marketsim.kernel.codes import ACC_NO_MARGIN, ACC_NO_TIERS, BUY, PERPETUAL, RATE_ONE, S_QUEUED, SPOT
from marketsim.kernel.layout import account_at, market_at, place_at, position_at, spot_of, tier_at
from marketsim.kernel.records import compiled, load_i4, store_i4

NEVER = 4_611_686_018_427_387_904
LARGEST_NOTIONAL = 4.0e18  # half of what int64 holds


@compiled
def tier_of(m, notional_atoms):
    """Number of the margin tier that a notional falls in."""
    k = np.int64(0)
    while k + 1 < m.n_tiers and tier_at(m.tiers, k + 1).floor_atoms < notional_atoms:
        k += 1
    return k


@compiled
def maintenance_atoms(m, notional_atoms):
    """Maintenance margin: floor(notional x rate) - amount of the tier."""
    tier = tier_at(m.tiers, tier_of(m, notional_atoms))
    return share(notional_atoms, np.int64(tier.maintenance)) - tier.amount_atoms


@compiled
def equity_atoms(w, account):
    """Cash plus every perpetual at its mark: what margin sees. Coins and units held are no collateral (D22, D30)."""
    a = account_at(w.accounts, account)
    total = np.int64(a.cash_atoms)
    i = np.int64(a.first_position)
    while i >= 0:
        p = position_at(w.positions, i)
        if p.lots != 0:
            m = market_at(w.markets, p.market)
            if m.kind == PERPETUAL:
                total += p.lots * m.mark_ticks * m.atoms
        i = np.int64(p.sibling)
    return total


@compiled
def requirement_atoms(w, account):
    """Maintenance margin of all positions of an account, at mark."""
    total = np.int64(0)
    if account_at(w.accounts, account).bits & ACC_NO_TIERS:
        return total
    i = np.int64(account_at(w.accounts, account).first_position)
    while i >= 0:
        p = position_at(w.positions, i)
        if p.lots != 0 and market_at(w.markets, p.market).kind == PERPETUAL:
            m = market_at(w.markets, p.market)
            total += maintenance_atoms(m, abs(p.lots) * m.mark_ticks * m.atoms)
        i = np.int64(p.sibling)
    return total


@compiled
def is_under_water(w, account):
    """True when equity is below the maintenance requirement."""
    return equity_atoms(w, account) < requirement_atoms(w, account)


@compiled
def initial_atoms(m, leverage_cap, notional_atoms):
    """Initial margin: notional over the highest leverage of its tier (or the account's own lower cap), rounded up."""
    leverage = tier_at(m.tiers, tier_of(m, notional_atoms)).max_leverage
    if leverage_cap > 0:
        leverage = min(leverage, np.float64(leverage_cap))
    return np.int64(math.ceil(np.float64(notional_atoms) / leverage))


@compiled
def reserved_atoms(w, m, a, p):
    """Cash that the resting bids of a spot position tie up: their full price and the dearer fee."""
    cost = spot_of(p).reserved_ticklots * m.atoms
    return cost + share(cost, dearest_rate(w, m, np.int64(a.cohort))) if cost != 0 else np.int64(0)


@compiled
def committed_atoms(w, account, left_out, with_bids):
    """What an account's perpetuals (initial margin) and, `with_bids`, its resting spot bids (price and fee) tie up.

    Market `left_out` (-1 for none) does not count. A perpetual counts at mark, with the larger side of what rests there.
    """
    a = account_at(w.accounts, account)
    total = np.int64(0)
    i = np.int64(a.first_position)
    while i >= 0:
        p = position_at(w.positions, i)
        m = market_at(w.markets, p.market)
        if m.kind == SPOT:
            total += reserved_atoms(w, m, a, p) if with_bids else np.int64(0)
        elif p.market != left_out and not a.bits & ACC_NO_TIERS:
            most = max(abs(p.lots), p.lots + p.open_buy, p.open_sell - p.lots)
            total += initial_atoms(m, a.leverage_cap, most * m.mark_ticks * m.atoms)
        i = np.int64(p.sibling)
    return total


@compiled
def can_pay(w, m, p, side_sign, lots, price):
    """True if a spot order is covered: a buy by free cash, fee included, a sale by units held and not yet on offer."""
    a = account_at(w.accounts, p.account)
    if a.bits & ACC_NO_MARGIN:
        return True
    if side_sign < 0:
        return lots <= p.lots - p.open_sell
    if np.float64(lots) * np.float64(price) * np.float64(m.atoms) > LARGEST_NOTIONAL:
        return False
    cost = lots * price * m.atoms
    fee = share(cost, dearest_rate(w, m, np.int64(a.cohort)))
    return cost + fee + committed_atoms(w, np.int64(p.account), -1, 1) <= equity_atoms(w, np.int64(p.account))


@compiled
def can_still_pay(w, m, p, lots, price):
    """True if a resting spot bid's account can pay for `lots` of it beside the margin of its perpetuals.

    They may have lost since the bid came to rest, or its fee may have risen: what it tied up is not there any more.
    """
    a = account_at(w.accounts, p.account)
    if a.bits & ACC_NO_MARGIN:
        return True
    cost = lots * price * m.atoms
    fee = share(cost, max(np.int64(0), fee_rate(w, m, np.int64(a.cohort), False)))
    return cost + fee + committed_atoms(w, np.int64(p.account), -1, 0) <= equity_atoms(w, np.int64(p.account))


@compiled
def covered_lots(w, m, p, side, price):
    """Lots of a spot order that its account covers: a sale by units held and not on offer, a buy by free cash with its fee.

    A cost of at most free x (1 - rate) leaves room for a fee of rate x cost.
    """
    a = account_at(w.accounts, p.account)
    if a.bits & ACC_NO_MARGIN:
        return np.int64(NEVER)
    if side != BUY:
        return np.int64(p.lots - p.open_sell)
    if np.float64(price) * np.float64(m.atoms) > LARGEST_NOTIONAL:
        return np.int64(0)
    free = equity_atoms(w, np.int64(p.account)) - committed_atoms(w, np.int64(p.account), -1, 1)
    if free <= 0:
        return np.int64(0)
    return (free - share(free, dearest_rate(w, m, np.int64(a.cohort))) - 1) // (price * m.atoms)


@compiled
def can_afford(w, m, p, side_sign, lots, price):
    """True if the account's equity covers the initial margin of the position that this order could lead to.

    Exposure counts what rests on the same side. An order that leads to no larger position than the one it turns round is always
    affordable. Other markets count at mark, with the larger side of what rests there.
    """
    a = account_at(w.accounts, p.account)
    if a.bits & (ACC_NO_MARGIN | ACC_NO_TIERS):
        return True
    exposure = side_sign * p.lots + lots + (p.open_buy if side_sign > 0 else p.open_sell)
    if exposure <= 0 or exposure <= abs(p.lots) and side_sign * p.lots < 0:
        return True
    if np.float64(exposure) * np.float64(price) * np.float64(m.atoms) > LARGEST_NOTIONAL:
        return False
    notional = exposure * price * m.atoms
    if a.n_positions <= 1:
        equity = a.cash_atoms + p.lots * m.mark_ticks * m.atoms
        return notional <= equity or initial_atoms(m, a.leverage_cap, notional) <= equity
    equity = equity_atoms(w, p.account)
    needed = initial_atoms(m, a.leverage_cap, notional)
    return needed + committed_atoms(w, np.int64(p.account), np.int64(p.market), 1) <= equity


@compiled
def early(is_long, price):
    """A trigger price as a tick, rounded towards firing early; -1 when no price reaches it."""
    if is_long:
        return np.int64(math.floor(price)) + 1 if price > 0.0 else np.int64(-1)
    return max(np.int64(math.ceil(price)) - 1, np.int64(1)) if price < 1e15 else np.int64(-1)


@compiled
def trigger_price(w, m, p):
    """Tick at which position `p` must be checked: a long when the mark is at or below it, a short at or above; -1 for never."""
    a = account_at(w.accounts, p.account)
    lots = np.float64(abs(p.lots))
    value = lots * np.float64(m.atoms)
    marked = value * np.float64(m.mark_ticks)
    if a.n_positions <= 1:
        base = np.float64(a.cash_atoms) + (marked if p.lots > 0 else -marked)
    else:
        held = np.int64(0)
        i = np.int64(a.first_position)
        while i >= 0:
            q = position_at(w.positions, i)
            held += 1 if q.lots != 0 and market_at(w.markets, q.market).kind == PERPETUAL else 0
            i = np.int64(q.sibling)
        cushion = np.float64(equity_atoms(w, p.account) - requirement_atoms(w, p.account)) / np.float64(
            max(held, np.int64(1))
        )
        held_atoms = (
            np.int64(0) if a.bits & ACC_NO_TIERS else maintenance_atoms(m, abs(p.lots) * m.mark_ticks * m.atoms)
        )
        base = cushion + np.float64(held_atoms)
    if a.bits & ACC_NO_TIERS:
        price = (marked - base) / value if p.lots > 0 else (marked + base) / value
        return early(p.lots > 0, price)
    k = tier_of(m, abs(p.lots) * m.mark_ticks * m.atoms)
    price = 0.0
    for _ in range(m.n_tiers):
        tier = tier_at(m.tiers, k)
        rate = np.float64(tier.maintenance) / np.float64(RATE_ONE)
        if p.lots > 0:
            price = (marked - base - np.float64(tier.amount_atoms)) / (value * (1.0 - rate))
        else:
            price = (marked + base + np.float64(tier.amount_atoms)) / (value * (1.0 + rate))
        notional = value * price
        if k > 0 and notional <= np.float64(tier.floor_atoms):
            k -= 1
        elif k + 1 < m.n_tiers and notional > np.float64(tier_at(m.tiers, k + 1).floor_atoms):
            k += 1
        else:
            break
    return early(p.lots > 0, price)


@compiled
def unfile(m, w, i, p):
    """Take position `p` (record `i`) out of its trigger list."""
    if p.bucket < 0 or m.kind == SPOT:
        return
    if p.prev >= 0:
        position_at(w.positions, p.prev).next = p.next
    elif p.bucket >= m.buckets:
        store_i4(m.short_heads, p.bucket - m.buckets, np.int32(p.next))
    else:
        store_i4(m.long_heads, np.int64(p.bucket), np.int32(p.next))
    if p.next >= 0:
        position_at(w.positions, p.next).prev = p.prev
    p.bucket = -1
    p.next = -1
    p.prev = -1


@compiled
def bucket_of(m, price):
    """Number of the trigger list of a price; the outermost lists take what lies outside the box."""
    return min(max((price - m.box_low) >> m.bucket_shift, np.int64(0)), m.buckets - 1)


@compiled
def is_out_of_danger(m, a, p):
    """True, at little cost, for most unlevered positions: no mark inside the box can bring their account under water.

    A long bought with own cash alone never falls below its maintenance (a rate under 1); a short is safe while its cash covers twice its
    notional at the top of the box, for the maintenance of no tier exceeds the notional.
    """
    if a.n_positions > 1:
        return False
    if p.lots > 0:
        return a.cash_atoms >= 0
    return np.float64(a.cash_atoms) > np.float64(-p.lots) * np.float64(m.atoms) * np.float64(2 * m.box_high)


@compiled
def note_moved(w, m, i):
    """While the market's ranking is good: position record `i` has to be ranked anew (`ranking`)."""
    place = place_at(w.places, i)
    if not place.is_moved:
        place.is_moved = 1
        place.next_moved = m.moved
        m.moved = i


@compiled
def file_trigger(w, m, i, p):
    """File position `p` (record `i`) at its trigger price; out of the box or without danger: nowhere."""
    if m.ranked_ns == w.now_ns:
        note_moved(w, m, i)
    a = account_at(w.accounts, p.account)
    if a.bits & ACC_NO_MARGIN or m.kind == SPOT:
        return
    if p.lots == 0 or a.state == S_QUEUED:
        unfile(m, w, i, p)
        return
    is_long = p.lots > 0
    if is_out_of_danger(m, a, p):
        unfile(m, w, i, p)
        return
    price = trigger_price(w, m, p)
    p.trigger_ticks = price
    if price < 0 or price < m.box_low and is_long or price > m.box_high and not is_long:
        unfile(m, w, i, p)
        return
    # A trigger already crossed waits in the bucket of the mark, which every mark step visits.
    here = bucket_of(m, np.int64(m.mark_ticks))
    bucket = min(bucket_of(m, price), here) if is_long else max(bucket_of(m, price), here) + m.buckets
    if bucket == p.bucket:
        return
    unfile(m, w, i, p)
    if is_long:
        head = np.int64(load_i4(m.long_heads, bucket))
        store_i4(m.long_heads, bucket, np.int32(i))
    else:
        head = np.int64(load_i4(m.short_heads, bucket - m.buckets))
        store_i4(m.short_heads, bucket - m.buckets, np.int32(i))
    p.bucket = bucket
    p.prev = -1
    p.next = head
    if head >= 0:
        position_at(w.positions, head).prev = i


@compiled
def file_account(w, account):
    """File all positions of an account again (after its cash changed)."""
    i = np.int64(account_at(w.accounts, account).first_position)
    while i >= 0:
        p = position_at(w.positions, i)
        if p.lots != 0 or p.bucket >= 0:
            file_trigger(w, market_at(w.markets, p.market), i, p)
        i = np.int64(p.sibling)


@compiled
def file_all(w, market):
    """Lay a new box around the mark and file every position of the market again."""
    m = market_at(w.markets, market)
    m.box_low = m.mark_ticks >> 1
    m.box_high = m.mark_ticks + (m.mark_ticks >> 1) + (m.mark_ticks >> 2)
    m.bucket_shift = 0
    while (m.box_high - m.box_low) >> m.bucket_shift >= m.buckets:
        m.bucket_shift += 1
    for b in range(m.buckets):
        store_i4(m.long_heads, b, np.int32(-1))
        store_i4(m.short_heads, b, np.int32(-1))
    for i in range(w.n_positions):
        p = position_at(w.positions, i)
        if p.market == market and m.kind == PERPETUAL:
            p.bucket = -1
            p.next = -1
            p.prev = -1
    for i in range(w.n_positions):
        p = position_at(w.positions, i)
        if p.market != market or p.lots == 0:
            continue
        # Shares of one cushion are only good together.
        if account_at(w.accounts, p.account).n_positions <= 1:
            file_trigger(w, m, i, p)
        else:
            file_account(w, np.int64(p.account))
