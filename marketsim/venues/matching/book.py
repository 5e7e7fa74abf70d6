"""Matching `book`: orders meet each other by price, then time."""

from __future__ import annotations

from typing import ClassVar, Literal

from marketsim.venues.matching.family import MATCHINGS, MatchingSpec


@MATCHINGS.register
class BookSpec(MatchingSpec):
    """Orders meet each other in a book, by price, then time."""

    has_book: ClassVar[bool] = True
    fills_the_kernels_orders: ClassVar[bool] = True

    kind: Literal["book"] = "book"

    def sentence(self) -> str:
        """Nothing: a market has a book unless it says otherwise."""
        return ""
