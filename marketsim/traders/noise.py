"""Noise traders: they trade for reasons of their own, a little more on the side that is cheap against the index."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal

from marketsim.spec import QUOTE, Count, Distribution, EventRate, Factor, MoneyDistribution, Rate, Spec
from marketsim.traders.group import TraderGroupSpec


class NoiseDistanceSpec(Spec):
    """Distance of a limit order from the mid: offset + scale * u^exponent, u uniform on [0, 1)."""

    offset: Rate = Decimal("0.0002")
    scale: Rate = Decimal("0.02")
    exponent: Factor = Decimal("1.2")


_SIZE = Distribution("pareto", {"min": Decimal(540), "alpha": Decimal("1.5"), "max": Decimal(108_000)}, QUOTE, "money")


class NoiseSpec(TraderGroupSpec):
    """Orders of noise traders: shares of market and limit orders (the rest cancels), sizes, distances, the tilt.

    limit_size: of limit orders, times `size`; tilt: probability of the cheap side gained per bp of deviation from the
    index, at most tilt_cap; max_orders: resting orders a trader may have; protection: how far a market order may reach.
    """

    kind: Literal["noise"]
    rate: EventRate = Fraction(30, 3_600)
    market_share: Rate = Decimal("0.3")
    limit_share: Rate = Decimal("0.4")
    size: MoneyDistribution = _SIZE
    limit_size: Factor = Decimal("0.6")
    distance: NoiseDistanceSpec = NoiseDistanceSpec()
    tilt: Rate = Decimal("0.01")
    tilt_cap: Rate = Decimal("0.4")
    max_orders: Count = 4
    protection: Rate = Decimal("0.005")
