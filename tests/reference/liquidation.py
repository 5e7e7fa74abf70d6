"""The liquidation engine of the twin. Stages: docs/venues.md#liquidation-engines, docs/venues.md#insurance-funds,
docs/venues.md#deleveraging, in the words of `venues.liquidation`."""

from fractions import Fraction
from math import ceil, floor

from tests.reference.accounts import RATE_ONE, Account, Market, Venue, close_debt, equity, exchange, pay, perpetuals
from tests.reference.book import BUY, SELL, Order
from tests.reference.margin import is_under_water, tier_of
from tests.reference.matching import cancel, submit

CASCADE_NS = 60 * 10**9


def find_victims(v: Venue, m: Market) -> None:
    """Who is under water in this market waits in its queue, and may send nothing; the engine has its cap anew."""
    m.sent = 0
    for a in v.accounts if not m.is_spot else ():
        if a.margin and not a.queued and m.number in a.positions and a.positions[m.number].lots:
            if is_under_water(v, a.number):
                a.queued = True
                m.queue.append(a.number)


def work_queue(v: Venue, m: Market) -> None:
    """One pass over those who waited when the mark came; then the fund sells a slice."""
    waiting = len(m.queue)
    for _ in range(waiting if m.per_step is None else min(waiting, m.per_step)):
        if is_spent(m):
            break
        work_one(v, m, v.accounts[m.queue.popleft()])
    unwind_fund(v, m)
    m.liquidation_due = None


def work_one(v: Venue, m: Market, a: Account) -> None:
    for order in [order for order in v.resting.values() if order.account == a.number]:
        cancel(v, order, "in_liquidation")
    largest = largest_position(v, a)
    again = False
    if largest is not None and is_under_water(v, a.number):
        of = v.markets[largest]
        if is_spent(of):
            m.queue.append(a.number)
            return
        order = engine_order(v, of, a)
        if of.delay:
            v.under_way.append((v.now + of.delay, of.number, order))
            return
        again = liquidate(v, of, a, order)
    end_pass(v, m, a, again)


def is_spent(m: Market) -> bool:
    """The orders of this step have all the notional that they may have."""
    return m.cap is not None and m.sent > 0 and m.sent + m.mark * m.atoms > m.cap


def end_pass(v: Venue, m: Market, a: Account, again: bool) -> None:
    """Who still is below maintenance waits again, anybody else trades on."""
    if again or (largest_position(v, a) is not None and is_under_water(v, a.number)):
        m.queue.append(a.number)
        return
    close_debt(v, m, a.number)
    a.queued = False


def receive_engine_order(v: Venue) -> None:
    """The oldest order under way reaches its book; what is not there any more it does not close."""
    _, number, order = v.under_way.popleft()
    m, a = v.markets[number], v.accounts[order.account]
    left = -order.side * a.positions[number].lots
    if a.number == m.fund or left <= 0:
        order.reduce_only = True
        submit(v, order)
        if a.number != m.fund:
            end_pass(v, m, a, again=False)
        return
    order.size = min(order.size, left)
    end_pass(v, m, a, liquidate(v, m, a, order))


def largest_position(v: Venue, a: Account) -> int | None:
    """Market of the largest notional at mark, the first of equals."""
    held = [(abs(p.lots) * v.markets[k].mark * v.markets[k].atoms, -k) for k, p in perpetuals(v, a) if p.lots]
    return -max(held)[1] if held else None


def bankruptcy_ticks(v: Venue, m: Market, a: Account) -> int:
    """Price at which nothing is left of the account, the others at mark, rounded to leave no debt; at least a tick."""
    lots = a.positions[m.number].lots
    price = m.mark - Fraction(equity(v, a.number), lots * m.atoms)
    return max(1, min(ceil(price) if lots > 0 else floor(price), 2**40))


