"""What a trader does when it wakes: one rule per kind, chosen by a code.

Rules and parameters: CALIBRATION section 1 (see each kind's file in `traders`, which holds its Spec and fills the
tables). A rule reads the market and its own record, takes the four words of its (trader, wake-up), and sends messages
through `place` and `withdraw`.
"""

import math

import numpy as np

from marketsim.kernel.codes import (
    BUY,
    F_CANCEL,
    F_IOC,
    F_SIDE,
    F_SLIDE,
    K_FUNDAMENTALIST,
    K_HOLDER,
    K_MAKER,
    K_NOISE,
    K_TREND,
    N_REQUEST,
    NO_ASK,
    NO_BID,
    P_NORMAL,
    R_NONE,
    SELL,
    SPOT,
)
from marketsim.kernel.draw import TWO_32, below, philox
from marketsim.kernel.layout import account_at, market_at, order_at, position_at, trader_at
from marketsim.kernel.margin import covered_lots, equity_atoms
from marketsim.kernel.marks import twice_mid
from marketsim.kernel.matching import FREE_SLOT, PENDING_SLOT, cancel_resting, post_notice
from marketsim.kernel.messages import deliver, send_message
from marketsim.kernel.records import compiled, load_f8, load_i4, load_i8, store_i4

PART_RULE = 0  # sub-streams of one wake-up
PART_LATENCY = 1
TABLE = 4096  # quantiles in a table


# ---- sending
# -----------------------------------------------------------------------------------------------------------


@compiled
def latency(g, trader_index, wakeup):
    """This wake-up's way to the venue [ns]: constant, or a quantile drawn for it."""
    if g.latency_table == 0:
        return np.int64(g.latency_ns)
    r0, r1, _, _ = philox(g.key, wakeup, trader_index + 1, PART_LATENCY)
    return load_i8(g.latency_table, below(r0, r1, TABLE))


@compiled
def place(w, g, m, trader, delay, side, price, size, flags, slot):
    """Send an order at once, or after the group's latency; an unsent size or price is no message.

    In a coin's market it is cut to what its trader covers: a rule asks for no more than he has (D30).
    """
    if size <= 0 or price < 1:
        return
    if m.kind == SPOT and m.nav_account < 0:
        size = min(size, covered_lots(w, m, position_at(w.positions, trader.position), side, price))
        if size <= 0:
            return
    w.next_order_id += 1
    order_id = np.int64(w.next_order_id)
    position = np.int64(trader.position)
    if delay == 0:
        deliver(w, m, position, side, price, size, flags, slot, P_NORMAL, np.int64(-1), order_id)
        return
    w.sent += 1
    if slot >= 0:
        store_i4(w.slots, slot, np.int32(PENDING_SLOT))
    way = flags | F_SIDE if side == SELL else flags
    send_message(w, w.now_ns + delay, position, way, price, size, slot, P_NORMAL, np.int64(-1), order_id, np.int64(-1))


@compiled
def withdraw(w, trader, delay, i):
    """Cancel own resting order record `i`, at once or after the group's latency (its slot is free from now on)."""
    if delay == 0:
        cancel_resting(w, i)
        return
    w.sent += 1
    order = order_at(w.orders, i)
    if order.slot >= 0:
        store_i4(w.slots, np.int64(order.slot), np.int32(FREE_SLOT))
        order.slot = -1
    send_message(w, w.now_ns + delay, np.int64(trader.position), F_CANCEL, np.int64(0), np.int64(0), np.int64(-1), P_NORMAL, np.int64(-1), np.int64(order.order_id), i)  # fmt: skip


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
def past_return(m, steps):
    """Relative change of the mid over the last `steps` mark steps (over what there is, in the beginning)."""
    steps = min(steps, np.int64(m.history_count), np.int64(m.history_length))
    if steps < 1:
        return 0.0
    then = np.float64(load_i8(m.history, (m.history_count - steps) & (m.history_length - 1)))
    return (np.float64(twice_mid(m)) - then) / then


@compiled
def move_to(w, g, m, trader, delay, target):
    """Send the market order that brings the trader's position to `target` lots."""
    lots = target - position_at(w.positions, trader.position).lots
    side = BUY if lots > 0 else SELL
    place(w, g, m, trader, delay, side, behind(m, side, g.f2), abs(lots), F_IOC, np.int64(-1))


