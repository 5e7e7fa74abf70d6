"""An index that returns to its opening price: its logarithm is an Ornstein-Uhlenbeck process."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Annotated, Literal

import numpy as np

from marketsim.ranges import ABOVE_ZERO
from marketsim.spec import Duration
from marketsim.streams import exp_
from marketsim.units import format_duration
from marketsim.venues.index.family import INDICES
from marketsim.venues.index.index_path import Float64Array, Innovations
from marketsim.venues.index.random_index import DEVIATIONS, DiffusionIndexSpec
from marketsim.venues.index.random_path import BLOCK, YEAR_NS, GrowthLaw, Walk

__all__ = ["OuIndexSpec"]


@INDICES.register
class OuIndexSpec(DiffusionIndexSpec):
    """A motion that returns to `price`, or to where `drift` has taken that: a deviation falls to 1/e in `memory`."""

    kind: Literal["ou"]
    memory: Annotated[Duration, ABOVE_ZERO]

    def plausible_growth(self, years: float) -> tuple[float, float]:
        """Eight standard deviations, of the stationary state at most, about the drift."""
        sd = self.busiest * float(self.volatility) * math.sqrt(min(years, self.memory / YEAR_NS / 2))
        drift = float(self.drift) * years
        return min(drift, 0.0) - DEVIATIONS * sd, max(drift, 0.0) + DEVIATIONS * sd

    def law(self, innovations: Innovations) -> GrowthLaw:
        """The logarithm's deviation, drawn exactly from step to step."""
        return _OrnsteinUhlenbeck(self, innovations)

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        return f"{super().sentence()}, but returns: a deviation falls to 1/e in {format_duration(self.memory)}"


class _OrnsteinUhlenbeck(GrowthLaw):
    """x(k + 1) = a x(k) + s z(k + 1), a = exp(-dt / memory), s^2 = volatility^2 (memory / 2) (1 - a^2), x(0) = 0.

    The increment is x(k) - x(k - 1) + drift dt. The transition is exact, whatever the step (Uhlenbeck & Ornstein 1930,
    Physical Review 36; for the logarithm of a price Schwartz 1997, J. Finance 52, model 1).
    """

    def __init__(self, spec: OuIndexSpec, innovations: Innovations) -> None:
        self._innovations = innovations
        self._drift = float(spec.drift) * spec.step_years
        self._keep = float(exp_(-(spec.every / spec.memory)))
        stationary = float(spec.volatility) * math.sqrt(spec.memory / YEAR_NS / 2.0)
        self._renew = stationary * math.sqrt(1.0 - self._keep * self._keep)
        self._deviation = Walk(0.0, self._walk)

    def log_increments(self, first: int) -> Float64Array:
        """See `GrowthLaw`."""
        return np.diff(self._deviation.block_and_next(first)) + self._drift

    def _walk(self, first: int, x: float) -> list[float]:
        """The deviation one step before a block, and in each of its steps."""
        keep, steps = self._keep, np.arange(first, first + BLOCK)
        shocks = self._renew * self._innovations.correlated(steps) * np.sqrt(self._innovations.activity(steps))
        if first == 0:
            shocks[0] = 0.0
        return list(accumulate(shocks.tolist(), lambda x, shock: keep * x + shock, initial=x))
