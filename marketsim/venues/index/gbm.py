"""Geometric Brownian motion."""

from __future__ import annotations

from typing import Literal

import numpy as np

from marketsim.venues.index.family import INDICES
from marketsim.venues.index.index_path import Float64Array, Innovations
from marketsim.venues.index.random_index import DiffusionIndexSpec
from marketsim.venues.index.random_path import BLOCK, GrowthLaw, diffusion

__all__ = ["GbmIndexSpec"]


@INDICES.register
class GbmIndexSpec(DiffusionIndexSpec):
    """A geometric Brownian motion from `price`, stepped every `every`."""

    kind: Literal["gbm"]

    def law(self, innovations: Innovations) -> GrowthLaw:
        """One volatility for good."""
        return _Gbm(self, innovations)


class _Gbm(GrowthLaw):
    def __init__(self, spec: GbmIndexSpec, innovations: Innovations) -> None:
        self._innovations = innovations
        self._volatility, self._drift, self._years = float(spec.volatility), float(spec.drift), spec.step_years

    def log_increments(self, first: int) -> Float64Array:
        """See `GrowthLaw`."""
        steps = np.arange(first, first + BLOCK)
        volatility = self._volatility * np.sqrt(self._innovations.activity(steps))
        return diffusion(volatility, self._drift, self._years, self._innovations.correlated(steps))
