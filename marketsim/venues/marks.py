"""Mark price: what positions, NAV and margin are valued at."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import Literal

from marketsim.spec import Duration, Spec
from marketsim.units import NS_PER_SECOND
from marketsim.venues.payoffs import Exact


class MarkSpec(Spec):
    """The mark rule and its cadence; `window` is that of the moving average of mid - index in rule `median`."""

    rule: Literal["median", "index", "last", "mid"] = "median"
    every: Duration = NS_PER_SECOND
    window: Duration = 60 * NS_PER_SECOND


def first_price(index: Exact, last_funding_rate: Exact, remaining_ns: int, interval_ns: int) -> Fraction:
    """Index carried by the funding still to be paid: `index * (1 + F_last * T / interval)`.

    Price 1 of Binance's mark and the whole of BitMEX's fair price. `index` in any unit of price, `F_last` per
    settlement, `T` the time to the next settlement [ns].
    Source: https://www.bitmex.com/app/fairPriceMarking; https://www.binance.com/en/support/faq/360033525071; RULES B.2.
    """
    return Fraction(index) * (1 + Fraction(last_funding_rate) * Fraction(remaining_ns, interval_ns))


def moving_average(samples: Sequence[Exact], length: int) -> Fraction:
    """Average the last `length` samples of mid - index, or as many as there are; 0 before the first one.

    An instant with an empty or one-sided book counts as a sample of 0. Binance takes one a second over
    `MarkSpec.window`: a minute, thirty seconds since 2025-09-18 (RULES B.2).
    """
    window = samples[-length:]
    return sum((Fraction(sample) for sample in window), Fraction(0)) / len(window) if window else Fraction(0)


def second_price(index: Exact, basis_average: Exact) -> Fraction:
    """Index plus the average basis of the book: `index + MA(mid - index)`, Price 2 of Binance's mark (RULES B.2)."""
    return Fraction(index) + Fraction(basis_average)


def median_price(first: Exact, second: Exact, last: Exact) -> Fraction:
    """Take the middle one of Price 1, Price 2 and the last trade, so that none of them moves the mark alone.

    Source: https://www.binance.com/en/support/faq/360033525071; RULES B.2.
    """
    return sorted((Fraction(first), Fraction(second), Fraction(last)))[1]


def mid_price(bid_ticks: int | None, ask_ticks: int | None) -> Fraction | None:
    """Middle of the best bid and ask [ticks, may be a half]; None while either side is empty."""
    return None if bid_ticks is None or ask_ticks is None else Fraction(bid_ticks + ask_ticks, 2)


def to_whole_ticks(price: Exact) -> int:
    """Round a price [ticks] to the nearest whole tick, a half upwards as at the border; at least one tick.

    Rounding never reorders prices, so a median of rounded prices is the rounded median.
    """
    return max(1, floor(Fraction(price) + Fraction(1, 2)))


def mark_ticks(
    rule: str,
    index: Exact,
    bid_ticks: int | None,
    ask_ticks: int | None,
    last_ticks: int | None,
    *,
    basis_average: Exact = 0,
    funding_carry: Exact = 0,
) -> int:
    """Mark a perpetual by its rule: `index`, `last`, `mid` or `median` [whole ticks].

    `index` in ticks, exact; `basis_average` is `moving_average` of mid - index [ticks]; `funding_carry` is `F_last * T
    / interval`. While the book is empty or one-sided, or nothing has traded yet, every rule marks at the index
    (CONTRACT section 3). An unknown rule is a KeyError: the Spec admits no other.
    """
    at_index = Fraction(index)
    mid = mid_price(bid_ticks, ask_ticks)
    if mid is None or last_ticks is None:
        return to_whole_ticks(at_index)
    first, second = at_index * (1 + Fraction(funding_carry)), second_price(index, basis_average)
    by_rule = {
        "index": at_index,
        "last": Fraction(last_ticks),
        "mid": mid,
        "median": median_price(first, second, last_ticks),
    }
    return to_whole_ticks(by_rule[rule])
