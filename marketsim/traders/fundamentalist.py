"""Fundamentalists: each trades against a deviation from the index that is beyond its own threshold."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal

from marketsim.spec import QUOTE, EventRate, Factor, MoneyAmount, Rate, Spec
from marketsim.traders.group import TraderGroupSpec
from marketsim.units import Money


class ThresholdSpec(Spec):
    """Each trader's threshold: offset + scale * u^exponent, u uniform on [0, 1)."""

    offset: Rate = Decimal("0.0006")
    scale: Rate = Decimal("0.008")
    exponent: Factor = Decimal("0.5")


class FundamentalistSpec(TraderGroupSpec):
    """Opens to `capacity` of notional beyond its threshold, closes at `close` from the index."""

    kind: Literal["fundamentalist"]
    rate: EventRate = Fraction(60, 3_600)
    threshold: ThresholdSpec = ThresholdSpec()
    capacity: MoneyAmount = Money(Decimal(60_000), QUOTE)
    close: Rate = Decimal(0)
