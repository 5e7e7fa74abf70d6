"""An index that stays where it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from marketsim.ranges import ABOVE_ZERO
from marketsim.spec import Fault, MoneyAmount
from marketsim.units import format_money
from marketsim.venues.index.family import INDICES, IndexSpec
from marketsim.venues.index.index_path import PreparedIndex
from marketsim.venues.index.listed_path import listed_levels, price_faults

__all__ = ["ConstantIndexSpec"]


@INDICES.register
class ConstantIndexSpec(IndexSpec):
    """An index that does not move by itself."""

    kind: Literal["constant"]
    price: Annotated[MoneyAmount, ABOVE_ZERO]

    @property
    def price_currency(self) -> str:
        """That of `price`."""
        return self.price.currency

    def faults(self, duration_ns: int) -> Iterator[Fault]:
        """A price with too many digits."""
        yield from price_faults(self.price.amount, "price")

    def prepare(self, *, start_ns: int, duration_ns: int, root: Path) -> PreparedIndex:
        """One level for good; see `IndexSpec`."""
        return listed_levels([0], [self.price.amount], "step").prepared(self.every, duration_ns)

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        return f"stays at {format_money(self.price)}"
