"""A motion whose volatility comes in clusters: its logarithm is an Ornstein-Uhlenbeck process."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import accumulate
from typing import Annotated, Literal

import numpy as np

from marketsim.ranges import ABOVE_ZERO, Range
from marketsim.spec import Duration, Factor
from marketsim.streams import Stream, exp_
from marketsim.units import NS_PER_SECOND, format_duration, format_number
from marketsim.venues.index.family import INDICES
from marketsim.venues.index.index_path import Float64Array, Innovations
from marketsim.venues.index.random_index import DiffusionIndexSpec
from marketsim.venues.index.random_path import BLOCK, GrowthLaw, Walk, diffusion

__all__ = ["LogOuVolIndexSpec"]


@INDICES.register
class LogOuVolIndexSpec(DiffusionIndexSpec):
    """A motion whose log volatility is an Ornstein-Uhlenbeck process: fat tails and clustering.

    volatility: root mean square of the yearly volatility; log_sd: stationary standard deviation of its logarithm;
    memory: the time in which the logarithm's autocorrelation falls to 1/e.
    """

    kind: Literal["log_ou_vol"]
    log_sd: Annotated[Factor, Range("0 to 2", least=0, most=2)] = Decimal("0.6")
    memory: Annotated[Duration, ABOVE_ZERO] = 3_600 * NS_PER_SECOND

    @property
    def largest_volatility(self) -> float:
        """Three standard deviations of its logarithm above the root mean square."""
        return float(self.volatility) * math.exp(3 * float(self.log_sd))

    def law(self, innovations: Innovations) -> GrowthLaw:
        """A volatility of its own in every step."""
        return _LogOuVol(self, innovations)

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        spread, memory = format_number(self.log_sd), format_duration(self.memory)
        return f"{super().sentence()}, which itself wanders (sd {spread}, memory {memory})"


class _LogOuVol(GrowthLaw):
    def __init__(self, spec: LogOuVolIndexSpec, innovations: Innovations) -> None:
        self._innovations = innovations
        self._volatility = _LogOuVolatility(spec, innovations.own)
        self._drift, self._years = float(spec.drift), spec.step_years

    def log_increments(self, first: int) -> Float64Array:
        """See `GrowthLaw`."""
        steps = np.arange(first, first + BLOCK)
        volatility = self._volatility.block(first) * np.sqrt(self._innovations.activity(steps))
        return diffusion(volatility, self._drift, self._years, self._innovations.correlated(steps))


class _LogOuVolatility:
    """Yearly volatility whose logarithm is an Ornstein-Uhlenbeck process in its stationary state (Scott 1987, JFQA 22).

    y(k + 1) = a y(k) + s sqrt(1 - a^2) e(k), a = exp(-every / memory), s = log_sd, y(0) = s e0; and volatility(k) =
    rms exp(y(k) - s^2), so that the mean of its square is rms^2 (E exp(2 y) = exp(2 s^2)). Step k is moved by
    volatility(k), which e(k) does not enter. e is part 1 and e0 part 2 of the underlying's own stream: no leverage
    effect, and no correlation between the volatilities of two underlyings.
    """

    def __init__(self, spec: LogOuVolIndexSpec, own: Stream) -> None:
        self._own = own
        self._rms = float(spec.volatility)
        log_sd = float(spec.log_sd)
        self._shift = log_sd * log_sd
        self._keep = float(exp_(-(spec.every / spec.memory)))
        self._renew = log_sd * math.sqrt(1.0 - self._keep * self._keep)
        self._logarithm = Walk(log_sd * float(own.normal(0, 0, part=2)), self._walk)

    def block(self, first: int) -> Float64Array:
        """Volatility a year in the steps of a block."""
        return np.asarray(self._rms * exp_(self._logarithm.block(first) - self._shift), np.float64)

    def _walk(self, first: int, y: float) -> list[float]:
        """The logarithm's deviation at each step of a block, and at the first step after it."""
        keep = self._keep
        shocks = self._renew * self._own.normal(0, np.arange(first, first + BLOCK), part=1)
        return list(accumulate(shocks.tolist(), lambda y, shock: keep * y + shock, initial=y))
