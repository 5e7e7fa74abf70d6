"""The loop: events in the order (time, phase, sequence), and the doors through which Python acts on the world.

`advance` runs everything ordered strictly before (until_ns, until_phase) and says why it came back. Cutting a run into any number of
calls changes nothing: all state is in the records. Phases of an instant: INDEX, MARK, LIQUIDATION, ARRIVAL, DECISION.
"""

import numpy as np

from marketsim.kernel.accounts import change_position, charge_fee, fee_rate, pay, record_flow, trade_cash
from marketsim.kernel.arrivals import brings_liquidation, receive_message
from marketsim.kernel.clocks import schedule_wake
from marketsim.kernel.codes import (
    E_FUNDING,
    E_TRADE,
    EVERY_MARKET,
    F_CANCEL,
    MAX_FILLS,
    PH_ARRIVAL,
    PH_DECISION,
    PH_INDEX,
    PH_LIQUIDATION,
    PH_MARK,
    R_CANCELLED,
    SPACE_MESSAGES,
    SPACE_ORDERS,
    STOP_LOG,
    STOP_PATH,
    STOP_REACHED,
    STOP_SPACE,
)
from marketsim.kernel.crossings import check_crossings
from marketsim.kernel.decisions import wake
from marketsim.kernel.layout import (
    account_at,
    group_at,
    header_at,
    heap_at,
    market_at,
    order_at,
    position_at,
    trader_at,
    underlying_at,
)
from marketsim.kernel.liquidation import work_queue
from marketsim.kernel.logs import log_quote
from marketsim.kernel.margin import NEVER, file_account, file_all
from marketsim.kernel.marks import publish_index, publish_nav, step_index, step_mark
from marketsim.kernel.matching import cancel
from marketsim.kernel.messages import drawn_rank, send_ranked
from marketsim.kernel.quoting import answer_views
from marketsim.kernel.records import compiled, entry

RESERVE_ORDERS = 256  # records one event may need: a maker's ladder
RESERVE_MESSAGES = 512
RESERVE_ROWS = 2 * MAX_FILLS


@compiled
def next_timed(w):
    """Return (time, phase, number) of the next event that is not a group's wake-up."""
    t = np.int64(NEVER)
    phase = np.int64(PH_DECISION)
    number = np.int64(0)
    for i in range(w.n_underlyings):
        u = underlying_at(w.underlyings, i)
        if u.next_ns < t:
            t = np.int64(u.next_ns)
            phase = np.int64(PH_INDEX)
            number = np.int64(i)
    for i in range(w.n_markets):
        m = market_at(w.markets, i)
        if m.next_mark_ns < t or m.next_mark_ns == t and PH_MARK < phase:
            t = np.int64(m.next_mark_ns)
            phase = np.int64(PH_MARK)
            number = np.int64(i)
        due = m.liquidation_due_ns
        if due >= 0 and (due < t or due == t and PH_LIQUIDATION < phase):
            t = np.int64(due)
            phase = np.int64(PH_LIQUIDATION)
            number = np.int64(i)
    if w.heap_size > 0:
        first = heap_at(w.heap, 0).t_ns
        if first < t or first == t and PH_ARRIVAL < phase:
            t = np.int64(first)
            phase = np.int64(PH_ARRIVAL)
    for i in range(w.n_groups):
        due = group_at(w.groups, i).requote_ns
        if due < t or due == t and PH_DECISION < phase:
            t = np.int64(due)
            phase = np.int64(PH_DECISION)
            number = np.int64(i)
    return t, phase, number


@compiled
def lacks_room(w):
    """Stop code when a buffer or an array could not take the largest next event, else STOP_REACHED."""
    if w.orders_capacity - w.live_orders < RESERVE_ORDERS:
        w.stop_argument = SPACE_ORDERS
        return STOP_SPACE
    if w.messages_capacity - w.heap_size < RESERVE_MESSAGES + 2 * w.n_makers:
        w.stop_argument = SPACE_MESSAGES
        return STOP_SPACE
    if w.log_trades and w.trades_capacity - w.trades_n < RESERVE_ROWS:
        return STOP_LOG
    if w.log_orders and w.orders_log_capacity - w.orders_n < RESERVE_ROWS:
        return STOP_LOG
    if w.log_quotes and w.quotes_capacity - w.quotes_n < w.n_markets:
        return STOP_LOG
    return STOP_REACHED


@compiled
def lacks_liquidation_room(w):
    """True when a liquidation step could overflow its logs."""
    if w.liquidations_capacity - w.liquidations_n < 8:
        return True
    return w.deleveragings_capacity - w.deleveragings_n < MAX_FILLS


