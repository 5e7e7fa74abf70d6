"""The clock a group of traders wakes by: Poisson, or excited by its own past wake-ups."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from marketsim.ranges import Range
from marketsim.season import HOUR_NS, HOURS, SeasonSpec
from marketsim.spec import Duration, Factor, Fault, Spec
from marketsim.streams import LN2, power_
from marketsim.units import NS_PER_SECOND, format_duration, format_number

__all__ = ["POISSON", "ClockSpec", "HawkesClockSpec", "PoissonClockSpec", "clock_record"]

_FADING = Range("1ms to 1d", least=NS_PER_SECOND // 1_000, most=HOURS * HOUR_NS)
_RATIO = 5
"""Half-lives of a power law are at most so many times their neighbour: its sum waves about the power law by 3 %."""

_MOST_RATIO = _RATIO**11


class PoissonClockSpec(Spec):
    """Wake-ups that do not depend on each other."""

    kind: Literal["poisson"]

    @property
    def baseline_share(self) -> float:
        """Share of the mean rate that nothing excites."""
        return 1.0

    def faults(self) -> Iterator[Fault]:
        """None."""
        return iter(())

    def kernel(self) -> list[tuple[float, float]]:
        """The exponentials by which a wake-up excites later ones: (how many each excites, half-life [ns])."""
        return []

    def words(self) -> str:
        """How wake-ups come in bursts, as the rest of a sentence; "" where they do not."""
        return ""


class PowerLawSpec(Spec):
    """An excitation that falls with time to the power -`exponent`, between `from` and `to`.

    It is a sum of exponentials whose half-lives grow in equal proportions, at most fivefold, from the one to the other.
    """

    exponent: Annotated[Factor, Range("0 to 3", least=0, most=3)]
    from_: Annotated[Duration, _FADING] = Field(alias="from")
    to: Annotated[Duration, _FADING]

    def shares(self) -> list[tuple[float, float]]:
        """The exponentials: (share of the excitation, half-life [ns]).

        A half-life h has the share h^(1 - exponent) over the sum of all: heights h^-exponent make t^-exponent
        (Hardiman, Bercot & Bouchaud 2013, Eur. Phys. J. B 86, appendix; Bochud & Challet 2007, Quantitative Finance 7).
        """
        steps = 1
        while self.from_ * _RATIO**steps < self.to:
            steps += 1
        growth = float(power_(self.to / self.from_, 1 / steps))
        half_lives = [self.from_ * float(power_(growth, float(k))) for k in range(steps + 1)]
        heights = [float(power_(half_life / self.from_, 1.0 - float(self.exponent))) for half_life in half_lives]
        total = sum(heights)
        return [(height / total, half_life) for height, half_life in zip(heights, half_lives, strict=True)]


class HawkesClockSpec(Spec):
    """Wake-ups of which each excites `branching` later ones on average, soon (`halflife`) or by a `power_law`.

    The group's mean rate stays count x rate: 1 - `branching` of its wake-ups are excited by none (Hawkes 1971,
    Biometrika 58). Only the group's own past wake-ups count, never the market.
    """

    kind: Literal["hawkes"]
    branching: Annotated[Factor, Range("0 to 0.99", least=0, most=Decimal("0.99"))]
    halflife: Annotated[Duration | None, _FADING] = None
    power_law: PowerLawSpec | None = None

    @property
    def baseline_share(self) -> float:
        """Share of the mean rate that nothing excites."""
        return 1.0 - float(self.branching)

    def faults(self) -> Iterator[Fault]:
        """Not one shape; a power law that ends before it begins, or that spans too much."""
        if (self.halflife is None) == (self.power_law is None):
            allowed = "`halflife`, or `power_law: {exponent, from, to}`"
            yield Fault((), "an excitation fades in one way", allowed)
        law = self.power_law
        if law is not None and not law.from_ < law.to <= law.from_ * _MOST_RATIO:
            longest = format_duration(min(law.from_ * _MOST_RATIO, HOURS * HOUR_NS))
            message = "a power law goes from a shorter time to a longer one"
            yield Fault(("power_law", "to"), message, f"more than {format_duration(law.from_)}, at most {longest}")

    def kernel(self) -> list[tuple[float, float]]:
        """The exponentials by which a wake-up excites later ones: (how many each excites, half-life [ns])."""
        shares = [(1.0, float(self.halflife))] if self.halflife is not None else []
        shares = self.power_law.shares() if self.power_law is not None else shares
        return [(float(self.branching) * share, half_life) for share, half_life in shares]

    def words(self) -> str:
        """How wake-ups come in bursts, as the rest of a sentence."""
        law = self.power_law
        if law is None:
            fades = f"half of them within {format_duration(self.halflife or 0)}"
        else:
            span = f"from {format_duration(law.from_)} to {format_duration(law.to)}"
            fades = f"by a power law of exponent {format_number(law.exponent)} {span}"
        return f" in bursts, each exciting {format_number(self.branching)} more, {fades}"


ClockSpec = Annotated[PoissonClockSpec | HawkesClockSpec, Field(discriminator="kind")]
POISSON = PoissonClockSpec(kind="poisson")


def clock_record(
    clock: PoissonClockSpec | HawkesClockSpec, season: SeasonSpec, mean_gap_ns: float, start_ns: int
) -> dict[str, Any]:
    """The clock as fields of the kernel's group; a Poisson clock by which all hours are alike has its mean gap alone.

    mean_gap_ns: of the whole group, 0 for one that never wakes; start_ns: of the run [ns since 1970]. Excitations start
    at their mean in the run's first hour, so that the rate is the mean one from the start.
    """
    exponentials = clock.kernel()
    if not mean_gap_ns or (not exponentials and season.is_flat):
        return {"mean_gap_ns": mean_gap_ns}
    hour, passed_ns = divmod(start_ns % (HOURS * HOUR_NS), HOUR_NS)
    weights = season.weights
    return {
        "mean_gap_ns": mean_gap_ns,
        "is_thinned": 1,
        "baseline_per_ns": clock.baseline_share / mean_gap_ns,
        "hour": hour,
        "hour_weight": weights[hour],
        "hour_ends_ns": HOUR_NS - passed_ns,
        "hour_weights": np.array(weights),
        "excitations": _excitations(exponentials, weights[hour] / mean_gap_ns),
    }


def _excitations(exponentials: list[tuple[float, float]], rate_per_ns: float) -> NDArray[np.float64]:
    """The kernel's records, a row each (n, 3): wake-ups per ns excited now, added by one wake-up; half-lives per ns.

    One that excites n wake-ups with half-life h jumps by n ln 2 / h, and is n x rate on average.
    """
    rows = [(n * rate_per_ns, n * LN2 / half_life, 1.0 / half_life) for n, half_life in exponentials]
    return np.array(rows, np.float64).reshape(-1, 3)
