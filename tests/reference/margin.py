"""Margin as the venue's rule book says it: tiers, maintenance, what an order needs."""

from fractions import Fraction
from math import ceil

from tests.reference.accounts import RATE_ONE, Account, Market, Tier, Venue, equity, perpetuals
from tests.reference.book import BUY


def tier_of(m: Market, notional: int) -> Tier:
    """The tier of a notional; a tier's end belongs to it."""
    return [tier for tier in m.tiers if tier.floor < notional or tier.floor == 0][-1]


def maintenance(m: Market, notional: int) -> int:
    tier = tier_of(m, notional)
    return notional * tier.rate // RATE_ONE - tier.amount


def initial(m: Market, notional: int) -> int:
    return ceil(Fraction(notional) / tier_of(m, notional).max_leverage)


def requirement(v: Venue, account: int) -> int:
    """Maintenance margin of all positions at mark."""
    held = perpetuals(v, v.accounts[account])
    return sum(
        maintenance(v.markets[k], abs(p.lots) * v.markets[k].mark * v.markets[k].atoms) for k, p in held if p.lots
    )


def is_under_water(v: Venue, account: int) -> bool:
    return equity(v, account) < requirement(v, account)


def can_afford(v: Venue, m: Market, account: int, side: int, lots: int, price: int) -> bool:
    """Whether equity covers the initial margin of all that this order and those at rest could lead to.

    In the order's market: its side, at the order's price; nothing more is asked when that is no larger than the
    position it turns round. In others: the larger side, at mark. Bids in spot markets need their cash beside that.
    """
    a = v.accounts[account]
    if not a.margin:
        return True
    p = a.positions[m.number]
    exposure = side * p.lots + lots + (p.open_buy if side > 0 else p.open_sell)
    if exposure <= 0 or (side * p.lots < 0 and exposure <= abs(p.lots)):
        return True
    needed = initial(m, exposure * price * m.atoms) + secured(v, a, m.number) + bid_for(v, a)
    return needed <= equity(v, account)


def secured(v: Venue, a: Account, left_out: int = -1) -> int:
    """Initial margin of all perpetuals but one: the larger side of what is held and rests, at mark."""
    total = 0
    for k, p in perpetuals(v, a):
        if k != left_out:
            most = max(abs(p.lots), p.lots + p.open_buy, p.open_sell - p.lots)
            total += initial(v.markets[k], most * v.markets[k].mark * v.markets[k].atoms)
    return total


def dearest(m: Market, a: Account) -> int:
    """The dearer of an account's fee rates: a bid may take or rest."""
    return max(0, *(a.fees or (m.maker_fee, m.taker_fee)))


def bid_for(v: Venue, a: Account) -> int:
    """Cash that an account's bids in spot markets wait with: price and fee, market by market."""
    total = 0
    for k in a.positions:
        m = v.markets[k]
        if m.is_spot:
            mine = [o for o in v.resting.values() if (o.account, o.market, o.side) == (a.number, k, BUY)]
            cost = sum(o.price * o.remaining for o in mine if o.price is not None) * m.atoms
            total += cost + cost * dearest(m, a) // RATE_ONE
    return total


def free_cash(v: Venue, a: Account) -> int:
    """What nothing ties up."""
    return equity(v, a.number) - secured(v, a) - bid_for(v, a)


def can_pay(v: Venue, m: Market, account: int, side: int, lots: int, price: int) -> bool:
    """Whether a spot order is covered: a sale by coins not on offer yet, a buy by free cash with the dearer fee."""
    a = v.accounts[account]
    if not a.margin:
        return True
    if side != BUY:
        return lots <= a.positions[m.number].lots - a.positions[m.number].open_sell
    cost = lots * price * m.atoms
    return cost + cost * dearest(m, a) // RATE_ONE <= free_cash(v, a)


def can_still_pay(v: Venue, m: Market, account: int, lots: int, price: int) -> bool:
    """Whether a bid at rest can be paid for now, beside the margin of what its account holds in perpetuals."""
    a = v.accounts[account]
    cost = lots * price * m.atoms
    fee = cost * max(0, (a.fees or (m.maker_fee, m.taker_fee))[0]) // RATE_ONE
    return not a.margin or cost + fee <= equity(v, account) - secured(v, a)


def payable_lots(v: Venue, m: Market, account: int, price: int) -> int:
    """Lots that a market order may still buy at a price; cash x (1 - rate) leaves room for the fee."""
    a = v.accounts[account]
    free = free_cash(v, a)
    if not a.margin:
        return 2**62
    if free <= 0 or price * m.atoms > 4 * 10**18:
        return 0
    return (free - free * dearest(m, a) // RATE_ONE - 1) // (price * m.atoms)
