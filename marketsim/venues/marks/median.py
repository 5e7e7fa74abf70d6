"""Mark rule `median`: Binance's, the median of three prices."""

from __future__ import annotations

from fractions import Fraction

from marketsim.venues.marks.family import MARK_RULES, MarkInputs, MarkRule
from marketsim.venues.marks.prices import second_price
from marketsim.venues.payoffs import Exact


@MARK_RULES.register
class MedianMark(MarkRule):
    """The median of the index carried by funding, the index plus the average basis, and the last trade.

    The index until something has traded.
    """

    name = "median"
    needs_funding = True

    @staticmethod
    def price(inputs: MarkInputs) -> Fraction:
        """See `MarkRule`."""
        if inputs.last_ticks is None:
            return inputs.index
        first = inputs.index * (1 + inputs.funding_carry)
        return median_price(first, second_price(inputs.index, inputs.basis_average), inputs.last_ticks)

    @staticmethod
    def sentence() -> str:
        """See `MarkRule`."""
        return "the median of the index carried by funding, the index plus the average basis, and the last trade"


def median_price(first: Exact, second: Exact, last: Exact) -> Fraction:
    """Take the middle one of Price 1, Price 2 and the last trade, so that none of them moves the mark alone.

    Source: https://www.binance.com/en/support/faq/360033525071; docs/venues.md#mark-price.
    """
    return sorted((Fraction(first), Fraction(second), Fraction(last)))[1]
