"""Mark rule `mid`."""

from __future__ import annotations

from fractions import Fraction

from marketsim.venues.marks.family import MARK_RULES, MarkInputs, MarkRule


@MARK_RULES.register
class MidMark(MarkRule):
    """The middle of the best bid and ask."""

    name = "mid"

    @staticmethod
    def price(inputs: MarkInputs) -> Fraction:
        """See `MarkRule`."""
        return inputs.mid

    @staticmethod
    def sentence() -> str:
        """See `MarkRule`."""
        return "the middle of the best bid and ask"
