"""A holder's demand in plain Python: what share of its wealth it wants in its token, and the order that follows.

Twin of `kernel/rules/holder.py` where there are no quotes and no returns count: price and NAV are one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass
class Holder:
    """What the rule looks at: cash [tick-lots], units [lots] of one token, base share, neighbours (-1: left out)."""

    cash: float
    lots: int
    token: int
    base: float
    neighbours: Sequence[int] = ()


def share_in(holder: Holder, token: int, nav: int) -> float:
    """Share of a holder's wealth in a token; what it holds of another token is none of it."""
    if holder.token != token:
        return 0.0
    wealth = holder.cash + holder.lots * nav
    return holder.lots * nav / wealth if wealth > 0 else 0.0


def wanted_share(
    holders: Sequence[Holder], who: int, navs: Mapping[int, int], start: int, weight: float, low: float
) -> float:
    """(1 - weight) x base + weight x mean share of the neighbours + low x (how far NAV is below its start)."""
    me = holders[who]
    nav = navs[me.token]
    base = me.base
    if me.neighbours:
        mean = sum(share_in(holders[i], me.token, nav) for i in me.neighbours if i >= 0) / len(me.neighbours)
        base = (1 - weight) * me.base + weight * mean
    return base + low * 2 * (start - nav) / (start + nav)


def order_lots(holders: Sequence[Holder], who: int, navs: Mapping[int, int], share: float, change: float) -> int:
    """Signed lots towards the wanted share, 0 when the way is shorter than `change` of wealth."""
    me = holders[who]
    nav = navs[me.token]
    wealth = me.cash + me.lots * nav
    missing = min(max(share, 0.0), 1.0) * wealth - me.lots * nav
    if abs(missing) < change * wealth:
        return 0
    lots = max(1, int(abs(missing) / nav))
    return lots if missing > 0 else -min(lots, me.lots)
