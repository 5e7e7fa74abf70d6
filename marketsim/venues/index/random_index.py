"""What the kinds of index share that grow at random from a price."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from marketsim.ranges import ABOVE_ZERO, ANY, ZERO_OR_MORE
from marketsim.spec import AnnualRate, Fault, MoneyAmount
from marketsim.units import format_annual_rate, format_money
from marketsim.venues.index.family import IndexSpec
from marketsim.venues.index.index_path import IndexPath, Innovations, JumpFactors, PreparedIndex
from marketsim.venues.index.listed_path import price_faults
from marketsim.venues.index.random_path import YEAR_NS, GrowthLaw, RandomIndexPath

__all__ = ["RandomIndexSpec"]

_LARGEST_STEP = 1.0  # a hundred percent in one step; beyond it a path leaves float64 sooner or later
_DEVIATIONS = 8.0  # of the logarithm about its drift: how far a path may plausibly get


class RandomIndexSpec(IndexSpec):
    """A motion from `price` in steps of `every`; `volatility` is the root mean square a year, `drift` of the level."""

    price: Annotated[MoneyAmount, ABOVE_ZERO]
    volatility: Annotated[AnnualRate, ZERO_OR_MORE]
    drift: Annotated[AnnualRate, ANY] = Decimal(0)

    is_random = True

    def law(self, innovations: Innovations) -> GrowthLaw:
        """How it moves in one replication."""
        raise NotImplementedError

    @property
    def largest_volatility(self) -> float:
        """The yearly volatility that bounds of what it may reach go by."""
        return float(self.volatility)

    @property
    def price_currency(self) -> str:
        """That of `price`."""
        return self.price.currency

    @property
    def stated_volatility(self) -> Decimal | None:
        """Its volatility."""
        return self.volatility

    @property
    def step_years(self) -> float:
        """Length of a step [years]."""
        return self.every / YEAR_NS

    def faults(self, duration_ns: int) -> Iterator[Fault]:
        """A step that may leave float64; a price with too many digits."""
        yield from price_faults(self.price.amount, "price")
        step, drift = float(self.volatility) * math.sqrt(self.step_years), abs(float(self.drift)) * self.step_years
        if step > _LARGEST_STEP or drift > _LARGEST_STEP:
            key = "volatility" if step > _LARGEST_STEP else "drift"
            yield Fault((key,), "one step moves the index by more than 100%", "less, or a shorter `every`")

    def prepare(self, *, start_ns: int, duration_ns: int, root: Path) -> PreparedIndex:
        """Nothing is outside; see `IndexSpec`."""
        opening, (low, high) = float(self.price.amount), self._plausible_growth(duration_ns)
        return PreparedIndex(self.price.amount, opening * low, opening * high, self._path)

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        volatility = format_annual_rate(self.volatility)
        return f"starts at {format_money(self.price)} and wanders with a volatility of {volatility}"

    def _path(self, innovations: Innovations, jump_factors: JumpFactors) -> IndexPath:
        return RandomIndexPath(self.price.amount, self.every, self.law(innovations), jump_factors)

    def _plausible_growth(self, duration_ns: int) -> tuple[float, float]:
        """Lowest and highest factor by which it may move in a run."""
        years, volatility = duration_ns / YEAR_NS, self.largest_volatility
        spread = min(_DEVIATIONS * volatility * math.sqrt(years), 600.0)
        drift = float(self.drift) * years
        lowest = max(min(drift - volatility**2 / 2 * years, 0.0) - spread, -700.0)
        return math.exp(lowest), math.exp(min(max(drift, 0.0) + spread, 700.0))