# ---- the rules
# -------------------------------------------------------------------------------------------------------------


@compiled
def wake_noise(w, g, m, trader, delay, r0, r1, r2, r3):
    """Buy or sell at market, place a limit order, or cancel, leaning against the perp's deviation from the index.

    i0, i1: thresholds of 16 bits for market and for market-or-limit; f0: tilt per unit deviation and f1 its bound
    (16-bit units); f2: protection; f3: factor of limit sizes; t0: sizes [tick-lots]; t1: distances (fraction of the
    mid).
    """
    action = r0 & 0xFFFF
    twice = np.float64(twice_mid(m))
    if action >= g.i1:
        i = np.int64(load_i4(w.slots, trader.slots + below(r3, r2, g.slots_each)))
        if i >= 0:
            withdraw(w, trader, delay, i)
        return
    index = np.float64(m.index_ticks)
    tilt = g.f0 * (twice * 0.5 - index) / index
    tilt = min(max(tilt, -g.f1), g.f1)
    side = BUY if np.float64(r0 >> 16) < 32768.0 - tilt else SELL
    ticklots = load_f8(g.t0, r1 >> 20)
    if action < g.i0:
        price = behind(m, side, g.f2)
        place(w, g, m, trader, delay, side, price, lots_of(ticklots, m.index_ticks), F_IOC, np.int64(-1))
        return
    distance = 0.5 * twice * load_f8(g.t1, r2 >> 20)
    if side == BUY:
        price = np.int64(math.floor(0.5 * twice - distance))
    else:
        price = np.int64(math.ceil(0.5 * twice + distance))
    slot = trader.slots + below(r3, r2, g.slots_each)
    i = np.int64(load_i4(w.slots, slot))
    if i == PENDING_SLOT:
        return
    if i >= 0:
        withdraw(w, trader, delay, i)
    place(w, g, m, trader, delay, side, price, lots_of(ticklots * g.f3, m.index_ticks), np.int64(0), slot)


@compiled
def wake_fundamentalist(w, g, m, trader, delay):
    """Trade towards the index beyond an own threshold, close at the index (latent liquidity).

    trader.f0: threshold (fraction); trader.i0: lots it counts from; f0: capacity [tick-lots]; f1: closing distance.
    """
    index = np.float64(m.index_ticks)
    capacity = lots_of(g.f0, m.index_ticks)
    held = np.int64(position_at(w.positions, trader.position).lots - trader.i0)
    high = np.int64(math.floor(index * (1.0 + trader.f0)))
    low = np.int64(math.ceil(index * (1.0 - trader.f0)))
    none = np.int64(-1)
    if m.best_bid != NO_BID and m.best_bid > high and held > -capacity:
        place(w, g, m, trader, delay, SELL, high, capacity + held, F_IOC, none)
    elif m.best_ask != NO_ASK and m.best_ask < low and held < capacity:
        place(w, g, m, trader, delay, BUY, low, capacity - held, F_IOC, none)
    elif held < 0 and m.best_ask != NO_ASK:
        limit = np.int64(math.floor(index * (1.0 + g.f1)))
        if m.best_ask < limit:
            place(w, g, m, trader, delay, BUY, limit, -held, F_IOC, none)
    elif held > 0 and m.best_bid != NO_BID:
        limit = np.int64(math.ceil(index * (1.0 - g.f1)))
        if m.best_bid > limit:
            place(w, g, m, trader, delay, SELL, limit, held, F_IOC, none)


@compiled
def wake_trend(w, g, m, trader, delay):
    """Follow the return over an own look-back: long above, short below, flat inside.

    trader.i0: look-back [mark steps]; trader.f0: entry threshold; f0: exit share of it; f1: size [tick-lots]; f2:
    protection; f3: +1 with the move, -1 against it (contrarian).
    """
    change = past_return(m, np.int64(trader.i0))
    size = lots_of(g.f1, m.index_ticks)
    held = np.int64(position_at(w.positions, trader.position).lots)
    if change > trader.f0:
        target = size if g.f3 > 0.0 else -size
    elif change < -trader.f0:
        target = -size if g.f3 > 0.0 else size
    elif abs(change) < trader.f0 * g.f0:
        target = np.int64(0)
    else:
        return
    # A position in the wanted direction is kept as it is; only a change of mind trades.
    if target != 0 and (target > 0) == (held > 0) and held != 0:
        return
    if target != held:
        move_to(w, g, m, trader, delay, target)


