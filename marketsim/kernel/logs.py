"""What the kernel writes down for Python: notices that stop it, rows of the logs of orders and quotes."""

import numpy as np

from marketsim.kernel.book import level_lots
from marketsim.kernel.codes import (
    BUY,
    F_IOC,
    F_MARKET,
    F_POST_ONLY,
    F_SLIDE,
    NO_ASK,
    NO_BID,
    SELL,
    STOP_NOTICE,
    T_IOC,
    T_LIMIT,
    T_MARKET,
    T_POST_ONLY,
)
from marketsim.kernel.layout import market_at, notice_at, order_log_at, quote_log_at
from marketsim.kernel.records import compiled


@compiled
def post_notice(w, kind, account, market, order_id, lots, price, fee, remaining, reason, other):
    """Tell Python: a fill, an order's end, a crossing. Room is kept by `advance`."""
    n = notice_at(w.notices, w.notices_n)
    m = market_at(w.markets, market)
    n.t_ns = w.now_ns
    n.kind = kind
    n.account = account
    n.market = market
    n.order_id = order_id
    n.lots = lots
    n.price_ticks = price
    n.mark_ticks = m.mark_ticks
    n.index_ticks = m.index_ticks
    n.fee_atoms = fee
    n.remaining_lots = remaining
    n.reason = reason
    n.other_account = other
    w.notices_n += 1
    w.stop = max(w.stop, STOP_NOTICE)  # a rule that failed stays the reason


@compiled
def log_order(w, market, order_id, account, action, side, flags, price, size, remaining, reason):
    """Write one row of the order log, if it is kept."""
    if not w.log_orders:
        return
    row = order_log_at(w.order_log, w.orders_n)
    row.t_ns = w.now_ns
    row.order_id = order_id
    row.price_ticks = price
    row.size_lots = size
    row.remaining_lots = remaining
    row.account = account
    row.market = market
    row.action = action
    row.side = side
    if flags & F_MARKET:
        row.order_type = T_MARKET
    elif flags & F_IOC:
        row.order_type = T_IOC
    elif flags & (F_POST_ONLY | F_SLIDE):
        row.order_type = T_POST_ONLY
    else:
        row.order_type = T_LIMIT
    row.reason = reason
    w.orders_n += 1


@compiled
def log_quote(w, m):
    """Write the best quotes if they differ from the row before."""
    bid_lots = level_lots(w, m, BUY, np.int64(m.best_bid))
    ask_lots = level_lots(w, m, SELL, np.int64(m.best_ask))
    same_bid = m.best_bid == m.logged_bid and bid_lots == m.logged_bid_lots
    if same_bid and m.best_ask == m.logged_ask and ask_lots == m.logged_ask_lots:
        return
    m.logged_bid = m.best_bid
    m.logged_ask = m.best_ask
    m.logged_bid_lots = bid_lots
    m.logged_ask_lots = ask_lots
    row = quote_log_at(w.quote_log, w.quotes_n)
    row.t_ns = w.now_ns
    row.bid_ticks = m.best_bid if m.best_bid != NO_BID else 0
    row.bid_lots = bid_lots
    row.ask_ticks = m.best_ask if m.best_ask != NO_ASK else 0
    row.ask_lots = ask_lots
    row.market = m.id
    w.quotes_n += 1
