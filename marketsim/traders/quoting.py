"""How makers that learn quote: who is fast, large or careful, when they look again, rest a side, leave and return."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

import numpy as np

from marketsim.ranges import ABOVE_ZERO, ONE_OR_MORE, PART, SHARE, ZERO_OR_MORE, Range
from marketsim.spec import (
    Distribution,
    Duration,
    DurationDistribution,
    Factor,
    Fault,
    Flag,
    MoneyAmount,
    Rate,
    Spec,
    distribution_words,
)
from marketsim.streams import quantile_table
from marketsim.streams.elementary import exp_, left_after, power_
from marketsim.streams.normal import normal_quantile
from marketsim.traders.rule import TABLE, GroupTerms, middle_quantiles
from marketsim.units import NS_PER_SECOND, format_money, format_number, format_rate

_MEMORY = Range("1s to 1h", least=NS_PER_SECOND, most=3_600 * NS_PER_SECOND)
_DRIFT = Range("0 to 2", least=0, most=2)
_DRIFT_EVERY_NS = 60 * NS_PER_SECOND
EXPONENTIAL_RANGE, EXPONENTIAL_EACH = 4, 32  # of the kernel's table of exponentials: from -4 to 4, entries to one


def _duration(kind: str, **parameters: Any) -> Distribution:
    return Distribution(kind, parameters, "ns", "duration")


class LevelSpec(Spec):
    """One level of a ladder: how far from the fair value, and of what size."""

    distance: Annotated[Rate, PART]
    size: Annotated[MoneyAmount, ABOVE_ZERO]


class MakerClassSpec(Spec):
    """A share of a group's makers: latency, size and distance are times the group's; who `stays` never withdraws."""

    share: Annotated[Rate, SHARE]
    latency: Annotated[Factor, ZERO_OR_MORE] = Decimal(1)
    size: Annotated[Factor, ABOVE_ZERO] = Decimal(1)
    distance: Annotated[Factor, ABOVE_ZERO] = Decimal(1)
    stays: Flag = False


CLASSES = (
    MakerClassSpec(share=Decimal("0.25"), latency=Decimal("0.0625"), size=Decimal("0.5")),
    MakerClassSpec(share=Decimal("0.5"), distance=Decimal("1.2")),
    MakerClassSpec(
        share=Decimal("0.25"), latency=Decimal("7.5"), size=Decimal("1.5"), distance=Decimal("1.8"), stays=True
    ),
)
"""Fast and small, medium, slow and large; the slow ones widen and never leave."""


class WithdrawSpec(Spec):
    """A maker takes all quotes away above `above` and returns below `back`: volatility over its mean of the day so far.

    Volatility is of the view, by each maker's own memory. spread: thresholds lie between these and so many times these,
    one for each maker. absence: how long it stays away at least.
    """

    above: Annotated[Factor, ABOVE_ZERO]
    back: Annotated[Factor, ABOVE_ZERO]
    spread: Annotated[Factor, ONE_OR_MORE] = Decimal(2)
    absence: DurationDistribution = _duration("lognormal", median=120 * NS_PER_SECOND, sigma=Decimal("1.2"))

    def faults(self) -> Iterator[Fault]:
        """A threshold of return that is none."""
        if self.back >= self.above:
            yield Fault(("back",), "makers would return before they leave", f"below {format_number(self.above)}")

    def sentence(self) -> str:
        """When they leave and return, in words."""
        times = f", up to {format_number(self.spread)} times that for some" if self.spread > 1 else ""
        return (
            f"They take all quotes away when volatility is above {format_number(self.above)} times its mean of the day"
            f"{times}, and return below {format_number(self.back)} times, "
            f"not before {distribution_words(self.absence)}."
        )


class RestSpec(Spec):
    """After an order above `above` a `share` of makers rests the side hit, `within` of the price, for a `time`."""

    above: Annotated[MoneyAmount, ABOVE_ZERO]
    share: Annotated[Rate, SHARE] = Decimal("0.5")
    within: Annotated[Rate, PART] = Decimal("0.0003")
    time: DurationDistribution = _duration("lognormal", median=NS_PER_SECOND, sigma=Decimal(1))

    def sentence(self) -> str:
        """Who rests, in words."""
        return (
            f"After an order above {format_money(self.above)}, {format_rate(self.share)} of them rest the side hit "
            f"within {format_rate(self.within)} of the price for {distribution_words(self.time)}."
        )


class QuotingSpec(Spec):
    """How a group of makers differs and adapts.

    classes: of makers. memory: half-life of a maker's own volatility; memories are spread over `memory_spread` times
    that, from its root below to its root above. trigger: share of its half-spread that the view may move before it
    quotes anew. relative: share of the volatility that counts against the last hour's and not as it is; steep:
    half-spread in bp by bp of 1-minute volatility beyond three times the usual; widest: how many times its calm
    distance at most. thinning: how much of its size goes with the root of that. drift: standard deviation of the
    logarithm of its sizes, which wander with `drift_memory`. most_skew: that inventory shifts quotes by, at most. rest:
    after large orders. least_equity: share of its capital below which a maker quotes nothing.
    """

    classes: tuple[MakerClassSpec, ...] = CLASSES
    memory: Annotated[Duration, _MEMORY] = 8 * NS_PER_SECOND
    memory_spread: Annotated[Factor, ONE_OR_MORE] = Decimal(8)
    trigger: Annotated[Factor, ZERO_OR_MORE] = Decimal("0.3")
    relative: Annotated[Rate, SHARE] = Decimal(0)
    steep: Annotated[Factor, ZERO_OR_MORE] = Decimal(0)
    widest: Annotated[Factor, ONE_OR_MORE] = Decimal(20)
    thinning: Annotated[Rate, SHARE] = Decimal(0)
    drift: Annotated[Factor, _DRIFT] = Decimal(0)
    drift_memory: Annotated[Duration, ABOVE_ZERO] = 3_600 * NS_PER_SECOND
    most_skew: Annotated[Rate, PART] = Decimal("0.0015")
    rest: RestSpec | None = None
    least_equity: Annotated[Rate, SHARE] = Decimal(0)

    def faults(self) -> Iterator[Fault]:
        """Classes that are not all makers."""
        if sum(each.share for each in self.classes) != 1:
            yield Fault(("classes",), "the classes are not all makers", "shares that sum to 100%")

    def sentence(self) -> str:
        """How they differ and adapt, in words; what is off is left out."""
        parts = (
            [f"They are of {len(self.classes)} classes of speed, size and distance."] if len(self.classes) > 1 else []
        )
        parts += [self.rest.sentence()] if self.rest is not None and self.rest.share else []
        if self.least_equity:
            parts.append(f"Below {format_rate(self.least_equity)} of their capital they quote nothing.")
        return " ".join(parts)

    def of_makers(self, count: int) -> np.ndarray[Any, Any]:
        """The number of each maker's class, shape (count,): in order, shares rounded so that all makers have one."""
        ends = np.cumsum([float(each.share) for each in self.classes])
        return np.minimum(np.searchsorted(ends, (np.arange(count) + 0.5) / max(count, 1)), len(self.classes) - 1)

    def makers(
        self, count: int, terms: GroupTerms, withdraw: WithdrawSpec | None, usual: float, step_ns: int
    ) -> dict[str, Any]:
        """What each maker has of its own, by names of the kernel's record; usual: volatility per root of a second."""
        who, chosen = np.arange(count), self.of_makers(count)
        classes = [self.classes[k] for k in chosen]
        memory = float(self.memory) * _powers(float(self.memory_spread), terms.draws("memory").uniform(who, 0) - 0.5)
        fields = {
            "latency_factor": np.array([float(each.latency) for each in classes]),
            "size_factor": np.array([float(each.size) for each in classes]),
            "weight": np.array([1.0 - left_after(step_ns / float(each)) for each in memory]),
            "variance": usual * usual,
            "drift": float(self.drift) * terms.draws("drift").normal(who, 0),
        }
        if withdraw is not None:
            spread = _powers(float(withdraw.spread), terms.draws("threshold").uniform(who, 0))
            leaves = np.array([not each.stays for each in classes])
            fields |= {"above": float(withdraw.above) * spread * leaves, "back": float(withdraw.back) * spread}
        return fields

    def parameters(self, terms: GroupTerms, withdraw: WithdrawSpec | None, step_ns: int) -> dict[str, Any]:
        """The numbers of the kernel's rule that stand here."""
        rest = self.rest
        steps = max(1, _DRIFT_EVERY_NS // step_ns)
        kept = left_after(steps * step_ns / self.drift_memory)
        entries = np.arange(2 * EXPONENTIAL_RANGE * EXPONENTIAL_EACH + 1) / EXPONENTIAL_EACH - EXPONENTIAL_RANGE
        nothing = np.zeros(TABLE, np.int64)
        return {
            "most_skew": float(self.most_skew),
            "least_equity": float(self.least_equity),
            "trigger": float(self.trigger),
            "relative": float(self.relative),
            "steep": float(self.steep),
            "widest": float(self.widest),
            "thinning": float(self.thinning),
            "drift_steps": steps if self.drift else 0,
            "drift_kept": kept,
            "drift_shock": float(self.drift) * float(np.sqrt(1.0 - kept * kept)),
            "normal_table": normal_quantile(middle_quantiles()),
            "exponential_table": exp_(entries),
            "large_ticklots": 0.0 if rest is None else terms.ticklots(rest.above),
            "rest_share": 0.0 if rest is None else float(rest.share),
            "rest_within": 0.0 if rest is None else float(rest.within),
            "rest_table": nothing if rest is None else times_of(rest.time),
            "absence_table": nothing if withdraw is None else times_of(withdraw.absence),
        }


def times_of(law: Distribution) -> np.ndarray[Any, Any]:
    """Quantiles of a law of durations, in whole nanoseconds, shape (4096,)."""
    return np.rint(quantile_table(law, TABLE)).astype(np.int64)


def _powers(base: float, exponents: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """One base to many powers."""
    return np.array([float(power_(base, exponent)) for exponent in exponents])
