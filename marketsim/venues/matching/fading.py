"""How an impact fades: laws g(t) with g(0) = 1, and the memory of impacts that each needs.

docs/theory.md#transient-impact.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from math import fsum
from typing import Annotated, Protocol

import numpy as np

from marketsim.ranges import ABOVE_ZERO, SHARE
from marketsim.spec import Duration, Factor, Fault, Rate, Spec
from marketsim.streams.elementary import left_after, power_
from marketsim.units import format_duration, format_number, format_rate


class Memory(Protocol):
    """Impacts of the past [quote units]."""

    def add(self, now_ns: int, impact: float) -> None:
        """Remember an impact of this instant, which is none before the last one's."""

    def alive(self, now_ns: int) -> float:
        """What is left of all of them."""

    def shrink(self, share: float) -> None:
        """Keep a share of each."""


class ExponentialFadingSpec(Spec):
    """g(t) = permanent + (1 - permanent) 2^(-t / halflife)."""

    halflife: Annotated[Duration, ABOVE_ZERO]
    permanent: Annotated[Rate, SHARE] = Decimal(0)

    def memory(self) -> Memory:
        """No impact yet."""
        return ExponentialMemory(self.halflife, float(self.permanent))

    def words(self) -> str:
        """How it fades, as a part of a sentence."""
        return f"{format_rate(1 - self.permanent)} of it halve every {format_duration(self.halflife)}"


class ExponentialMemory:
    """Two sums: what fades, at an instant, and what stays."""

    def __init__(self, halflife_ns: int, permanent: float) -> None:
        self.halflife_ns, self.permanent = halflife_ns, permanent
        self.fading, self.staying, self.at_ns = 0.0, 0.0, 0

    def add(self, now_ns: int, impact: float) -> None:
        """See `Memory`."""
        self.fading = self._left(now_ns) + (1.0 - self.permanent) * impact
        self.staying += self.permanent * impact
        self.at_ns = now_ns

    def alive(self, now_ns: int) -> float:
        """See `Memory`."""
        return self.staying + self._left(now_ns)

    def shrink(self, share: float) -> None:
        """See `Memory`."""
        self.fading *= share
        self.staying *= share

    def _left(self, now_ns: int) -> float:
        return self.fading * left_after((now_ns - self.at_ns) / self.halflife_ns)


class PowerFadingSpec(Spec):
    """g(t) = permanent + (1 - permanent) (1 + t / tau)^(-gamma)."""

    tau: Annotated[Duration, ABOVE_ZERO]
    gamma: Annotated[Factor, ABOVE_ZERO]
    permanent: Annotated[Rate, SHARE] = Decimal(0)

    def memory(self) -> Memory:
        """No impact yet."""
        return PowerMemory(self.tau, float(self.gamma), float(self.permanent))

    def words(self) -> str:
        """How it fades, as a part of a sentence."""
        law = f"(1 + t / {format_duration(self.tau)})^-{format_number(self.gamma)}"
        return f"{format_rate(1 - self.permanent)} of it fade as {law}"


class PowerMemory:
    """Every impact with its instant: what is left of them takes time in their number."""

    def __init__(self, tau_ns: int, gamma: float, permanent: float) -> None:
        self.tau_ns, self.gamma, self.permanent = tau_ns, gamma, permanent
        self.times_ns: list[int] = []
        self.impacts: list[float] = []

    def add(self, now_ns: int, impact: float) -> None:
        """See `Memory`."""
        self.times_ns.append(now_ns)
        self.impacts.append(impact)

    def alive(self, now_ns: int) -> float:
        """See `Memory`."""
        if not self.impacts:
            return 0.0
        ages = (now_ns - np.array(self.times_ns, np.int64)) / self.tau_ns
        left = self.permanent + (1.0 - self.permanent) * power_(1.0 + ages, -self.gamma)
        return fsum((np.array(self.impacts) * left).tolist())

    def shrink(self, share: float) -> None:
        """See `Memory`."""
        self.impacts = [impact * share for impact in self.impacts]


class FadingSpec(Spec):
    """How an impact fades: one of `exponential` and `power`."""

    exponential: ExponentialFadingSpec | None = None
    power: PowerFadingSpec | None = None

    def faults(self) -> Iterator[Fault]:
        """One law, and not two."""
        if (self.exponential is None) == (self.power is None):
            message = "an impact fades in one way"
            yield Fault((), message, "exponential: {halflife, permanent} or power: {tau, gamma, permanent}")

    @property
    def law(self) -> ExponentialFadingSpec | PowerFadingSpec:
        """The one that is declared."""
        chosen = self.exponential or self.power
        assert chosen is not None
        return chosen
