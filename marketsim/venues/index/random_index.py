"""What the kinds of index share that grow at random from a price."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt

from marketsim.ranges import ABOVE_ZERO, ANY, ZERO_OR_MORE
from marketsim.season import FLAT, Season
from marketsim.spec import OMITTED_AT_DEFAULT, AnnualRate, Fault, MoneyAmount
from marketsim.units import format_annual_rate, format_money
from marketsim.venues.index.family import IndexSpec
from marketsim.venues.index.index_path import Float64Array, IndexPath, Innovations, JumpFactors, PreparedIndex
from marketsim.venues.index.listed_path import price_faults
from marketsim.venues.index.random_path import YEAR_NS, GrowthLaw, RandomIndexPath

__all__ = ["DEVIATIONS", "DiffusionIndexSpec", "RandomIndexSpec"]

_LARGEST_STEP = 1.0  # a hundred percent in one step; beyond it a path leaves float64 sooner or later
_LARGEST_LOGARITHM = 700.0  # what float64 holds

DEVIATIONS = 8.0
"""Standard deviations of the logarithm about its drift: how far a path may plausibly get."""


class RandomIndexSpec(IndexSpec):
    """A motion from `price` in steps of `every`; season: how its variance goes by the UTC hour of the day."""

    price: Annotated[MoneyAmount, ABOVE_ZERO]
    season: Annotated[Season, OMITTED_AT_DEFAULT] = FLAT

    is_random = True

    def law(self, innovations: Innovations) -> GrowthLaw:
        """How it moves in one replication."""
        raise NotImplementedError

    def largest_step(self) -> Iterator[tuple[str, float]]:
        """Keys that make a step large, each with how large [in the logarithm]; what is above 1 is refused."""
        raise NotImplementedError

    def plausible_growth(self, years: float) -> tuple[float, float]:
        """Lowest and highest change of the logarithm that is plausible in so many years."""
        raise NotImplementedError

    @property
    def price_currency(self) -> str:
        """That of `price`."""
        return self.price.currency

    @property
    def step_years(self) -> float:
        """Length of a step [years]."""
        return self.every / YEAR_NS

    @property
    def busiest(self) -> float:
        """Volatility of the busiest hour over the root mean square of the day."""
        return math.sqrt(max(self.season.weights))

    def season_words(self) -> str:
        """How its variance goes by the hour; see `IndexSpec`."""
        return "" if self.season.is_flat else f", its variance by the UTC hour of the day ({self.season.words()})"

    def faults(self, duration_ns: int) -> Iterator[Fault]:
        """A step that may leave float64; a price with too many digits; a day without a moving hour."""
        yield from price_faults(self.price.amount, "price")
        yield from (fault.below("season") for fault in self.season.faults())
        for key, step in self.largest_step():
            if step > _LARGEST_STEP:
                yield Fault((key,), "one step moves the index by more than 100%", "less, or a shorter `every`")

    def prepare(self, *, start_ns: int, duration_ns: int, root: Path) -> PreparedIndex:
        """Nothing is outside; see `IndexSpec`."""
        opening, (low, high) = float(self.price.amount), self.plausible_growth(duration_ns / YEAR_NS)
        lowest, highest = math.exp(max(low, -_LARGEST_LOGARITHM)), math.exp(min(high, _LARGEST_LOGARITHM))
        return PreparedIndex(self.price.amount, opening * lowest, opening * highest, partial(self._path, start_ns))

    def _path(self, start_ns: int, innovations: Innovations, jump_factors: JumpFactors) -> IndexPath:
        if not self.season.is_flat:
            innovations = replace(innovations, activity=partial(self._activity, start_ns))
        return RandomIndexPath(self.price.amount, self.every, self.law(innovations), jump_factors)

    def _activity(self, start_ns: int, steps: npt.NDArray[np.int64]) -> Float64Array:
        """Variance of the steps over its mean: step k is what happens from (k - 1) x every to k x every."""
        return self.season.means(start_ns, (steps - 1) * self.every, self.every)


class DiffusionIndexSpec(RandomIndexSpec):
    """A random motion with one `volatility`, the root mean square a year, and the `drift` of its expected level."""

    volatility: Annotated[AnnualRate, ZERO_OR_MORE]
    drift: Annotated[AnnualRate, ANY] = Decimal(0)

    @property
    def largest_volatility(self) -> float:
        """The yearly volatility that bounds of what it may reach go by."""
        return float(self.volatility)

    @property
    def stated_volatility(self) -> Decimal | None:
        """Its volatility."""
        return self.volatility

    def largest_step(self) -> Iterator[tuple[str, float]]:
        """One standard deviation, and the drift."""
        yield "volatility", self.busiest * float(self.volatility) * math.sqrt(self.step_years)
        yield "drift", abs(float(self.drift)) * self.step_years

    def plausible_growth(self, years: float) -> tuple[float, float]:
        """Eight standard deviations about the drift."""
        volatility, drift = self.busiest * self.largest_volatility, float(self.drift) * years
        spread = min(DEVIATIONS * volatility * math.sqrt(years), 600.0)
        return min(drift - volatility**2 / 2 * years, 0.0) - spread, max(drift, 0.0) + spread

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        volatility = format_annual_rate(self.volatility)
        return f"starts at {format_money(self.price)} and wanders with a volatility of {volatility}"
