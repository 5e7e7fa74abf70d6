"""Liquidation: a first-in-first-out queue, and the orders of the engine that works on it.

A mark step works on everybody who waits when the mark comes, or on the market's `liquidations_per_step` first of them,
one pass each, until the notional of the engine's orders is what a step may have. The engine decides in its phase; its
orders reach the book with the market's `liquidation_delay_ns`, as messages among the others (`arrivals`), or without one
at once. Who has an order on the way waits for it.

Stages (Binance, docs/venues.md#liquidation-engines, twin in `venues/liquidation.py`): all orders cancelled; an IOC
limited at the bankruptcy price that brings the position one tier down (the lowest tier: all of it), or a slice of the way
there and the next slice at the next step; where one is not filled, what `bankruptcy` has: takeover by the insurance fund,
deleveraging, closing against `outside`.
"""

import numpy as np

from marketsim.kernel import liquidation_engines
from marketsim.kernel.accounts import close_debt, pay, share
from marketsim.kernel.bankruptcy import (
    NO_TAKEOVER,
    bankruptcy_price,
    bankruptcy_ticks,
    deleverage,
    fund_position,
    take_over,
)
from marketsim.kernel.codes import (
    ACC_WATCHED,
    BUY,
    E_LIQUIDATION_FEE,
    F_ENGINE,
    F_IOC,
    F_NO_MARGIN,
    F_REDUCE,
    F_SIDE,
    L_DELEVERAGED,
    L_PARTIAL,
    L_TAKEOVER,
    MAX_FILLS,
    N_LIQUIDATION,
    P_LIQUIDATION,
    PERPETUAL,
    R_LIQUIDATION,
    S_NORMAL,
    S_QUEUED,
    SELL,
    STOP_NO_MARKET_RULE,
)
from marketsim.kernel.dispatch import by_code, functions_of
from marketsim.kernel.layout import (
    account_at,
    cohort_at,
    group_at,
    liquidation_log_at,
    market_at,
    order_at,
    position_at,
    trader_at,
)
from marketsim.kernel.logs import post_notice
from marketsim.kernel.margin import equity_atoms, file_account, is_under_water, unfile
from marketsim.kernel.matching import cancel, submit
from marketsim.kernel.messages import drawn_rank, send_ranked
from marketsim.kernel.records import compiled, load_i4, store_i4

CASCADE_NS = 60_000_000_000  # a liquidation within this time of one on the same side belongs to its cascade
FUND_SLICE = 16  # the fund sells a sixteenth of what it took over at each step
FUND_BAND_BPS = 50  # at most this far from the mark


@compiled
def enqueue(w, m, account):
    """Put an account at the end of the market's queue; it can send nothing until it leaves it."""
    a = account_at(w.accounts, account)
    if a.state == S_QUEUED:
        return
    a.state = S_QUEUED
    i = np.int64(a.first_position)
    while i >= 0:
        p = position_at(w.positions, i)
        unfile(market_at(w.markets, p.market), w, i, p)
        i = np.int64(p.sibling)
    store_i4(m.queue, m.queue_tail % m.queue_capacity, np.int32(account))
    m.queue_tail += 1


@compiled
def requeue(m, account):
    """Put an account that needs another pass at the end of the queue (it keeps its state)."""
    store_i4(m.queue, m.queue_tail % m.queue_capacity, np.int32(account))
    m.queue_tail += 1


@compiled
def release(w, account):
    """Let an account that meets its margin again trade on."""
    account_at(w.accounts, account).state = S_NORMAL
    file_account(w, account)


@compiled
def cancel_all(w, account):
    """Cancel an account's resting orders, by its slots, then by a walk over all orders; True when none is left.

    At most MAX_FILLS on the walk: the logs have room for that.
    """
    a = account_at(w.accounts, account)
    if a.trader >= 0:
        trader = trader_at(w.traders, a.trader)
        each = group_at(w.groups, cohort_at(w.cohorts, a.cohort).group).slots_each
        for s in range(each):
            i = np.int64(load_i4(w.slots, trader.slots + s))
            if i >= 0:
                cancel(w, i, R_LIQUIDATION)
    found = 0
    i = np.int64(0)
    while found < MAX_FILLS and has_open_orders(w, account):
        while order_at(w.orders, i).order_id == 0 or order_at(w.orders, i).account != account:
            i += 1
        cancel(w, i, R_LIQUIDATION)
        found += 1
    return not has_open_orders(w, account)


@compiled
def has_open_orders(w, account):
    """True while some order of the account rests (cancels under way leave orders without a slot)."""
    i = np.int64(account_at(w.accounts, account).first_position)
    while i >= 0:
        p = position_at(w.positions, i)
        if p.open_buy > 0 or p.open_sell > 0:
            return True
        i = np.int64(p.sibling)
    return False


@compiled
def no_engine(w, m, bits, lots):
    """A market whose engine's code stands for nothing stops the run."""
    w.stop = STOP_NO_MARKET_RULE
    w.stop_argument = m.id
    return np.int64(0)


