"""An index that is a market: the weighted mid of books of the same world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from marketsim.ranges import ABOVE_ZERO, BELOW_ONE, SHARE
from marketsim.spec import Fault, MoneyAmount, Rate, Spec
from marketsim.units import format_money, format_rate
from marketsim.venues.index.family import INDICES, IndexSpec, SourceMarket
from marketsim.venues.index.index_path import PreparedIndex
from marketsim.venues.index.listed_path import listed_levels, price_faults

__all__ = ["BookIndexSpec", "OutliersSpec"]

PLAUSIBLE = 20
"""How many times its opening price such an index is expected to reach, up or down; bounds of numbers go by it."""


class OutliersSpec(Spec):
    """A price further than `beyond` from the median of all counts at that border (clamp), or not at all (drop)."""

    beyond: Annotated[Rate, ABOVE_ZERO, BELOW_ONE]
    then: Literal["drop", "clamp"] = "clamp"


@INDICES.register
class BookIndexSpec(IndexSpec):
    """The weighted mid of `markets` of this world, from `price` at the opening, read every `every`.

    markets: each one's weight, 100% together. A market with an empty side has no price: the others' weights count, and
    while none has one the index stays. outliers: what happens to a price far from the median of all; where all are
    left out the index is the median. The median of two is their mean. Source: docs/venues.md#an-index-of-markets.
    """

    kind: Literal["book"]
    price: Annotated[MoneyAmount, ABOVE_ZERO]
    markets: Annotated[dict[str, Rate], SHARE]
    outliers: OutliersSpec | None = None

    @property
    def price_currency(self) -> str:
        """That of `price`."""
        return self.price.currency

    @property
    def weights(self) -> Mapping[str, Decimal]:
        """Those of its markets."""
        return self.markets

    @property
    def outlier_border(self) -> float:
        """The deviation from the median beyond which a price is an outlier; 0.0 where none is."""
        return float(self.outliers.beyond) if self.outliers is not None else 0.0

    @property
    def clamps(self) -> bool:
        """Whether an outlier counts at the border; otherwise it is left out."""
        return self.outliers is not None and self.outliers.then == "clamp"

    def faults(self, duration_ns: int) -> Iterator[Fault]:
        """Weights that are no whole, a pass-through beside what the markets do, a price with too many digits."""
        yield from price_faults(self.price.amount, "price")
        if self.pass_through:
            message = "how much of a push stays in an index of markets is what their traders make of it"
            yield Fault(("pass_through",), message, "left out")
        for name, weight in self.markets.items():
            if weight <= 0:
                yield Fault(("markets", name), "a market without weight is no part of an index", "more than zero")
        if sum(self.markets.values()) != 1:
            yield Fault(("markets",), "the weights of an index are not 100% together", "{MARKET: weight, ..}, 100%")

    def market_faults(self, own: str, markets: Mapping[str, SourceMarket]) -> Iterator[Fault]:
        """What is wrong with the markets it names, of those that are there; own: the underlying whose index it is."""
        for name in self.markets:
            source = markets.get(name)
            if source is None:
                continue
            path = ("markets", name)
            if not source.has_book:
                yield Fault(path, f"{name} matches by a formula around an index and has no mid of its own", "a book")
            elif source.currency != self.price.currency and self.price.currency:
                yield Fault(
                    path, f"{name} is priced in {source.currency}, this index in {self.price.currency}", "one currency"
                )
            elif source.kind == "perpetual" and source.underlying == own:
                yield Fault(path, f"{name} is a perpetual on this very index", "spot markets")
            elif own in source.rests_on:
                message = f"the index of {source.underlying}, which {name} follows, rests on this one in turn"
                yield Fault(path, message, "markets whose index does not lead back here")

    def prepare(self, *, start_ns: int, duration_ns: int, root: Path) -> PreparedIndex:
        """The opening price, from which the kernel goes on by the books; see `IndexSpec`."""
        listed = listed_levels([0], [self.price.amount], "step").prepared(self.every, duration_ns)
        opening = float(self.price.amount)
        return PreparedIndex(listed.opening, opening / PLAUSIBLE, opening * PLAUSIBLE, listed.path, listed.notices)

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        parts = ", ".join(f"{name} ({format_rate(weight)})" for name, weight in self.markets.items())
        far = ""
        if self.outliers is not None:
            fate = "counts at that border" if self.clamps else "is left out"
            far = f"; a price more than {format_rate(self.outliers.beyond)} from their median {fate}"
        return f"opens at {format_money(self.price)} and is the mid of {parts}{far}"
