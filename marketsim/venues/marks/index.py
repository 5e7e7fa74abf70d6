"""Mark rule `index`."""

from __future__ import annotations

from fractions import Fraction

from marketsim.venues.marks.family import MARK_RULES, MarkInputs, MarkRule


@MARK_RULES.register
class IndexMark(MarkRule):
    """The index itself."""

    name = "index"

    @staticmethod
    def price(inputs: MarkInputs) -> Fraction:
        """See `MarkRule`."""
        return inputs.index

    @staticmethod
    def sentence() -> str:
        """See `MarkRule`."""
        return "the index"
