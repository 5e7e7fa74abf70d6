"""A geometric motion with jumps (Merton 1976, J. Financial Economics 3)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

import numpy as np

from marketsim.ranges import ANY, ZERO_OR_MORE
from marketsim.spec import EventRate, Fault, Rate
from marketsim.streams import exp_
from marketsim.units import NS_PER_SECOND, format_event_rate, format_rate
from marketsim.venues.index.family import INDICES
from marketsim.venues.index.index_path import Float64Array, Innovations
from marketsim.venues.index.random_index import DEVIATIONS, DiffusionIndexSpec
from marketsim.venues.index.random_path import BLOCK, YEAR_NS, GrowthLaw, diffusion

__all__ = ["JumpDiffusionIndexSpec"]

_YEAR_S = YEAR_NS // NS_PER_SECOND
_MOST_JUMPS_A_STEP = 10  # on average; far more would be no jumps but a diffusion


@INDICES.register
class JumpDiffusionIndexSpec(DiffusionIndexSpec):
    """A geometric motion with jumps at random times, which `volatility` includes.

    jump_rate: how often; jump_mean, jump_sd: mean and standard deviation of a jump of the logarithm, which is normal.
    """

    kind: Literal["jump_diffusion"]
    jump_rate: Annotated[EventRate, ZERO_OR_MORE]
    jump_mean: Annotated[Rate, ANY] = Decimal(0)
    jump_sd: Annotated[Rate, ZERO_OR_MORE] = Decimal("0.01")

    @property
    def jumps_per_step(self) -> float:
        """Mean number of jumps in a step."""
        return float(self.jump_rate * self.every / NS_PER_SECOND)

    @property
    def jump_variance(self) -> float:
        """Variance a year that jumps bring: rate (mean^2 + sd^2)."""
        mean, sd = float(self.jump_mean), float(self.jump_sd)
        return float(self.jump_rate) * _YEAR_S * (mean * mean + sd * sd)

    @property
    def quiet_variance(self) -> float:
        """Variance a year that is left for the diffusion; below zero where there is none."""
        return float(self.volatility) * float(self.volatility) - self.jump_variance

    def faults(self, duration_ns: int) -> Iterator[Fault]:
        """Jumps that bring more variance than there is, or that come all the time."""
        yield from super().faults(duration_ns)
        if self.quiet_variance < 0:
            allowed = (
                f"a volatility of {math.sqrt(self.jump_variance) * 100:.6g}%/yr or more, or fewer or smaller jumps"
            )
            yield Fault(("volatility",), "the jumps alone are more volatile than this", allowed)
        if self.jumps_per_step > _MOST_JUMPS_A_STEP:
            message = "more jumps in a step than can be told from a diffusion"
            yield Fault(("jump_rate",), message, f"at most {_MOST_JUMPS_A_STEP} a step")

    def largest_step(self) -> Iterator[tuple[str, float]]:
        """Also one jump."""
        yield from super().largest_step()
        yield "jump_mean", abs(float(self.jump_mean))
        yield "jump_sd", float(self.jump_sd)

    def plausible_growth(self, years: float) -> tuple[float, float]:
        """Also one jump, eight standard deviations from its mean: in a short run there is perhaps just one."""
        low, high = super().plausible_growth(years)
        jump = abs(float(self.jump_mean)) + DEVIATIONS * float(self.jump_sd) if self.jump_rate else 0.0
        return low - jump, high + jump

    def law(self, innovations: Innovations) -> GrowthLaw:
        """A diffusion and jumps, independent of each other."""
        return _JumpDiffusion(self, innovations)

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        size = f"{format_rate(self.jump_mean)}, sd {format_rate(self.jump_sd)}"
        return f"{super().sentence()}, its jumps included: {format_event_rate(self.jump_rate)}, {size} each"


class _JumpDiffusion(GrowthLaw):
    """Log increment: (mu - s^2/2 - l k) dt + s sqrt(dt) z + the jumps of the step, k = exp(mean + sd^2/2) - 1.

    s^2 = volatility^2 - l (mean^2 + sd^2), l the jumps a year. A step has N jumps, Poisson with mean l dt, from part 1
    of the underlying's own stream; their sum is N mean + sqrt(N) sd y, y from part 2. So the expected level grows with
    mu alone (Merton 1976, equation 1).
    """

    def __init__(self, spec: JumpDiffusionIndexSpec, innovations: Innovations) -> None:
        self._innovations = innovations
        self._years, self._rate = spec.step_years, spec.jumps_per_step
        self._mean, self._sd = float(spec.jump_mean), float(spec.jump_sd)
        self._volatility = math.sqrt(spec.quiet_variance)
        growth = float(exp_(self._mean + 0.5 * self._sd * self._sd)) - 1.0
        self._drift, self._drift_of_jumps = float(spec.drift), (self._rate / self._years) * growth

    def log_increments(self, first: int) -> Float64Array:
        """See `GrowthLaw`."""
        steps, own = np.arange(first, first + BLOCK), self._innovations.own
        activity = self._innovations.activity(steps)
        drift, volatility = self._drift - self._drift_of_jumps * activity, self._volatility * np.sqrt(activity)
        quiet = diffusion(volatility, drift, self._years, self._innovations.correlated(steps))
        jumps = _poisson(own.uniform(0, steps, part=1), self._rate * activity)
        return quiet + (jumps * self._mean + np.sqrt(jumps) * (self._sd * own.normal(0, steps, part=2)))


def _poisson(uniform: Float64Array, mean: Float64Array) -> Float64Array:
    """Poisson counts by inversion: the number of k with P(N <= k) <= u, P summed upwards from exp(-mean)."""
    counts = np.zeros(len(uniform))
    term = exp_(-mean)
    below = term.copy()
    k = 0
    while bool(np.any((uniform >= below) & (term > 0.0))):
        counts += (uniform >= below) & (term > 0.0)
        k += 1
        term *= mean / k
        below += term
    return counts