@compiled
def start_requotes(w, underlying, market):
    """Let the groups that requote at index updates do so now: those on an underlying, or (-1) on one token's market."""
    for i in range(w.n_groups):
        g = group_at(w.groups, i)
        m = market_at(w.markets, g.market)
        mine = g.market == market if underlying < 0 else m.underlying == underlying and m.nav_account < 0
        if g.on_index and g.count > 0 and mine:
            g.requote_ns = w.now_ns
            g.requote_cursor = 0
            g.requote_round += 1


@compiled
def requote(w, number):
    """Let the next maker of a round requote; the order of makers rotates from round to round."""
    g = group_at(w.groups, number)
    index = (g.requote_round + g.requote_cursor) % g.count
    g.requote_cursor += 1
    if g.requote_cursor == g.count:
        g.requote_ns = NEVER
    trader = trader_at(w.traders, g.first_trader + index)
    trader.wakeups += 1
    wake(w, g, np.int64(index), np.int64(trader.wakeups))


@compiled
def run_timed(w, t, phase, number):
    """Run one event that is not a group's wake-up; return STOP_REACHED or why it could not run."""
    if phase == PH_INDEX:
        u = underlying_at(w.underlyings, number)
        if u.step + 1 >= u.path_first + u.path_n:
            w.stop_argument = number
            return STOP_PATH
        w.now_ns = t
        step_index(w, number)
        start_requotes(w, number, np.int64(-1))
    elif phase == PH_MARK:
        w.now_ns = t
        step_mark(w, number)
        if market_at(w.markets, number).nav_account >= 0:
            start_requotes(w, np.int64(-1), number)
    elif phase == PH_LIQUIDATION:
        if lacks_liquidation_room(w):
            return STOP_LOG
        w.now_ns = t
        w.touched = EVERY_MARKET
        work_queue(w, number)
    elif phase == PH_ARRIVAL:
        if brings_liquidation(w) and lacks_liquidation_room(w):
            return STOP_LOG
        w.now_ns = t
        receive_message(w)
    else:
        w.now_ns = t
        requote(w, number)
    return STOP_REACHED


@compiled
def after_event(w):
    """Quotes and price triggers that look at every change of a book."""
    first = np.int64(w.touched)
    last = first + 1
    if first == EVERY_MARKET:
        first = np.int64(0)
        last = np.int64(w.n_markets)
    for i in range(first, last):
        if w.log_quotes:
            log_quote(w, market_at(w.markets, i))
        if w.crossings_inside > 0:
            check_crossings(w, i)


@entry
def advance(address, until_ns, until_phase):
    """Run all events before (until_ns, until_phase); return a STOP code (`stop_argument` says what is lacking)."""
    w = header_at(address, 0)
    w.stop = STOP_REACHED
    seq = np.int64(-1)
    t = np.int64(0)
    phase = np.int64(0)
    number = np.int64(0)
    while True:
        if seq != w.message_seq:
            t, phase, number = next_timed(w)
            seq = np.int64(w.message_seq)
        wake_ns = np.int64(NEVER)
        sleeper = np.int64(0)
        for i in range(w.n_groups):
            due = group_at(w.groups, i).next_wake_ns
            if due < wake_ns:
                wake_ns = np.int64(due)
                sleeper = np.int64(i)
        room = lacks_room(w)
        if t <= wake_ns:
            if t > until_ns or t == until_ns and phase >= until_phase:
                return STOP_REACHED
            if room != STOP_REACHED:
                return room
            stop = run_timed(w, t, phase, number)
            if stop != STOP_REACHED:
                return stop
            seq = np.int64(-1)
        else:
            if wake_ns > until_ns or wake_ns == until_ns and until_phase <= PH_DECISION:
                return STOP_REACHED
            if room != STOP_REACHED:
                return room
            w.now_ns = wake_ns
            g = group_at(w.groups, sleeper)
            index = np.int64(g.next_trader)
            schedule_wake(w, g)
            trader = trader_at(w.traders, g.first_trader + index)
            trader.wakeups += 1
            wake(w, g, index, np.int64(trader.wakeups))
        if w.views_moved:
            answer_views(w)
        if w.log_quotes or w.crossings_inside > 0:
            after_event(w)
        if w.stop != STOP_REACHED:
            return w.stop


