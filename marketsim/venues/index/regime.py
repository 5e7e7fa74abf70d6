"""A motion that changes between regimes: calm and wild, up and down."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

import numpy as np

from marketsim.ranges import ABOVE_ZERO, ANY, ZERO_OR_MORE
from marketsim.spec import AnnualRate, Duration, Fault, Spec
from marketsim.streams import exp_
from marketsim.units import format_annual_rate, format_duration, format_money
from marketsim.venues.index.family import INDICES
from marketsim.venues.index.index_path import Float64Array, Innovations
from marketsim.venues.index.random_index import DEVIATIONS, RandomIndexSpec
from marketsim.venues.index.random_path import BLOCK, GrowthLaw, Walk, diffusion

__all__ = ["RegimeIndexSpec"]


class RegimeSpec(Spec):
    """One regime: its volatility and drift, and how long it lasts on average."""

    volatility: Annotated[AnnualRate, ZERO_OR_MORE]
    drift: Annotated[AnnualRate, ANY] = Decimal(0)
    lasts: Annotated[Duration, ABOVE_ZERO]


@INDICES.register
class RegimeIndexSpec(RandomIndexSpec):
    """A geometric motion whose volatility and drift are those of the regime it is in; regimes change at random.

    A regime ends at a constant rate, and each of the others is equally likely to follow.
    """

    kind: Literal["regime"]
    regimes: Annotated[tuple[RegimeSpec, ...], ANY]

    @property
    def shares(self) -> list[float]:
        """Share of time spent in each regime: in proportion to how long each lasts."""
        total = sum(regime.lasts for regime in self.regimes)
        return [regime.lasts / total for regime in self.regimes]

    @property
    def stated_volatility(self) -> Decimal | None:
        """Root mean square over the regimes, to six digits."""
        volatilities = [float(regime.volatility) for regime in self.regimes]
        square = sum(share * v * v for share, v in zip(self.shares, volatilities, strict=True))
        return Decimal(f"{math.sqrt(square):.6g}")

    def faults(self, duration_ns: int) -> Iterator[Fault]:
        """Fewer than two regimes; one shorter than a step."""
        yield from super().faults(duration_ns)
        if len(self.regimes) < 2:
            yield Fault(("regimes",), "one regime never changes", "two or more, or kind gbm")
        for i, regime in enumerate(self.regimes):
            if regime.lasts < self.every:
                message = "this regime is over before a step is"
                yield Fault(("regimes", i, "lasts"), message, f"at least {format_duration(self.every)}")

    def largest_step(self) -> Iterator[tuple[str, float]]:
        """Of the wildest regime."""
        for regime in self.regimes:
            yield "regimes", self.busiest * float(regime.volatility) * math.sqrt(self.step_years)
            yield "regimes", abs(float(regime.drift)) * self.step_years

    def plausible_growth(self, years: float) -> tuple[float, float]:
        """Eight standard deviations of the wildest regime, about the drifts furthest apart."""
        volatility = self.busiest * max(float(regime.volatility) for regime in self.regimes)
        drifts = [float(regime.drift) * years for regime in self.regimes]
        spread = DEVIATIONS * volatility * math.sqrt(years)
        return min(*drifts, 0.0) - volatility**2 / 2 * years - spread, max(*drifts, 0.0) + spread

    def law(self, innovations: Innovations) -> GrowthLaw:
        """The regime of every step, and a diffusion in it."""
        return _Regimes(self, innovations)

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        regimes = [
            f"{format_annual_rate(r.volatility)} for {format_duration(r.lasts)}"
            + (f" (drift {format_annual_rate(r.drift)})" if r.drift else "")
            for r in self.regimes
        ]
        return (
            f"starts at {format_money(self.price)} and wanders with a volatility of {' or '.join(regimes)} on average"
        )


class _Regimes(GrowthLaw):
    """A Markov chain of regimes (Hamilton 1989, Econometrica 57), which starts in its stationary state.

    A step leaves regime i with probability 1 - exp(-dt / lasts_i), for each of the others with the same one. Draws:
    parts 1 (each step) and 2 (the first regime) of the underlying's own stream.
    """

    def __init__(self, spec: RegimeIndexSpec, innovations: Innovations) -> None:
        self._innovations, self._years = innovations, spec.step_years
        self._volatilities = np.array([float(regime.volatility) for regime in spec.regimes])
        self._drifts = np.array([float(regime.drift) for regime in spec.regimes])
        self._leave = [1.0 - float(exp_(-(spec.every / regime.lasts))) for regime in spec.regimes]
        first, share = float(innovations.own.uniform(0, 0, part=2)), 0.0
        opening = -1
        while share <= first and opening < len(spec.regimes) - 1:
            opening += 1
            share += spec.shares[opening]
        self._regime = Walk(float(opening), self._walk)

    def log_increments(self, first: int) -> Float64Array:
        """See `GrowthLaw`."""
        regime = self._regime.block(first).astype(np.int64)
        steps = np.arange(first, first + BLOCK)
        volatility = self._volatilities[regime] * np.sqrt(self._innovations.activity(steps))
        still = diffusion(volatility, 0.0, self._years, self._innovations.correlated(steps))
        return still + self._drifts[regime] * self._years

    def _walk(self, first: int, regime: float) -> list[float]:
        """The regime of each step of a block, and of the first step after it."""
        now, others = int(regime), len(self._leave) - 1
        states = [regime]
        for drawn in self._innovations.own.uniform(0, np.arange(first, first + BLOCK), part=1).tolist():
            if drawn < self._leave[now]:
                which = min(int(drawn / self._leave[now] * others), others - 1)
                now = which if which < now else which + 1
            states.append(float(now))
        return states
