"""Levered retail traders: small margin, high leverage, mostly with the last move, out at a target or a stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from marketsim.ranges import ABOVE_ZERO, SHARE, ZERO_OR_MORE, Range
from marketsim.spec import (
    QUOTE,
    Distribution,
    Duration,
    EventRate,
    Fault,
    LeverageDistribution,
    MoneyAmount,
    Rate,
    constant,
    distribution_words,
)
from marketsim.streams import draw
from marketsim.traders.group import TRADERS, Surroundings, TraderGroupSpec, borrowing_faults
from marketsim.traders.rule import GroupRule, GroupTerms
from marketsim.units import NS_PER_SECOND, Money, format_duration, format_money, format_rate

_LEVERAGE = Distribution("pareto", {"min": Decimal(3), "alpha": Decimal(1), "max": Decimal(100)}, "1", "leverage")


_PROTECTION = 0.005  # how far behind the best price a market order may reach


@TRADERS.register
class RetailSpec(TraderGroupSpec):
    """Puts `margin` at `leverage`, with probability `chase` in the direction of the last `lookback`.

    long_bias: added to the probability of long, whichever way the last move went (less than 0: taken off it); target,
    stop: profit and loss, as shares of margin, at which it closes. On a spot market it only buys, and sells what it
    bought; there leverage is 1, and target and stop are as far away in price as at the median leverage of 6 on a
    perpetual (1.5 / 6, 0.9 / 6; decision D30).
    """

    on_spot: ClassVar[Mapping[str, Any]] = {
        "leverage": constant(Decimal(1), "leverage"),
        "target": Decimal("0.25"),
        "stop": Decimal("0.15"),
    }

    kind: Literal["retail"]
    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(2, 3_600)
    margin: Annotated[MoneyAmount, ABOVE_ZERO] = Money(Decimal(1_000), QUOTE)
    leverage: LeverageDistribution = _LEVERAGE
    chase: Annotated[Rate, SHARE] = Decimal("0.75")
    lookback: Annotated[Duration, ABOVE_ZERO] = 900 * NS_PER_SECOND
    long_bias: Annotated[Rate, Range("-50% to 50%", least=Decimal("-0.5"), most=Decimal("0.5"))] = Decimal("0.05")
    target: Annotated[Rate, ABOVE_ZERO] = Decimal("1.5")
    stop: Annotated[Rate, Range("more than 0%, at most 100%", above=0, most=1)] = Decimal("0.9")

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the market."""
        yield from super().faults(around)
        if around.sorts.get(self.market) == "spot":
            yield from borrowing_faults(("leverage",), self.leverage, "leverage in a spot market")

    def longest_lookback_ns(self) -> int:
        """How far back it may look [ns]."""
        return self.lookback

    def sentence(self) -> str:
        """What each of them does, in words."""
        leaning = ""
        if self.long_bias:
            often = "more" if self.long_bias > 0 else "less"
            leaning = f" ({format_rate(abs(self.long_bias))} {often} often long)"
        return (
            f"They put {format_money(self.margin)} at a leverage of {distribution_words(self.leverage)}, "
            f"{format_rate(self.chase)} of the time in the direction of the last {format_duration(self.lookback)}"
            f"{leaning}, and close at a profit of {format_rate(self.target)} or a loss of "
            f"{format_rate(self.stop)} of it."
        )

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel's retail rule takes it (docs/calibration.md#retail)."""
        leverage = draw(self.leverage, terms.draws("leverage"), np.arange(self.count))
        parameters = {
            "margin_ticklots": terms.ticklots(self.margin),
            "target": float(self.target),
            "protection": _PROTECTION,
            "stop": float(self.stop),
            "chase_threshold": round(self.chase * 65_536),
            "long_bias": round(self.long_bias * 65_536),
            "lookback_steps": max(1, self.lookback // terms.mark_every_ns),
        }
        return GroupRule("retail", parameters, {"leverage": leverage})
