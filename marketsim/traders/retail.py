"""Levered retail traders: small margin, high leverage, mostly with the last move, out at a target or a stop."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal

from marketsim.spec import QUOTE, Distribution, Duration, EventRate, LeverageDistribution, MoneyAmount, Rate
from marketsim.traders.group import TraderGroupSpec
from marketsim.units import NS_PER_SECOND, Money

_LEVERAGE = Distribution("pareto", {"min": Decimal(3), "alpha": Decimal(1), "max": Decimal(100)}, "1", "leverage")


class RetailSpec(TraderGroupSpec):
    """Puts `margin` at `leverage`, with probability `chase` in the direction of the last `lookback`.

    long_bias: added probability of long; target, stop: profit and loss, as shares of margin, at which it closes.
    """

    kind: Literal["retail"]
    rate: EventRate = Fraction(2, 3_600)
    margin: MoneyAmount = Money(Decimal(1_000), QUOTE)
    leverage: LeverageDistribution = _LEVERAGE
    chase: Rate = Decimal("0.75")
    lookback: Duration = 900 * NS_PER_SECOND
    long_bias: Rate = Decimal("0.05")
    target: Rate = Decimal("1.5")
    stop: Rate = Decimal("0.9")
