"""A motion whose increments remember the one before: an autoregression of the first order."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Annotated, Literal

import numpy as np

from marketsim.ranges import Range
from marketsim.spec import Factor
from marketsim.units import format_number
from marketsim.venues.index.family import INDICES
from marketsim.venues.index.index_path import Float64Array, Innovations
from marketsim.venues.index.random_index import DiffusionIndexSpec
from marketsim.venues.index.random_path import BLOCK, GrowthLaw, Walk

__all__ = ["Ar1IndexSpec"]


@INDICES.register
class Ar1IndexSpec(DiffusionIndexSpec):
    """A motion whose steps continue (`autocorrelation` above zero) or take back (below) a part of the one before.

    volatility: of single steps, as a yearly one; over many steps it is sqrt((1 + a) / (1 - a)) times that.
    """

    kind: Literal["ar1"]
    autocorrelation: Annotated[Factor, Range("above -1, below 1", above=-1, below=1)]

    @property
    def largest_volatility(self) -> float:
        """That of many steps, if it is the larger one."""
        return float(self.volatility) * max(self.stretch, 1.0)

    @property
    def stretch(self) -> float:
        """Volatility over many steps over that of one: sqrt((1 + a) / (1 - a))."""
        return math.sqrt((1 + float(self.autocorrelation)) / (1 - float(self.autocorrelation)))

    def law(self, innovations: Innovations) -> GrowthLaw:
        """Increments, each a part of the one before and an innovation."""
        return _Autoregression(self, innovations)

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        return (
            f"{super().sentence()}, each step with a correlation of {format_number(self.autocorrelation)} to the last"
        )


class _Autoregression(GrowthLaw):
    """r(k) = m + d(k), d(k) = a d(k - 1) + sqrt(1 - a^2) s z(k), s = volatility sqrt(dt), d(0) = s z(0).

    So a step has variance s^2 from the first one on, and two steps n apart correlation a^n (Box & Jenkins 1970, Time
    Series Analysis, 3.2). m = (drift - long-run variance / 2) dt: over many steps the expected level grows with drift.
    """

    def __init__(self, spec: Ar1IndexSpec, innovations: Innovations) -> None:
        self._innovations = innovations
        self._keep = float(spec.autocorrelation)
        self._sd = float(spec.volatility) * math.sqrt(spec.step_years)
        long_run = float(spec.volatility) * spec.stretch
        self._drift, self._variance, self._years = float(spec.drift), 0.5 * (long_run * long_run), spec.step_years
        self._deviation = Walk(0.0, self._walk)

    def log_increments(self, first: int) -> Float64Array:
        """See `GrowthLaw`."""
        activity = self._innovations.activity(np.arange(first, first + BLOCK))
        mean = (self._drift - self._variance * activity) * self._years
        return np.asarray(mean + self._deviation.block_and_next(first)[1:], np.float64)

    def _walk(self, first: int, d: float) -> list[float]:
        """The deviation one step before a block, and in each of its steps."""
        keep, steps = self._keep, np.arange(first, first + BLOCK)
        drawn = self._sd * self._innovations.correlated(steps) * np.sqrt(self._innovations.activity(steps))
        shocks = math.sqrt(1.0 - keep * keep) * drawn
        if first == 0:
            shocks[0] = drawn[0]
        return list(accumulate(shocks.tolist(), lambda d, shock: keep * d + shock, initial=d))
