"""Liquidation: a first-in-first-out queue, takeover by the insurance fund, deleveraging, closing the books.

A mark step works on everybody who waits when the mark comes, or on the market's `liquidations_per_step` first of them,
one pass each.

Stages (Binance, docs/venues.md#liquidation-engines, docs/venues.md#insurance-funds, docs/venues.md#deleveraging, twin
in `venues/liquidation.py`): all orders cancelled; an IOC limited at the bankruptcy price that brings the position one
tier down (the lowest tier: all of it); if that is not enough, the insurance fund takes the rest over at the bankruptcy
price, cash and all; what the fund cannot bear is closed against the best-ranked opposite positions at the bankruptcy
price; when nobody else is left, against the fund, then against `outside`. So a queue entry always ends, and money never
leaves the accounts.
"""

import numpy as np

from marketsim.kernel import liquidation_engines
from marketsim.kernel.accounts import change_position, close_debt, pay, position_of, share, trade_cash
from marketsim.kernel.codes import (
    ACC_WATCHED,
    BUY,
    E_DELEVERAGING,
    E_INSURANCE,
    E_LIQUIDATION_FEE,
    F_IOC,
    F_NO_MARGIN,
    L_DELEVERAGING,
    L_TAKEOVER,
    MAX_FILLS,
    N_LIQUIDATION,
    P_LIQUIDATION,
    PERPETUAL,
    R_LIQUIDATION,
    R_NONE,
    S_NORMAL,
    S_QUEUED,
    SELL,
    STOP_NO_MARKET_RULE,
)
from marketsim.kernel.dispatch import by_code, functions_of
from marketsim.kernel.layout import (
    account_at,
    cohort_at,
    deleveraging_log_at,
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
from marketsim.kernel.ranking import next_in_line
from marketsim.kernel.records import compiled, load_i4, store_i4

CASCADE_NS = 60_000_000_000  # a liquidation within this time of one on the same side belongs to its cascade
FUND_SLICE = 16  # the fund sells a sixteenth of what it took over at each step
FUND_BAND_BPS = 50  # at most this far from the mark
NO_TAKEOVER = -4_611_686_018_427_387_904


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
def take_over(w, m, victim, position):
    """Let the insurance fund take a bankrupt position at its bankruptcy price; return what it gained at the mark, or NO_TAKEOVER.

    The fund must keep its equity above zero and its notional within its equity (Binance: at most 100 % of the fund).
    """
    fund = np.int64(m.insurance_account)
    p = position_at(w.positions, position)
    if fund_position(w, m) < 0:
        return NO_TAKEOVER
    held = position_at(w.positions, fund_position(w, m))
    lots = np.int64(p.lots)
    price = bankruptcy_ticks(w, m, victim, p)
    gain = lots * (m.mark_ticks - price) * m.atoms
    equity = equity_atoms(w, fund) + gain
    if equity <= 0 or abs(held.lots + lots) * m.mark_ticks * m.atoms > equity:
        return NO_TAKEOVER
    if lots > 0:
        trade_cash(w, m, E_INSURANCE, fund, victim, lots, price)
    else:
        trade_cash(w, m, E_INSURANCE, victim, fund, -lots, price)
    change_position(w, m, np.int64(account_at(w.accounts, victim).bits), p, -lots, price)
    change_position(w, m, np.int64(account_at(w.accounts, fund).bits), held, lots, price)
    return gain


@compiled
def fund_position(w, m):
    """Record of the insurance fund's position in the market, or -1."""
    return position_of(w, np.int64(m.insurance_account), m.id)


@compiled
def deleverage(w, m, victim, position):
    """Close the rest of a bankrupt position against the best-ranked opposite ones at the bankruptcy price; return the lots.

    At most MAX_FILLS counterparts a pass. The price is rounded in the victim's favour, so that it ends without debt;
    less than a tick a lot stays with it.
    """
    p = position_at(w.positions, position)
    a = account_at(w.accounts, victim)
    sign = np.int64(1) if p.lots > 0 else np.int64(-1)
    price = bankruptcy_ticks(w, m, victim, p)
    closed = np.int64(0)
    rank = np.int64(0)
    while p.lots != 0 and rank < MAX_FILLS:
        i = next_in_line(w, m, -sign)
        q = position_at(w.positions, i)
        other = np.int64(q.account)
        b = account_at(w.accounts, other)
        lots = min(abs(np.int64(p.lots)), abs(np.int64(q.lots)))
        if sign > 0:
            trade_cash(w, m, E_DELEVERAGING, other, victim, lots, price)
        else:
            trade_cash(w, m, E_DELEVERAGING, victim, other, lots, price)
        change_position(w, m, np.int64(a.bits), p, -sign * lots, price)
        change_position(w, m, np.int64(b.bits), q, sign * lots, price)
        file_account(w, other)
        close_debt(w, m, other)
        closed += lots
        row = deleveraging_log_at(w.deleveraging_log, w.deleveragings_n)
        row.t_ns = w.now_ns
        row.market = m.id
        row.account = other
        row.size_lots = sign * lots
        row.price_ticks = price
        row.rank = rank
        row.cascade = m.cascade
        w.deleveragings_n += 1
        w.deleveraging_count += 1
        rank += 1
        if b.bits & ACC_WATCHED:
            post_notice(w, N_LIQUIDATION, other, np.int64(m.id), np.int64(-1), sign * lots, price, np.int64(0), np.int64(0), R_NONE, victim)  # fmt: skip
    return closed


@compiled
def bankruptcy_price(w, m, victim, p):
    """Price at which the account's equity is zero, other positions at their marks [ticks, a fraction]."""
    per_tick = np.float64(p.lots) * np.float64(m.atoms)
    return np.float64(m.mark_ticks) - np.float64(equity_atoms(w, victim)) / per_tick


@compiled
def bankruptcy_ticks(w, m, victim, p):
    """Bankruptcy price rounded so that the account is left with no debt, at least one tick."""
    cushion = equity_atoms(w, victim) // (abs(np.int64(p.lots)) * m.atoms)
    ticks = m.mark_ticks - cushion if p.lots > 0 else m.mark_ticks + cushion
    return max(np.int64(1), min(ticks, np.int64(1) << 40))


@compiled
def sell_out(w, m, victim, position, row):
    """Stage one: the IOC. Fills `row`; returns the lots it wanted to close."""
    p = position_at(w.positions, position)
    wanted = lots_to_close(w, m, account_at(w.accounts, victim).bits, np.int64(p.lots))
    side = SELL if p.lots > 0 else BUY
    limit = bankruptcy_ticks(w, m, victim, p)
    cash = np.int64(account_at(w.accounts, victim).cash_atoms)
    w.next_order_id += 1
    filled = submit(w, m, position, side, limit, wanted, F_IOC | F_NO_MARGIN, np.int64(-1), P_LIQUIDATION, np.int64(m.cascade), np.int64(w.next_order_id))  # fmt: skip
    moved = account_at(w.accounts, victim).cash_atoms - cash
    row.filled_lots = filled
    row.filled_ticklots = abs(moved) // m.atoms
    fee = min(share(abs(moved), np.int64(m.liquidation_fee)), max(np.int64(0), equity_atoms(w, victim)))
    if fee > 0:
        pay(w, E_LIQUIDATION_FEE, victim, np.int64(m.insurance_account), fee)
    row.fee_atoms = fee
    return wanted


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
    row.stage = 0


@compiled
def liquidate(w, m, victim, position):
    """One pass over one position of an account under water; return True if the account needs another pass."""
    p = position_at(w.positions, position)
    before = np.int64(p.lots)
    row = liquidation_log_at(w.liquidation_log, w.liquidations_n)
    describe(w, m, victim, p, row)
    row.parent = mark_cascade(w, m, SELL if before > 0 else BUY)
    row.cascade = m.cascade
    w.liquidation_count += 1
    w.liquidations_n += 1
    account_at(w.accounts, victim).liquidations += 1
    wanted = sell_out(w, m, victim, position, row)
    again = False
    if p.lots != 0 and is_under_water(w, victim):
        if row.filled_lots >= wanted or w.limited:
            again = True
        else:
            gain = take_over(w, m, victim, position)
            if gain != NO_TAKEOVER:
                row.stage = L_TAKEOVER
                row.insurance_atoms = gain
            else:
                row.stage = L_DELEVERAGING
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
    if m.queue_budget == 0:
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
    i = largest_position(w, account)
    if i >= 0 and is_under_water(w, account):
        again = liquidate(w, market_at(w.markets, position_at(w.positions, i).market), account, i)
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
    submit(w, m, i, side, limit, lots, F_IOC | F_NO_MARGIN, np.int64(-1), P_LIQUIDATION, np.int64(m.cascade), np.int64(w.next_order_id))  # fmt: skip
