"""Index, mark and premium of the twin, in rational numbers. Rules: docs/contract.md#meaning-of-a-world,
docs/venues.md#funding, docs/venues.md#mark-price."""

from fractions import Fraction
from math import floor

from tests.reference.accounts import Market, Venue
from tests.reference.book import BUY, SELL


def step_index(v: Venue) -> None:
    """All indices go one step along their paths."""
    v.step += 1
    for m, path in zip(v.markets, v.paths, strict=True):
        m.index = path[v.step]


def step_mark(v: Venue, m: Market) -> None:
    """Sample the basis, mark by the rule (the index while a side is empty), then the premium.

    A rule that goes by the last trade stays at the index until there is one. A spot market has neither premium nor
    liquidation.
    """
    bid, ask = m.book.best(BUY), m.book.best(SELL)
    mid = None if bid is None or ask is None else Fraction(bid + ask, 2)
    m.basis.append(0 if mid is None else int(2 * mid) - 2 * m.index)
    if mid is None or m.rule == "index" or (m.last == 0 and m.rule != "mid"):
        price = Fraction(m.index)
    elif m.rule == "median":
        carried = m.index * (1 + m.funding_rate * Fraction(m.funding_due - v.now, m.funding_every))
        based = m.index + Fraction(sum(m.basis), 2 * len(m.basis))
        price = sorted((carried, based, Fraction(m.last)))[1]
    else:
        price = {"last": Fraction(m.last), "mid": mid}[m.rule]
    m.mark = max(1, floor(price + Fraction(1, 2)))
    m.mark_due += m.mark_every
    if m.is_spot:
        return
    if m.sample_due <= v.now:
        m.premiums.append(premium(m))
        m.sample_due += m.sample_every
    m.liquidation_due = v.now


def impact_price(m: Market, side: int) -> Fraction | None:
    """Average price at which the impact notional fills against a side; None when it is too thin."""
    left, lots = m.impact_ticklots, Fraction(0)
    for price, size in m.book.levels(side):
        if price * size >= left:
            return m.impact_ticklots / (lots + left / price)
        left -= price * size
        lots += size
    return None


def premium(m: Market) -> Fraction:
    bid, ask = impact_price(m, BUY), impact_price(m, SELL)
    above = max(Fraction(0), bid - m.index) if bid is not None else Fraction(0)
    under = max(Fraction(0), m.index - ask) if ask is not None else Fraction(0)
    return (above - under) / m.index
