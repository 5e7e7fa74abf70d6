"""What happens to an order that reaches a venue: refused, traded by price then time, rested or cancelled."""

from tests.reference.accounts import Market, Venue, charge_fee, close_debt, exchange
from tests.reference.book import BUY, SELL, Order
from tests.reference.margin import can_afford, can_pay, can_still_pay, payable_lots

MOST = 2**40  # of ticks or lots in one order


def submit(v: Venue, order: Order) -> int:
    """Bring an order to its book; return the lots it traded at once."""
    m = v.markets[order.market]
    v.counts["orders"] += 1
    reason = shape(v, m, order) or admission(v, m, order)
    if reason:
        v.counts["rejects"] += 1
        log(v, order, "reject", order.size, reason)
        return 0
    alone = m.book.best(-order.side) is None
    order.remaining = order.size
    short_of = match(v, m, order)
    filled = order.size - order.remaining
    left = 0
    if short_of:
        reason = short_of
    elif order.remaining == 0:
        reason = "filled"
    elif order.ioc or order.price is None:
        reason = "empty_book" if alone and not filled else "ioc_remainder"
    else:
        reason, left = "none", order.remaining
        rest(v, m, order)
    log(v, order, "place", left, reason)
    return filled


def shape(v: Venue, m: Market, order: Order) -> str:
    """Clip a reduce-only order to the position, hold a post-only one back; say why it cannot stand, if so."""
    if order.reduce_only:
        reducible = -order.side * v.accounts[order.account].positions[m.number].lots
        if reducible <= 0:
            return "reduce_only"
        order.size = min(order.size, reducible)
    best = m.book.best(-order.side)
    if (order.post_only or order.slide) and best is not None and order.price is not None:
        if order.side * (order.price - best) >= 0:
            if order.post_only:
                return "post_only"
            order.price = best - order.side
    return ""


def admission(v: Venue, m: Market, order: Order) -> str:
    """Why an order cannot stand, or nothing. A buy is valued at its limit, a sell at the higher of mark and limit."""
    if not 0 < order.size <= MOST:
        return "bad_size"
    if order.price is not None and not 0 < order.price <= MOST:
        return "bad_price"
    if order.of_venue:
        return ""
    if v.accounts[order.account].queued:
        return "in_liquidation"
    value = m.mark if order.price is None else order.price if order.side == BUY else max(order.price, m.mark)
    if m.is_spot:
        return "" if can_pay(v, m, order.account, order.side, order.size, value) else "insufficient_funds"
    return "" if can_afford(v, m, order.account, order.side, order.size, value) else "insufficient_margin"


def match(v: Venue, m: Market, order: Order) -> str:
    """Trade against the best price, first come first; own orders met on the way are cancelled.

    In a spot market so are bids whose cash is gone, and a market order stops where its own is: then this says so.
    """
    short_of = ""
    while order.remaining:
        best = m.book.best(-order.side)
        if best is None or (order.price is not None and order.side * (order.price - best) < 0):
            break
        maker = m.book.front(-order.side)
        lots = min(order.remaining, maker.remaining)
        if maker.account == order.account:
            cancel(v, maker, "self_trade")
            continue
        if maker.reduce_only:
            reducible = -maker.side * v.accounts[maker.account].positions[m.number].lots
            if reducible <= 0:
                cancel(v, maker, "reduce_only")
                continue
            lots = min(lots, reducible)
        if m.is_spot and order.side == SELL and not can_still_pay(v, m, maker.account, lots, best):
            cancel(v, maker, "insufficient_funds")
            continue
        if m.is_spot and order.side == BUY and order.price is None:
            lots = min(lots, payable_lots(v, m, order.account, best))
            if lots <= 0:
                short_of = "insufficient_funds"
                break
        fill(v, m, maker, order, lots)
    if order.remaining < order.size:
        close_debt(v, m, order.account)
    return short_of


def fill(v: Venue, m: Market, maker: Order, taker: Order, lots: int) -> None:
    """Settle one trade at the resting price; a liquidation pays no fee."""
    price = maker.price
    assert price is not None
    signed = taker.side * lots
    change(maker, v.accounts[maker.account].positions[m.number], -lots)
    exchange(v, m, "trade", taker.account, maker.account, signed, price)
    charge_fee(v, m, v.accounts[maker.account], lots * price * m.atoms, taker=False)
    if not taker.of_venue:
        charge_fee(v, m, v.accounts[taker.account], lots * price * m.atoms, taker=True)
    taker.remaining -= lots
    m.last = price
    m.volume += lots
    v.counts["trades"] += 1
    v.trades.append(
        (v.now, m.number, price, lots, taker.number, maker.number, taker.account, maker.account, taker.side)
    )
    if maker.remaining == 0:
        m.book.remove(maker)
        del v.resting[maker.number]
    close_debt(v, m, maker.account)


def change(order: Order, position: object, lots: int) -> None:
    """Change what rests of an order, and what its account has resting."""
    order.remaining += lots
    name = "open_buy" if order.side == BUY else "open_sell"
    setattr(position, name, getattr(position, name) + lots)


def rest(v: Venue, m: Market, order: Order) -> None:
    left, order.remaining = order.remaining, 0
    change(order, v.accounts[order.account].positions[m.number], left)
    m.book.add(order)
    v.resting[order.number] = order


def cancel(v: Venue, order: Order, reason: str) -> None:
    """Take an order out of its book."""
    m = v.markets[order.market]
    m.book.remove(order)
    del v.resting[order.number]
    v.counts["cancels"] += 1
    log(v, order, "cancel", order.remaining, reason)
    change(order, v.accounts[order.account].positions[m.number], -order.remaining)


def cancel_message(v: Venue, number: int) -> None:
    """A cancel that reaches the venue; what is gone cannot be cancelled."""
    if number in v.resting:
        cancel(v, v.resting[number], "cancelled")


def log(v: Venue, order: Order, action: str, left: int, reason: str) -> None:
    side = "buy" if order.side == BUY else "sell"
    v.order_rows.append((v.now, order.number, order.account, action, side, order.size, left, reason))


__all__ = ["BUY", "SELL", "cancel", "cancel_message", "submit"]
