"""The prices that mark rules are made of."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor

from marketsim.venues.payoffs import Exact


def first_price(index: Exact, last_funding_rate: Exact, remaining_ns: int, interval_ns: int) -> Fraction:
    """Index carried by the funding still to be paid: `index * (1 + F_last * T / interval)`.

    Price 1 of Binance's mark and the whole of BitMEX's fair price. `index` in any unit of price, `F_last` per
    settlement, `T` the time to the next settlement [ns].
    Source: https://www.bitmex.com/app/fairPriceMarking; https://www.binance.com/en/support/faq/360033525071;
    docs/venues.md#mark-price.
    """
    return Fraction(index) * (1 + Fraction(last_funding_rate) * Fraction(remaining_ns, interval_ns))


def moving_average(samples: Sequence[Exact], length: int) -> Fraction:
    """Average the last `length` samples of mid - index, or as many as there are; 0 before the first one.

    An instant with an empty or one-sided book counts as a sample of 0. Binance takes one a second over
    `MarkSpec.window`: a minute, thirty seconds since 2025-09-18 (docs/venues.md#mark-price).
    """
    window = samples[-length:]
    return sum((Fraction(sample) for sample in window), Fraction(0)) / len(window) if window else Fraction(0)


def second_price(index: Exact, basis_average: Exact) -> Fraction:
    """Index plus average basis: `index + MA(mid - index)`, Price 2 of Binance's mark (docs/venues.md#mark-price)."""
    return Fraction(index) + Fraction(basis_average)


def mid_price(bid_ticks: int | None, ask_ticks: int | None) -> Fraction | None:
    """Middle of the best bid and ask [ticks, may be a half]; None while either side is empty."""
    return None if bid_ticks is None or ask_ticks is None else Fraction(bid_ticks + ask_ticks, 2)


def to_whole_ticks(price: Exact) -> int:
    """Round a price [ticks] to the nearest whole tick, a half upwards as at the border; at least one tick.

    Rounding never reorders prices, so a median of rounded prices is the rounded median.
    """
    return max(1, floor(Fraction(price) + Fraction(1, 2)))
