"""Levered retail traders: small margin, high leverage, mostly with the last move, out at a target or a stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from marketsim.ranges import ABOVE_ZERO, PART, SHARE, ZERO_OR_MORE, Range
from marketsim.spec import (
    OMITTED_AT_DEFAULT,
    QUOTE,
    Count,
    Distribution,
    Duration,
    EventRate,
    Fault,
    Flag,
    LeverageDistribution,
    MoneyDistribution,
    Rate,
    RateOrNone,
    Spec,
    constant,
    distribution_words,
)
from marketsim.streams import draw
from marketsim.traders.group import TRADERS, Surroundings, TraderGroupSpec, borrowing_faults, positive_faults
from marketsim.traders.rule import UNLIMITED, GroupRule, GroupTerms
from marketsim.units import NS_PER_SECOND, Money, format_duration, format_rate

_LEVERAGE = Distribution("pareto", {"min": Decimal(3), "alpha": Decimal(1), "max": Decimal(100)}, "1", "leverage")


_PROTECTION = 0.005  # how far behind the best price a market order may reach


class MarginCallSpec(Spec):
    """What a trader does when its margin ratio, maintenance margin over equity, is `ratio` or more at a wake-up.

    It brings in the money that takes its leverage back to its own, up to `top_ups` times a position; then it closes.
    """

    ratio: Annotated[Rate, PART]
    top_ups: Annotated[Count, ZERO_OR_MORE] = 3


@TRADERS.register
class RetailSpec(TraderGroupSpec):
    """Puts `margin` at `leverage`, with probability `chase` in the direction of the last `lookback`.

    long_bias: added to the probability of long, whichever way the last move went (less than 0: taken off it); target,
    stop: profit and loss, as shares of margin, at which it closes, or `none`. On a spot market it only buys, and sells
    what it bought; there leverage is 1, and target and stop are as far away in price as at the median leverage of 6 on
    a perpetual (1.5 / 6, 0.9 / 6; decision D30).

    holding: mean time after which it closes whatever the price is; pause: mean time that it stays without a position.
    reopens: whether it brings in new money once its margin is lost. With `start`, no target and no stop it is a
    directional holder, whose positions are the market's open interest.
    """

    on_spot: ClassVar[Mapping[str, Any]] = {
        "leverage": constant(Decimal(1), "leverage"),
        "target": Decimal("0.25"),
        "stop": Decimal("0.15"),
    }

    kind: Literal["retail"]
    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(2, 3_600)
    margin: MoneyDistribution = constant(Money(Decimal(1_000), QUOTE), "money")
    leverage: LeverageDistribution = _LEVERAGE
    chase: Annotated[Rate, SHARE] = Decimal("0.75")
    lookback: Annotated[Duration, ABOVE_ZERO] = 900 * NS_PER_SECOND
    long_bias: Annotated[Rate, Range("-50% to 50%", least=Decimal("-0.5"), most=Decimal("0.5"))] = Decimal("0.05")
    target: Annotated[RateOrNone, ABOVE_ZERO] = Decimal("1.5")
    stop: Annotated[RateOrNone, Range("more than 0%, at most 100%", above=0, most=1)] = Decimal("0.9")
    holding: Annotated[Duration | None, ABOVE_ZERO, OMITTED_AT_DEFAULT] = None
    pause: Annotated[Duration | None, ABOVE_ZERO, OMITTED_AT_DEFAULT] = None
    margin_call: Annotated[MarginCallSpec | None, OMITTED_AT_DEFAULT] = None
    reopens: Annotated[Flag, OMITTED_AT_DEFAULT] = False

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the market."""
        yield from super().faults(around)
        yield from positive_faults(("margin",), self.margin)
        if around.sorts.get(self.market) == "spot":
            yield from borrowing_faults(("leverage",), self.leverage, "leverage in a spot market")
        if around.sorts.get(self.market) in ("spot", "token") and self.margin_call is not None:
            yield Fault(("margin_call",), "nobody has margin in a market without leverage", "left out")
        for key, time in (("holding", self.holding), ("pause", self.pause)):
            if time is not None and self.rate * time < NS_PER_SECOND:
                allowed = "longer than the time between two wake-ups" if self.rate else "left out, or a rate above zero"
                yield Fault((key,), "nobody wakes often enough for this time", allowed)

    def longest_lookback_ns(self) -> int:
        """How far back it may look [ns]."""
        return self.lookback

    def sentence(self) -> str:
        """What each of them does, in words."""
        leaning = ""
        if self.long_bias:
            often = "more" if self.long_bias > 0 else "less"
            leaning = f" ({format_rate(abs(self.long_bias))} {often} often long)"
        text = (
            f"They put {distribution_words(self.margin)} at a leverage of {distribution_words(self.leverage)}, "
            f"{format_rate(self.chase)} of the time in the direction of the last {format_duration(self.lookback)}"
            f"{leaning}{self._exits()}."
        )
        if self.pause is not None:
            text += f" Without a position they wait {format_duration(self.pause)} on average."
        if self.margin_call is not None:
            call = self.margin_call
            text += (
                f" When maintenance margin is {format_rate(call.ratio)} of their equity they bring in what takes their "
                f"leverage back to their own, up to {call.top_ups} times a position, and then close."
            )
        return text + (" Who has lost the margin brings in new money." if self.reopens else "")

    def _exits(self) -> str:
        """When they close, as the end of a sentence."""
        prices = [f"a profit of {format_rate(self.target)}"] if self.target is not None else []
        prices += [f"a loss of {format_rate(self.stop)}"] if self.stop is not None else []
        exits = [f"at {' or '.join(prices)} of it"] if prices else []
        exits += [f"after {format_duration(self.holding)} on average"] if self.holding is not None else []
        return f", and close {', or '.join(exits)}" if exits else ", and hold on"

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel's retail rule takes it (docs/calibration.md#retail)."""
        who = np.arange(self.count)
        call = self.margin_call
        parameters = {
            "target": UNLIMITED if self.target is None else float(self.target),
            "protection": _PROTECTION,
            "stop": UNLIMITED if self.stop is None else float(self.stop),
            "chase_threshold": round(self.chase * 65_536),
            "long_bias": round(self.long_bias * 65_536),
            "lookback_steps": max(1, self.lookback // terms.mark_every_ns),
            "close_threshold": self._chance(self.holding, 0),
            "open_threshold": self._chance(self.pause, 2**32),
            "call_ratio": 0.0 if call is None else float(call.ratio),
            "top_ups": 0 if call is None else call.top_ups,
            "reopens": int(self.reopens),
            "margin_table": terms.ticklots_drawn(self.margin, "margin", who),
        }
        leverage = draw(self.leverage, terms.draws("leverage"), who)
        return GroupRule("retail", parameters, {"leverage": leverage, "topped_up": 0})

    def _chance(self, mean_ns: int | None, without: int) -> int:
        """Chance, of 2^32, at one wake-up of what happens once in such a time."""
        return without if mean_ns is None else round(2**32 * NS_PER_SECOND / (self.rate * mean_ns))