@compiled
def wake_retail(w, g, m, trader, delay, r0, r1):
    """Open a levered position with or against the last move; hold it to a profit target or a stop.

    trader.f0: leverage; f0: margin [tick-lots]; f1: profit target; f3: stop (multiples of margin); f2: protection; i0:
    16-bit threshold to go with the move; i1: 16-bit long bias; i2: look-back [mark steps].
    """
    p = position_at(w.positions, trader.position)
    if p.lots != 0:
        value = np.float64(p.lots) * np.float64(m.mark_ticks)
        paid = np.float64(p.entry_ticklots) if p.lots > 0 else -np.float64(p.entry_ticklots)
        profit = (value - paid) / g.f0
        if profit >= g.f1 or profit <= -g.f3:
            move_to(w, g, m, trader, delay, np.int64(0))
        return
    equity = np.float64(account_at(w.accounts, trader.account).cash_atoms) / np.float64(m.atoms)
    if equity < 0.5 * g.f0:
        return
    rising = past_return(m, np.int64(g.i2)) > 0.0
    follows = (r0 & 0xFFFF) < g.i0
    buys = rising == follows
    if (r0 >> 16) < g.i1:
        buys = True
    size = lots_of(min(equity, g.f0) * trader.f0, m.index_ticks)
    move_to(w, g, m, trader, delay, size if buys else -size)


@compiled
def held_share(w, m, position):
    """Share of the wealth behind a position record that is held in token `m`, at NAV; 0 for one in another market or none."""
    if position < 0:
        return 0.0
    p = position_at(w.positions, position)
    if p.market != m.id:
        return 0.0
    held = np.float64(p.lots) * np.float64(m.index_ticks)
    wealth = np.float64(equity_atoms(w, np.int64(p.account))) / np.float64(m.atoms) + held
    return held / wealth if wealth > 0.0 else 0.0


@compiled
def neighbours_lead(w, g, m, index, base):
    """How far the mean share of trader `index`'s neighbours is above its own base share; 0 for one without neighbours."""
    first = np.int64(load_i4(g.t0, index))
    after = np.int64(load_i4(g.t0, index + 1))
    if after == first:
        return 0.0
    total = 0.0
    for k in range(first, after):
        total += held_share(w, m, np.int64(load_i4(g.t1, k)))
    return total / np.float64(after - first) - base


@compiled
def wake_holder(w, g, m, trader, index, delay, r0, r1):
    """Hold a share of own wealth in the token that follows its past return, premium, NAV level, a mood of the moment, and neighbours.

    trader.f0: own base share; trader.i0: look-back [mark steps]; f0: chase (share per unit of return); f1: dislike of a premium (share
    per unit); f2: protection; f3: smallest change worth an order (share of wealth); f4: liking of a low NAV (share per halving); f5: size
    of the mood; f6: weight of the neighbours; i0: 16-bit threshold to use the primary market; i1: NAV at the start [ticks]; t0: where
    each trader's row of neighbours starts (0: no network); t1: the neighbours' position records, -1 for one who is left out.
    """
    p = position_at(w.positions, trader.position)
    nav = np.float64(m.index_ticks)
    price = 0.5 * np.float64(twice_mid(m))
    cash = np.float64(equity_atoms(w, np.int64(trader.account))) / np.float64(m.atoms)
    wealth = cash + np.float64(p.lots) * nav
    if wealth <= 0.0:
        return
    start = np.float64(g.i1)
    share = trader.f0 + g.f0 * past_return(m, np.int64(trader.i0)) - g.f1 * (price - nav) / nav
    share += g.f4 * 2.0 * (start - nav) / (start + nav) + g.f5 * (np.float64(r0) * TWO_32 - 0.5)
    if g.t0 != 0:
        share += g.f6 * neighbours_lead(w, g, m, index, trader.f0)
    target = min(max(share, 0.0), 1.0) * wealth
    change = target - np.float64(p.lots) * nav
    if abs(change) < g.f3 * wealth:
        return
    side = BUY if change > 0.0 else SELL
    lots = lots_of(abs(change), max(np.int64(price), np.int64(1)))
    if side == SELL:
        lots = min(lots, np.int64(p.lots - p.open_sell))
        if lots <= 0:
            return
    limit = behind(m, side, g.f2)
    if m.primary_open and ((r1 & 0xFFFF) < g.i0 or limit == 0 or m.halted):
        w.sent += 1
        signed = lots if side == BUY else -lots
        post_notice(w, N_REQUEST, np.int64(trader.account), np.int64(m.id), np.int64(-1), signed, np.int64(m.index_ticks), np.int64(0), np.int64(0), R_NONE, np.int64(-1))  # fmt: skip
        return
    place(w, g, m, trader, delay, side, limit, lots, F_IOC, np.int64(-1))