@entry
def open_world(address):
    """Publish the first index, set marks to it, file triggers, draw every group's first wake-up. Call once."""
    w = header_at(address, 0)
    for i in range(w.n_underlyings):
        publish_index(w, i)
    for i in range(w.n_markets):
        m = market_at(w.markets, i)
        if m.nav_account >= 0:
            publish_nav(w, m)
            start_requotes(w, np.int64(-1), np.int64(i))
        m.mark_ticks = m.index_ticks
    for i in range(w.n_markets):
        file_all(w, i)
    for i in range(w.n_underlyings):
        start_requotes(w, np.int64(i), np.int64(-1))
    for i in range(w.n_groups):
        schedule_wake(w, group_at(w.groups, i))
    answer_views(w)


@entry
def send_order(address, arrival_ns, position, flags, price, size, purpose, parent, order_id, key):
    """Put an order of a Python participant on its way (`flags` carries side, kind and F_NOTIFY).

    key: of the stream that ranks it among the messages of its instant, 0 for none.
    """
    w = header_at(address, 0)
    rank = drawn_rank(key, arrival_ns, np.int64(0)) if key != 0 else np.int64(0)
    send_ranked(w, rank, arrival_ns, position, flags, price, size, -1, purpose, parent, order_id, -1)


@entry
def send_cancel(address, arrival_ns, position, order, order_id, key):
    """Put a cancel of resting order record `order` on its way; key: as of `send_order`."""
    w = header_at(address, 0)
    rank = drawn_rank(key, arrival_ns, np.int64(0)) if key != 0 else np.int64(0)
    send_ranked(w, rank, arrival_ns, position, F_CANCEL, 0, 0, -1, 0, -1, order_id, order)


@entry
def trade_off_book(address, now_ns, position, counterpart, lots, price, charged):
    """Trade signed `lots` at `price` outside the book; return the taker fee charged to the first account [atoms]."""
    w = header_at(address, 0)
    w.now_ns = now_ns
    p = position_at(w.positions, position)
    q = position_at(w.positions, counterpart)
    m = market_at(w.markets, p.market)
    if lots > 0:
        trade_cash(w, m, E_TRADE, np.int64(p.account), np.int64(q.account), lots, price)
    else:
        trade_cash(w, m, E_TRADE, np.int64(q.account), np.int64(p.account), -lots, price)
    a = account_at(w.accounts, p.account)
    b = account_at(w.accounts, q.account)
    change_position(w, m, np.int64(a.bits), p, lots, price)
    change_position(w, m, np.int64(b.bits), q, -lots, price)
    fee = np.int64(0)
    if charged:
        rate = fee_rate(w, m, np.int64(a.cohort), True)
        fee = charge_fee(w, m, np.int64(p.account), abs(lots) * price * m.atoms, rate)
    file_account(w, np.int64(p.account))
    file_account(w, np.int64(q.account))
    return fee


@entry
def pay_atoms(address, kind, payer, receiver, atoms):
    """Move cash between two accounts under a ledger entry, and look at their margin again."""
    w = header_at(address, 0)
    pay(w, kind, payer, receiver, atoms)
    file_account(w, payer)
    file_account(w, receiver)


@entry
def cancel_market(address, now_ns, market):
    """Cancel the resting orders of a market, at most MAX_FILLS of them (the logs have room for that); return how many went."""
    w = header_at(address, 0)
    w.now_ns = now_ns
    gone = 0
    for i in range(w.orders_capacity):
        order = order_at(w.orders, i)
        if order.order_id != 0 and order.market == market and gone < MAX_FILLS:
            cancel(w, np.int64(i), R_CANCELLED)
            gone += 1
    if w.log_quotes:
        log_quote(w, market_at(w.markets, market))
    return gone


@entry
def settle_funding(address, now_ns, market, atoms_per_lot):
    """Every position pays `atoms_per_lot` a lot (shorts receive); return what the longs paid."""
    w = header_at(address, 0)
    w.now_ns = now_ns
    m = market_at(w.markets, market)
    venue = np.int64(account_at(w.accounts, m.venue_account).cohort)
    longs = np.int64(0)
    for i in range(w.n_positions):
        p = position_at(w.positions, i)
        if p.market != market or p.lots == 0:
            continue
        atoms = p.lots * atoms_per_lot
        a = account_at(w.accounts, p.account)
        a.cash_atoms -= atoms
        a.funding_atoms -= atoms
        if p.lots > 0:
            longs += atoms
        if atoms > 0:
            record_flow(w, E_FUNDING, np.int64(a.cohort), venue, atoms)
        elif atoms < 0:
            record_flow(w, E_FUNDING, venue, np.int64(a.cohort), -atoms)
        file_account(w, np.int64(p.account))
    return longs
