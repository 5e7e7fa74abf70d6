"""Margin as the venue's rule book says it: tiers, maintenance, what an order needs."""

from fractions import Fraction
from math import ceil

from tests.reference.accounts import RATE_ONE, Market, Tier, Venue, equity


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
    held = v.accounts[account].positions.items()
    return sum(
        maintenance(v.markets[k], abs(p.lots) * v.markets[k].mark * v.markets[k].atoms) for k, p in held if p.lots
    )


def is_under_water(v: Venue, account: int) -> bool:
    return equity(v, account) < requirement(v, account)


def can_afford(v: Venue, m: Market, account: int, side: int, lots: int, price: int) -> bool:
    """Whether equity covers the initial margin of all that this order and those at rest could lead to.

    In the order's market: its side, at the order's price; nothing more is asked when that is no larger than the
    position it turns round. In others: the larger side, at mark.
    """
    a = v.accounts[account]
    if not a.margin:
        return True
    p = a.positions[m.number]
    exposure = side * p.lots + lots + (p.open_buy if side > 0 else p.open_sell)
    if exposure <= 0 or (side * p.lots < 0 and exposure <= abs(p.lots)):
        return True
    needed = initial(m, exposure * price * m.atoms)
    for k, other in a.positions.items():
        if k != m.number:
            most = max(abs(other.lots), other.lots + other.open_buy, other.open_sell - other.lots)
            needed += initial(v.markets[k], most * v.markets[k].mark * v.markets[k].atoms)
    return needed <= equity(v, account)
