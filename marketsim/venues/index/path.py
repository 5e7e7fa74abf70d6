"""An index whose path is written down in the scenario, point by point."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from marketsim.ranges import ANY
from marketsim.spec import QUOTE, Duration, Fault, MoneyAmount
from marketsim.units import format_duration
from marketsim.venues.index.family import INDICES, IndexSpec
from marketsim.venues.index.index_path import PreparedIndex
from marketsim.venues.index.listed_path import listed_levels, price_faults

__all__ = ["PathIndexSpec"]


@INDICES.register
class PathIndexSpec(IndexSpec):
    """A path written down point by point; `step` holds the last value, `linear` interpolates."""

    kind: Literal["path"]
    points: Annotated[tuple[tuple[Duration, MoneyAmount], ...], ANY]
    interpolate: Literal["step", "linear"] = "step"

    @property
    def price_currency(self) -> str:
        """That of its points."""
        return self.points[0][1].currency if self.points else QUOTE

    def faults(self, duration_ns: int) -> Iterator[Fault]:
        """Points that do not begin with the run, are out of order or in several currencies, or end too early."""
        if not self.points:
            yield Fault(("points",), "a path has no points", "[[0s, PRICE], ...]")
            return
        times = [at_ns for at_ns, _ in self.points]
        if times[0] != 0:
            yield Fault(("points", 0, 0), "the path does not begin where the run begins", "a first point at 0s")
        for i, (before, after) in enumerate(pairwise(times), start=1):
            if after <= before:
                yield Fault(("points", i, 0), "the points of a path are not in order", "each later than the last")
        for i, (_, price) in enumerate(self.points):
            if price.currency != self.price_currency:
                message = "the points of a path are in several currencies"
                yield Fault(("points", i, 1), message, f"one currency: {self.price_currency}")
            yield from price_faults(price.amount, "points", i, 1)
        if self.interpolate == "linear" and times[-1] < duration_ns:
            allowed = f"a last point at {format_duration(duration_ns)} or later, or `interpolate: step`"
            yield Fault(("points", len(times) - 1, 0), "a linear path ends before the run", allowed)

    def prepare(self, *, start_ns: int, duration_ns: int, root: Path) -> PreparedIndex:
        """The levels of its points; see `IndexSpec`."""
        times, prices = [at_ns for at_ns, _ in self.points], [price.amount for _, price in self.points]
        return listed_levels(times, prices, self.interpolate).prepared(self.every, duration_ns)

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        return f"follows a path of {len(self.points)} points ({self.interpolate})"
