"""A motion whose variance is a square-root process (Heston 1993, Review of Financial Studies 6)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

import numpy as np

from marketsim.ranges import ABOVE_ZERO, ZERO_OR_MORE, Range
from marketsim.spec import AnnualRate, Factor, Fault
from marketsim.units import format_annual_rate, format_number
from marketsim.venues.index.family import INDICES
from marketsim.venues.index.index_path import Float64Array, Innovations
from marketsim.venues.index.random_index import DiffusionIndexSpec
from marketsim.venues.index.random_path import BLOCK, GrowthLaw, Walk, diffusion

__all__ = ["HestonIndexSpec"]


@INDICES.register
class HestonIndexSpec(DiffusionIndexSpec):
    """A motion whose variance returns to `volatility`^2 and starts there.

    mean_reversion: kappa, how fast variance returns; vol_of_vol: xi; rho: correlation of changes of price and variance.
    """

    kind: Literal["heston"]
    mean_reversion: Annotated[AnnualRate, ABOVE_ZERO] = Decimal(20)
    vol_of_vol: Annotated[AnnualRate, ZERO_OR_MORE] = Decimal(3)
    rho: Annotated[Factor, Range("-1 to 1", least=-1, most=1)] = Decimal("-0.3")

    @property
    def largest_volatility(self) -> float:
        """Its variance eight standard deviations above the mean: sd / mean = xi / sqrt(2 kappa theta) (CIR 1985)."""
        theta = float(self.volatility) ** 2
        spread = float(self.vol_of_vol) ** 2 * theta / (2 * float(self.mean_reversion))
        return math.sqrt(theta + 8 * math.sqrt(spread))

    def faults(self, duration_ns: int) -> Iterator[Fault]:
        """A variance that a step moves beyond where it returns to."""
        yield from super().faults(duration_ns)
        if float(self.mean_reversion) * self.step_years > 1:
            message = "one step takes the variance beyond the one it returns to"
            yield Fault(("mean_reversion",), message, "less, or a shorter `every`")

    def law(self, innovations: Innovations) -> GrowthLaw:
        """A variance of its own in every step."""
        return _Heston(self, innovations)

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        back, xi = format_annual_rate(self.mean_reversion), format_annual_rate(self.vol_of_vol)
        rho = format_number(self.rho)
        return (
            f"{super().sentence()}, whose square itself wanders (reversion {back}, volatility {xi}, correlation {rho})"
        )


class _Heston(GrowthLaw):
    """Full truncation (Lord, Koekkoek & van Dijk 2010, Quantitative Finance 10): v+ = max(v, 0) wherever v is used.

    v(k + 1) = v + kappa (theta - v+) dt + xi sqrt(v+ dt) e(k), e = rho z + sqrt(1 - rho^2) w, v(0) = theta; step k is
    moved by v(k)+ and z(k), the innovation that underlyings share. w is part 1 of the underlying's own stream.
    """

    def __init__(self, spec: HestonIndexSpec, innovations: Innovations) -> None:
        self._innovations = innovations
        self._years, self._drift, self._rho = spec.step_years, float(spec.drift), float(spec.rho)
        self._theta = float(spec.volatility) * float(spec.volatility)
        self._pull = float(spec.mean_reversion) * spec.step_years
        self._shake = float(spec.vol_of_vol) * math.sqrt(spec.step_years)
        self._variance = Walk(self._theta, self._walk)

    def log_increments(self, first: int) -> Float64Array:
        """See `GrowthLaw`."""
        steps = np.arange(first, first + BLOCK)
        variance = np.maximum(self._variance.block(first), 0.0) * self._innovations.activity(steps)
        return diffusion(np.sqrt(variance), self._drift, self._years, self._innovations.correlated(steps))

    def _walk(self, first: int, v: float) -> list[float]:
        steps = np.arange(first, first + BLOCK)
        alone = math.sqrt(1.0 - self._rho * self._rho) * self._innovations.own.normal(0, steps, part=1)
        shocks = (self._rho * self._innovations.correlated(steps) + alone).tolist()
        states = [v]
        for shock in shocks:
            above = v if v > 0.0 else 0.0
            v = v + self._pull * (self._theta - above) + self._shake * math.sqrt(above) * shock
            states.append(v)
        return states
