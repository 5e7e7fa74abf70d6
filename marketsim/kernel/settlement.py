"""Settlement of fills: cash, fees, positions, volume, a row of the trade log, and notices to those who asked for them."""

import numpy as np

from marketsim.kernel.accounts import change_position, charge_fee, close_debt, fee_rate, record_stake, trade_cash
from marketsim.kernel.codes import ACC_WATCHED, BUY, E_TRADE, N_FILL, P_LIQUIDATION, P_NORMAL, R_NONE, SELL, SPOT
from marketsim.kernel.layout import account_at, position_at, spot_of, trade_log_at
from marketsim.kernel.logs import post_notice
from marketsim.kernel.margin import file_account, file_trigger
from marketsim.kernel.records import compiled

NO_ORDER = -1  # what stands in the log for the order of the other side where it had none


@compiled
def refile(w, m, i, p):
    """After a fill: a debt without a position is the fund's; file the position's liquidation trigger again."""
    if p.lots == 0:
        close_debt(w, m, np.int64(p.account))
    if account_at(w.accounts, p.account).n_positions <= 1:
        file_trigger(w, m, i, p)
    else:
        file_account(w, np.int64(p.account))


@compiled
def settle(w, m, maker, taker_position, taker_side, lots, taker_id, taker_purpose, taker_parent, taker_flags):
    """Exchange `lots` between a resting order and the taker at the resting price: cash, fees, positions, log, notices."""
    price = np.int64(maker.price_ticks)
    pm = position_at(w.positions, maker.position)
    pt = position_at(w.positions, taker_position)
    am = account_at(w.accounts, maker.account)
    at = account_at(w.accounts, pt.account)
    if taker_side == BUY:
        trade_cash(w, m, E_TRADE, np.int64(pt.account), np.int64(maker.account), lots, price)
        pm.open_sell -= lots
        signed = lots
    else:
        trade_cash(w, m, E_TRADE, np.int64(maker.account), np.int64(pt.account), lots, price)
        pm.open_buy -= lots
        signed = -lots
    if m.kind == SPOT and taker_side == SELL:
        spot_of(pm).reserved_ticklots -= lots * price  # the bid's reserved cash is spent
    notional = lots * price * m.atoms
    maker_fee = charge_fee(w, m, np.int64(maker.account), notional, fee_rate(w, m, np.int64(am.cohort), False))
    taker_fee = np.int64(0)
    if taker_purpose != P_LIQUIDATION:
        taker_fee = charge_fee(w, m, np.int64(pt.account), notional, fee_rate(w, m, np.int64(at.cohort), True))
    change_position(w, m, np.int64(am.bits), pm, -signed, price)
    change_position(w, m, np.int64(at.bits), pt, signed, price)
    record_stake(w, m, pm, -signed, notional, maker_fee)
    record_stake(w, m, pt, signed, notional, taker_fee)
    if m.last_trade_ns != w.now_ns:
        m.last_trade_ns = w.now_ns
        m.volume_before = m.volume_lots
    m.last_ticks = price
    m.volume_lots += lots
    m.volume_ticklots += np.float64(lots * price)
    m.trade_seq += 1
    w.trade_count += 1
    refile(w, m, np.int64(maker.position), pm)
    if w.log_trades:
        row = trade_log_at(w.trade_log, w.trades_n)
        row.t_ns = w.now_ns
        row.price_ticks = price
        row.size_lots = lots
        row.taker_order = taker_id
        row.maker_order = maker.order_id
        row.taker_account = pt.account
        row.maker_account = maker.account
        row.taker_parent = taker_parent
        row.maker_parent = maker.parent
        row.market = m.id
        row.taker_side = taker_side
        row.taker_purpose = taker_purpose
        row.maker_purpose = maker.purpose
        w.trades_n += 1
    if am.bits & ACC_WATCHED:
        post_notice(w, N_FILL, np.int64(maker.account), np.int64(m.id), np.int64(maker.order_id), -signed, price, maker_fee, np.int64(maker.remaining_lots) - lots, R_NONE, np.int64(pt.account))  # fmt: skip
    if at.bits & ACC_WATCHED:
        post_notice(w, N_FILL, np.int64(pt.account), np.int64(m.id), taker_id, signed, price, taker_fee, np.int64(-1), R_NONE, np.int64(maker.account))  # fmt: skip


@compiled
def settle_with_outside(w, m, outside, position, side, lots, price, order_id, purpose, parent):
    """Exchange `lots` at `price` between an order and `outside`, which pays no fee and has no order.

    `outside`: the record of its position in the market.
    """
    po = position_at(w.positions, outside)
    pt = position_at(w.positions, position)
    at = account_at(w.accounts, pt.account)
    signed = lots if side == BUY else -lots
    if side == BUY:
        trade_cash(w, m, E_TRADE, np.int64(pt.account), np.int64(po.account), lots, price)
    else:
        trade_cash(w, m, E_TRADE, np.int64(po.account), np.int64(pt.account), lots, price)
    fee = np.int64(0)
    if purpose != P_LIQUIDATION:
        rate = fee_rate(w, m, np.int64(at.cohort), True)
        fee = charge_fee(w, m, np.int64(pt.account), lots * price * m.atoms, rate)
    change_position(w, m, np.int64(account_at(w.accounts, po.account).bits), po, -signed, price)
    change_position(w, m, np.int64(at.bits), pt, signed, price)
    if m.last_trade_ns != w.now_ns:
        m.last_trade_ns = w.now_ns
        m.volume_before = m.volume_lots
    m.volume_lots += lots
    m.volume_ticklots += np.float64(lots * price)
    m.trade_seq += 1
    w.trade_count += 1
    if w.log_trades:
        row = trade_log_at(w.trade_log, w.trades_n)
        row.t_ns = w.now_ns
        row.price_ticks = price
        row.size_lots = lots
        row.taker_order = order_id
        row.maker_order = NO_ORDER
        row.taker_account = pt.account
        row.maker_account = po.account
        row.taker_parent = parent
        row.maker_parent = NO_ORDER
        row.market = m.id
        row.taker_side = side
        row.taker_purpose = purpose
        row.maker_purpose = P_NORMAL
        w.trades_n += 1
    if at.bits & ACC_WATCHED:
        post_notice(w, N_FILL, np.int64(pt.account), np.int64(m.id), order_id, signed, price, fee, np.int64(-1), R_NONE, np.int64(po.account))  # fmt: skip
    refile(w, m, position, pt)