def engine_order(v: Venue, m: Market, a: Account) -> Order:
    """An IOC at the bankruptcy price that brings the position one tier down, or as far as slice and cap let it."""
    lots, lot = a.positions[m.number].lots, m.mark * m.atoms
    wanted = abs(lots) - tier_of(m, abs(lots) * lot).floor // lot
    if m.slice is not None:
        wanted = min(wanted, max(1, m.slice // lot))
    if m.cap is not None:
        wanted = min(wanted, max(1, (m.cap - m.sent) // lot))
        m.sent += wanted * lot
    side, limit = SELL if lots > 0 else BUY, bankruptcy_ticks(v, m, a)
    return Order(v.next_number(), a.number, m.number, side, limit, wanted, ioc=True, of_venue=True)


def liquidate(v: Venue, m: Market, a: Account, order: Order) -> bool:
    """One pass over one position; True if it needs another."""
    p = a.positions[m.number]
    before = p.lots
    number = v.counts["liquidations"]
    parent = name_cascade(v, m, 1 if before > 0 else -1, number)
    v.counts["liquidations"] += 1
    a.liquidations += 1
    wanted = order.size
    filled, fee = trade_out(v, m, a, order)
    stage, gained, closed, again = 0, 0, 0, False
    if p.lots and is_under_water(v, a.number):
        if filled == wanted:
            again = True
        else:
            gain = take_over(v, m, a)
            if gain is not None:
                stage, gained = 1, gain
            else:
                stage, closed = 2, deleverage(v, m, a)
    row = (v.now, a.number, m.number, before - p.lots, filled, fee, gained, closed, stage, m.cascade, parent)
    v.liquidations.append(row)
    return again


def name_cascade(v: Venue, m: Market, side: int, number: int) -> int:
    """A liquidation within a minute of one on the same side belongs to its cascade; the one before is its parent."""
    goes_on = m.cascade >= 0 and m.cascade_side == side and v.now - m.cascade_time <= CASCADE_NS
    parent = m.cascade_parent if goes_on else -1
    if not goes_on:
        m.cascade = number
    m.cascade_side, m.cascade_time, m.cascade_parent = side, v.now, number
    return parent


def trade_out(v: Venue, m: Market, a: Account, order: Order) -> tuple[int, int]:
    """The engine's order, and its fee out of what is left: lots filled, fee."""
    cash = a.cash
    filled = submit(v, order)
    fee = max(0, min(abs(a.cash - cash) * m.liquidation_fee // RATE_ONE, equity(v, a.number)))
    pay(v, "liquidation_fee", a.number, m.fund, fee)
    return filled, fee


def take_over(v: Venue, m: Market, a: Account) -> int | None:
    """The fund takes the position at the bankruptcy price if it then owns something, and as much as it holds."""
    fund = v.accounts[m.fund]
    lots = a.positions[m.number].lots
    price = bankruptcy_ticks(v, m, a)
    gain = lots * (m.mark - price) * m.atoms
    after = equity(v, m.fund) + gain
    if after <= 0 or abs(fund.positions[m.number].lots + lots) * m.mark * m.atoms > after:
        return None
    exchange(v, m, "insurance", m.fund, a.number, lots, price)
    return gain


def score(v: Venue, m: Market, a: Account) -> Fraction:
    """Profit share x effective leverage for winners, profit share / leverage for losers (BitMEX)."""
    p = a.positions[m.number]
    value, entry = abs(p.lots) * m.mark, p.entry
    if entry == 0:
        return Fraction(0)
    gain = Fraction(value - entry if p.lots > 0 else entry - value, entry)
    owned = equity(v, a.number)
    leverage = Fraction(value * m.atoms, owned) if owned > 0 else Fraction(10**9)
    return gain * leverage if gain > 0 else gain / leverage


def queue_of_others(v: Venue, m: Market, sign: int) -> list[Account]:
    """Who closes against a bankrupt position: the ranked, then those who wait themselves, the fund, `outside`."""
    held = [a for a in v.accounts if m.number in a.positions and a.positions[m.number].lots * sign > 0]
    traders = [a for a in held if a.margin]
    ranked = sorted((a for a in traders if not a.queued), key=lambda a: (-score(v, m, a), a.number))
    waiting = [a for a in traders if a.queued]
    return ranked + waiting + [a for a in held if a.number == m.fund] + [a for a in held if a.number == m.outside]


def deleverage(v: Venue, m: Market, a: Account) -> int:
    """Close the rest against the others at the bankruptcy price."""
    p = a.positions[m.number]
    sign = 1 if p.lots > 0 else -1
    price = bankruptcy_ticks(v, m, a)
    closed = 0
    for rank, other in enumerate(queue_of_others(v, m, -sign)):
        if not p.lots:
            break
        lots = min(abs(p.lots), abs(other.positions[m.number].lots))
        exchange(v, m, "deleveraging", a.number, other.number, -sign * lots, price)
        close_debt(v, m, other.number)
        v.deleveragings.append((v.now, m.number, other.number, sign * lots, price, rank, m.cascade))
        closed += lots
        if other.number == m.outside:
            leave_nothing(v, m, a)
    return closed


def leave_nothing(v: Venue, m: Market, a: Account) -> None:
    """Whom `outside` closed has exactly nothing left: less than a tick a lot is rounding, more is its loss."""
    left = equity(v, a.number)
    if left >= 0:
        pay(v, "rounding", a.number, m.rounding, left)
    else:
        pay(v, "deleveraging", m.outside, a.number, -left)


def unwind_fund(v: Venue, m: Market) -> None:
    """The fund sells a sixteenth of what it holds, at most half a percent from the mark."""
    lots = v.accounts[m.fund].positions[m.number].lots
    if lots:
        band = m.mark * 50 // 10_000
        limit = max(1, m.mark - band if lots > 0 else m.mark + band)
        side = SELL if lots > 0 else BUY
        size = max(1, abs(lots) // 16)
        order = Order(v.next_number(), m.fund, m.number, side, limit, size, ioc=True, of_venue=True)
        if m.delay:
            v.under_way.append((v.now + m.delay, m.number, order))
        else:
            submit(v, order)