@compiled
def wake_maker(w, g, m, trader, index, delay):
    """Requote a ladder around fair value: index carried by the perp's own memory, leaning against inventory.

    f0: weight of the memory; f1: skew per tick-lot of inventory; f2: hysteresis; f3: share of a size that must be left;
    f4: largest inventory [tick-lots], counted from what it wants (trader.i0, lots); i0: levels; i2: 1 if a quote may take
    what it would cross; t0: distances [maker x level] (fraction); t1: sizes by level [tick-lots]. Cancels go first.
    """
    levels = np.int64(g.i0)
    price = np.float64(m.index_ticks)
    inventory = np.float64(position_at(w.positions, trader.position).lots - trader.i0) * price
    fair = price * (1.0 + (g.f0 * m.memory - g.f1 * inventory))
    for side in range(2):
        for level in range(levels):
            slot = trader.slots + side * levels + level
            i = np.int64(load_i4(w.slots, slot))
            if i < 0:
                continue
            order = order_at(w.orders, i)
            distance = price * load_f8(g.t0, index * levels + level)
            wanted = fair - distance if side == BUY else fair + distance
            slack = max(1.0, distance * g.f2)
            stays = abs(np.float64(order.price_ticks) - wanted) <= slack
            if not stays or np.float64(order.remaining_lots) < g.f3 * np.float64(order.size_lots):
                withdraw(w, trader, delay, i)
    for side in range(2):
        if (inventory if side == BUY else -inventory) >= g.f4:
            continue
        for level in range(levels):
            slot = trader.slots + side * levels + level
            if load_i4(w.slots, slot) != FREE_SLOT:
                continue
            distance = price * load_f8(g.t0, index * levels + level)
            size = lots_of(load_f8(g.t1, level), m.index_ticks)
            if side == BUY:
                wanted_ticks = np.int64(math.floor(fair - distance))
                if m.best_ask != NO_ASK and g.i2 == 0:
                    wanted_ticks = min(wanted_ticks, m.best_ask - 1)
            else:
                wanted_ticks = np.int64(math.ceil(fair + distance))
                if m.best_bid != NO_BID and g.i2 == 0:
                    wanted_ticks = max(wanted_ticks, m.best_bid + 1)
            place(w, g, m, trader, delay, side, wanted_ticks, size, np.int64(F_SLIDE if g.i2 == 0 else 0), slot)


@compiled
def wake(w, g, index, wakeup):
    """Wake trader `index` of group `g` for the `wakeup`-th time and let its rule act."""
    trader = trader_at(w.traders, g.first_trader + index)
    m = market_at(w.markets, g.market)
    w.sent = 0
    w.wakeups += 1
    w.touched = g.market
    delay = latency(g, index, wakeup)
    if g.kind == K_NOISE:
        r0, r1, r2, r3 = philox(g.key, wakeup, index + 1, PART_RULE)
        wake_noise(w, g, m, trader, delay, r0, r1, r2, r3)
    elif g.kind == K_MAKER:
        wake_maker(w, g, m, trader, index, delay)
    elif g.kind == K_FUNDAMENTALIST:
        wake_fundamentalist(w, g, m, trader, delay)
    elif g.kind == K_TREND:
        wake_trend(w, g, m, trader, delay)
    elif g.kind == K_HOLDER:
        r0, r1, r2, r3 = philox(g.key, wakeup, index + 1, PART_RULE)
        wake_holder(w, g, m, trader, index, delay, r0, r1)
    else:
        r0, r1, r2, r3 = philox(g.key, wakeup, index + 1, PART_RULE)
        wake_retail(w, g, m, trader, delay, r0, r1)
    if w.sent == 0:
        w.micro_events += 1
