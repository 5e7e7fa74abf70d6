"""An index that rises and falls by the clock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from marketsim.ranges import ABOVE_ZERO, CADENCE
from marketsim.spec import Duration, MoneyAmount, Rate
from marketsim.units import format_duration, format_money, format_rate
from marketsim.venues.index.family import IndexSpec
from marketsim.venues.index.index_path import PreparedIndex
from marketsim.venues.index.listed_path import listed_levels


class TriangleIndexSpec(IndexSpec):
    """Up by `rise` in the first half of each `period`, and back in the second, in straight lines."""

    kind: Literal["triangle"]
    price: Annotated[MoneyAmount, ABOVE_ZERO]
    rise: Annotated[Rate, ABOVE_ZERO]
    period: Annotated[Duration, CADENCE]

    @property
    def price_currency(self) -> str:
        """That of `price`."""
        return self.price.currency

    def prepare(self, *, start_ns: int, duration_ns: int, root: Path) -> PreparedIndex:
        """Its corners, to the end of the run and beyond."""
        half = self.period // 2
        times = list(range(0, duration_ns + half + 1, half))
        prices = [self.price.amount * (1 + self.rise * (corner % 2)) for corner in range(len(times))]
        return listed_levels(times, prices, "linear").prepared(self.every)

    def sentence(self) -> str:
        """What it does, as the rest of "The index of BTC ..."."""
        rise = f"{format_rate(self.rise)} and back every {format_duration(self.period)}"
        return f"starts at {format_money(self.price)} and goes up by {rise}"
