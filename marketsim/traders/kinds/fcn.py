"""FCN agents: limit orders at a margin from a price that fundamental, chart and noise let them expect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from marketsim.ranges import ABOVE_ZERO, SHARE, ZERO_OR_MORE
from marketsim.spec import (
    Distribution,
    DurationDistribution,
    EventRate,
    Fault,
    KeyPath,
    MoneyAmount,
    NumberDistribution,
    Rate,
    constant,
    distribution_words,
)
from marketsim.streams import draw, lower_end, normal_quantile, upper_end
from marketsim.traders.group import HALF_IN_COIN, TRADERS, MarketSort, Surroundings, TraderGroupSpec, positive_faults
from marketsim.traders.rule import GroupRule, GroupTerms, middle_quantiles
from marketsim.units import NS_PER_DAY, NS_PER_SECOND, format_money, format_rate

_LONGEST = NS_PER_DAY


def _exponential(mean: int) -> Distribution:
    return Distribution("exponential", {"mean": Decimal(mean)}, "1", "number")


def _between(low: int, high: int) -> Distribution:
    return Distribution("uniform", {"lo": low * NS_PER_SECOND, "hi": high * NS_PER_SECOND}, "ns", "duration")


@TRADERS.register
class FcnSpec(TraderGroupSpec):
    """Agents of Chiarella and Iori as PAMS has them: weights on fundamental, chart and noise make an expected return.

    Over its `window` T each expects the log return (f T / `reversion` ln(index / price) + c ln(price / price T ago) +
    n T `noise_scale` z) / (f + c + n): T in seconds at the noise scale, z standard normal. It bids or offers `size`
    (whole lots at the index) at the price that comes of it, a part `margin` better for itself, for as long as T.
    Weights, reversion, window and margin are drawn once for each.
    """

    market_sorts: ClassVar[tuple[MarketSort, ...]] = ("perpetual", "spot")
    on_spot: ClassVar[Mapping[str, Any]] = {"start": HALF_IN_COIN}

    kind: Literal["fcn"]
    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(36, 3_600)
    size: Annotated[MoneyAmount, ABOVE_ZERO]
    fundamental: NumberDistribution = _exponential(1)
    chart: NumberDistribution = constant(Decimal(0), "number")
    noise: NumberDistribution = _exponential(1)
    reversion: DurationDistribution = _between(50, 100)
    window: DurationDistribution = _between(100, 200)
    noise_scale: Annotated[Rate, SHARE] = Decimal("0.001")
    margin: NumberDistribution = Distribution("uniform", {"lo": Decimal(0), "hi": Decimal("0.1")}, "1", "number")

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the market."""
        yield from super().faults(around)
        weights = {"fundamental": self.fundamental, "chart": self.chart, "noise": self.noise}
        for key, law in weights.items():
            if lower_end(law) < 0:
                yield Fault((key,), "a weight below zero", "a number of zero or more, or a law of such numbers")
        if all(law == constant(Decimal(0), "number") for law in weights.values()):
            yield Fault(("noise",), "these agents expect nothing", "a weight above zero here, or of the two others")
        for key, law in (("reversion", self.reversion), ("window", self.window)):
            yield from positive_faults((key,), law)
        longest = upper_end(self.window)
        if longest is None or longest > _LONGEST:
            yield Fault(("window",), "this looks farther back than prices are kept", "a law of at most 1d")
        most = upper_end(self.margin)
        if most is None or most >= 1 or lower_end(self.margin) < 0:
            yield Fault(("margin",), "no such part of a price", "a number of 0 to below 1, or a law of such numbers")
        if self.latency != constant(0, "duration"):
            yield Fault(("latency",), "orders of these agents are at the venue at once", "left out", is_key=True)

    def resting_key(self) -> KeyPath | None:
        """Their margin: all they send are limit orders."""
        return ("margin",)

    def longest_lookback_ns(self) -> int:
        """How far back it may look [ns]."""
        return int(upper_end(self.window) or 0)

    def sentence(self) -> str:
        """What each of them does, in words."""
        weights = (distribution_words(law) for law in (self.fundamental, self.chart, self.noise))
        fundamental, chart, noise = (f"(weight {text})" for text in weights)
        return (
            f"They expect a return over a window of their own ({distribution_words(self.window)}): back to the index "
            f"in {distribution_words(self.reversion)} {fundamental}, the past return once more {chart}, and noise of "
            f"{format_rate(self.noise_scale)} a second {noise}. They bid for {format_money(self.size)} below the price "
            f"that comes of it, or offer as much above it, by a part of it ({distribution_words(self.margin)}), and "
            "cancel after the window."
        )

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel's fcn rule takes it (docs/bare-book.md#fcn-agents)."""
        who = np.arange(self.count)
        names = ("fundamental", "chart", "noise", "reversion", "window", "margin")
        drawn = {name: draw(getattr(self, name), terms.draws(name), who) for name in names}
        window_ns = np.maximum(1.0, np.floor(drawn["window"]))
        weights = drawn["fundamental"] + drawn["chart"] + drawn["noise"]
        weights[weights == 0.0] = 1.0  # somebody without any weight expects nothing
        parameters = {
            "size_ticklots": terms.ticklots(self.size),
            "fundamental_table": drawn["fundamental"] / weights * (window_ns / np.maximum(1.0, drawn["reversion"])),
            "chart_table": drawn["chart"] / weights,
            "noise_table": drawn["noise"] / weights * (float(self.noise_scale) * window_ns / NS_PER_SECOND),
            "margin_table": drawn["margin"],
            "window_table": window_ns.astype(np.int64),
            "steps_table": np.maximum(1, np.floor(window_ns / terms.mark_every_ns)).astype(np.int64),
            "normal_table": normal_quantile(middle_quantiles()),
        }
        return GroupRule("fcn", parameters)