lots_to_close = by_code(
    "m.liquidation_engine",
    liquidation_engines.CODES,
    functions_of("marketsim.kernel.liquidation_engines", liquidation_engines.CODES),
    no_engine,
    "w, m, bits, lots",
)


@compiled
def mark_cascade(w, m, side):
    """Say which cascade a liquidation belongs to; remember it as the parent of the next. Returns the parent, -1 for a new cascade."""
    parent = np.int64(-1)
    if m.cascade >= 0 and m.cascade_side == side and w.now_ns - m.cascade_ns <= CASCADE_NS:
        parent = np.int64(m.cascade_parent)
    else:
        m.cascade = w.liquidation_count
    m.cascade_side = side
    m.cascade_ns = w.now_ns
    m.cascade_parent = w.liquidation_count
    return parent


@compiled
def is_spent(m):
    """True once what the engine's orders of this mark step may still have is no lot (the first of a step has one at least)."""
    left = m.liquidation_left_atoms
    return m.liquidation_cap_atoms > 0 and left < m.liquidation_cap_atoms and left < m.mark_ticks * m.atoms


@compiled
def engine_order(w, m, victim, position):
    """What the engine sends for a position: (side, limit [ticks], lots); at least a lot, at most a slice and what the step has left."""
    p = position_at(w.positions, position)
    lots = lots_to_close(w, m, account_at(w.accounts, victim).bits, np.int64(p.lots))
    per_lot = m.mark_ticks * m.atoms
    if m.liquidation_slice_atoms > 0:
        lots = min(lots, max(np.int64(1), m.liquidation_slice_atoms // per_lot))
    if m.liquidation_cap_atoms > 0:
        lots = min(lots, max(np.int64(1), m.liquidation_left_atoms // per_lot))
        m.liquidation_left_atoms -= lots * per_lot
    return SELL if p.lots > 0 else BUY, bankruptcy_ticks(w, m, victim, p), lots


@compiled
def trade_out(w, m, victim, position, side, limit, lots, order_id, row):
    """Stage one: the IOC, and the fee on what it closed. Fills `row`."""
    cash = np.int64(account_at(w.accounts, victim).cash_atoms)
    filled = submit(w, m, position, side, limit, lots, F_IOC | F_NO_MARGIN, np.int64(-1), P_LIQUIDATION, np.int64(m.cascade), order_id)  # fmt: skip
    moved = account_at(w.accounts, victim).cash_atoms - cash
    row.filled_lots = filled
    row.filled_ticklots = abs(moved) // m.atoms
    fee = min(share(abs(moved), np.int64(m.liquidation_fee)), max(np.int64(0), equity_atoms(w, victim)))
    if fee > 0:
        pay(w, E_LIQUIDATION_FEE, victim, np.int64(m.insurance_account), fee)
    row.fee_atoms = fee


@compiled
def describe(w, m, victim, p, row):
    """Write down what a position was when its liquidation began."""
    equity = equity_atoms(w, victim)
    notional = np.float64(abs(p.lots)) * np.float64(m.mark_ticks) * np.float64(m.atoms)
    row.t_ns = w.now_ns
    row.account = victim
    row.market = m.id
    row.entry_price = np.float64(p.entry_ticklots) / np.float64(abs(p.lots))
    row.leverage = notional / np.float64(equity) if equity > 0 else 0.0
    row.mark_ticks = m.mark_ticks
    row.index_ticks = m.index_ticks
    row.bankruptcy_price = bankruptcy_price(w, m, victim, p)
    at_index = equity + p.lots * (m.index_ticks - m.mark_ticks) * m.atoms
    row.solvent_at_index = 1 if at_index > 0 else 0
    row.filled_lots = 0
    row.filled_ticklots = 0
    row.fee_atoms = 0
    row.insurance_atoms = 0
    row.deleveraged_lots = 0
    row.stage = L_PARTIAL


@compiled
def liquidate(w, m, victim, position, side, limit, lots, order_id):
    """One pass over one position with an order of the engine; return True if the account needs another pass."""
    p = position_at(w.positions, position)
    before = np.int64(p.lots)
    row = liquidation_log_at(w.liquidation_log, w.liquidations_n)
    describe(w, m, victim, p, row)
    row.parent = mark_cascade(w, m, SELL if before > 0 else BUY)
    row.cascade = m.cascade
    w.liquidation_count += 1
    w.liquidations_n += 1
    account_at(w.accounts, victim).liquidations += 1
    trade_out(w, m, victim, position, side, limit, lots, order_id, row)
    again = False
    if p.lots != 0 and is_under_water(w, victim):
        if row.filled_lots >= lots or w.limited:
            again = True
        else:
            gain = take_over(w, m, victim, position)
            if gain != NO_TAKEOVER:
                row.stage = L_TAKEOVER
                row.insurance_atoms = gain
            else:
                row.stage = L_DELEVERAGED
                row.deleveraged_lots = deleverage(w, m, victim, position)
                again = p.lots != 0
    row.size_lots = before - p.lots
    if account_at(w.accounts, victim).bits & ACC_WATCHED:
        post_notice(w, N_LIQUIDATION, victim, np.int64(m.id), np.int64(-1), np.int64(p.lots - before), np.int64(m.mark_ticks), np.int64(row.fee_atoms), np.int64(p.lots), R_LIQUIDATION, np.int64(-1))  # fmt: skip
    return again


@compiled
def largest_position(w, account):
    """Record of the account's position with the largest notional at mark, or -1."""
    best = np.int64(-1)
    size = np.int64(0)
    i = np.int64(account_at(w.accounts, account).first_position)
    while i >= 0:
        p = position_at(w.positions, i)
        m = market_at(w.markets, p.market)
        notional = abs(p.lots) * m.mark_ticks * m.atoms if m.kind == PERPETUAL else np.int64(0)
        if notional > size:
            best = i
            size = notional
        i = np.int64(p.sibling)
    return best


@compiled
def work_queue(w, market):
    """One step of the liquidation phase: one queue entry, one pass; after the last of this instant the fund sells its slice.

    An entry ends, or goes to the end of the queue for the next mark: no account is worked on twice at one instant.
    """
    m = market_at(w.markets, market)
    if m.queue_budget == 0 or is_spent(m):
        m.liquidation_due_ns = -1
        m.ranked_ns = -1
        unwind_fund(w, m)
        return
    m.queue_budget -= 1
    account = np.int64(load_i4(m.queue, m.queue_head % m.queue_capacity))
    m.queue_head += 1
    if not cancel_all(w, account):
        requeue(m, account)
        return
    again = False
    i = largest_position(w, account)
    if i >= 0 and is_under_water(w, account):
        of = market_at(w.markets, position_at(w.positions, i).market)
        if is_spent(of):
            requeue(m, account)
            return
        side, limit, lots = engine_order(w, of, account, i)
        w.next_order_id += 1
        if of.liquidation_delay_ns > 0:
            send_engine_order(w, of, i, side, limit, lots, F_ENGINE)
            return
        again = liquidate(w, of, account, i, side, limit, lots, np.int64(w.next_order_id))
    end_pass(w, m, account, again)


@compiled
def send_engine_order(w, m, position, side, limit, lots, kind):
    """Put an order of the engine, of the number just taken, on its way; `kind` tells the victims' from the fund's."""
    flags = kind | F_IOC | F_NO_MARGIN | (F_SIDE if side == SELL else 0)
    t_ns = w.now_ns + m.liquidation_delay_ns
    send_ranked(w, drawn_rank(w.arrival_key, t_ns, np.int64(m.id)), t_ns, position, flags, limit, lots, np.int64(-1), P_LIQUIDATION, np.int64(m.cascade), np.int64(w.next_order_id), np.int64(-1))  # fmt: skip


@compiled
def receive_engine_order(w, m, position, side, limit, lots, order_id):
    """A victim's order reaches its book: it closes what is there to close by now, and ends the pass."""
    p = position_at(w.positions, position)
    victim = np.int64(p.account)
    open_lots = p.lots if side == SELL else -p.lots
    again = False
    if open_lots > 0:
        again = liquidate(w, m, victim, position, side, limit, min(lots, np.int64(open_lots)), order_id)
    else:
        submit(w, m, position, side, limit, lots, F_IOC | F_NO_MARGIN | F_REDUCE, np.int64(-1), P_LIQUIDATION, np.int64(m.cascade), order_id)  # fmt: skip
    end_pass(w, m, victim, again)


@compiled
def end_pass(w, m, account, again):
    """Let an account that is still below maintenance wait for another pass, and any other trade on."""
    if again or largest_position(w, account) >= 0 and is_under_water(w, account):
        requeue(m, account)
        return
    close_debt(w, m, account)
    release(w, account)


@compiled
def unwind_fund(w, m):
    """The insurance fund sells a slice of what it took over, near the mark."""
    i = fund_position(w, m)
    if i < 0 or position_at(w.positions, i).lots == 0:
        return
    p = position_at(w.positions, i)
    lots = max(np.int64(1), abs(np.int64(p.lots)) // FUND_SLICE)
    band = m.mark_ticks * FUND_BAND_BPS // 10_000
    side = SELL if p.lots > 0 else BUY
    limit = max(np.int64(1), m.mark_ticks - band if side == SELL else m.mark_ticks + band)
    w.next_order_id += 1
    if m.liquidation_delay_ns > 0:
        send_engine_order(w, m, i, side, limit, lots, F_REDUCE)
        return
    submit(w, m, i, side, limit, lots, F_IOC | F_NO_MARGIN, np.int64(-1), P_LIQUIDATION, np.int64(m.cascade), np.int64(w.next_order_id))  # fmt: skip
