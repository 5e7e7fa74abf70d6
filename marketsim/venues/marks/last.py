"""Mark rule `last`."""

from __future__ import annotations

from fractions import Fraction

from marketsim.venues.marks.family import MARK_RULES, MarkInputs, MarkRule


@MARK_RULES.register
class LastMark(MarkRule):
    """The price of the last trade; the index until there is one."""

    name = "last"

    @staticmethod
    def price(inputs: MarkInputs) -> Fraction:
        """See `MarkRule`."""
        return inputs.index if inputs.last_ticks is None else Fraction(inputs.last_ticks)

    @staticmethod
    def sentence() -> str:
        """See `MarkRule`."""
        return "the price of the last trade"
