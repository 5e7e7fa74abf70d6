"""Noise traders: they trade for reasons of their own, a little more on the side that is cheap against the index."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal

from marketsim.spec import QUOTE, Count, Distribution, EventRate, Factor, MoneyDistribution, Rate, Spec
from marketsim.streams.distributions import quantile_table
from marketsim.traders.group import (
    HALF_IN_COIN,
    TABLE,
    GroupRule,
    GroupTerms,
    TraderGroupSpec,
    middle_quantiles,
    spread_out,
)
from marketsim.units import ATOMS_PER_UNIT


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

    on_spot: ClassVar[Mapping[str, Any]] = {"start": HALF_IN_COIN}

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


def noise_rule(spec: NoiseSpec, terms: GroupTerms) -> GroupRule:
    """The group as the kernel's noise rule takes it (CALIBRATION section 1)."""
    sizes = quantile_table(spec.size, TABLE) * (ATOMS_PER_UNIT / terms.atoms)
    far = spec.distance
    parameters = {
        "market_threshold": round(spec.market_share * 65_536),
        "limit_threshold": round((spec.market_share + spec.limit_share) * 65_536),
        "tilt_per_deviation": float(spec.tilt) * 10_000 * 65_536,
        "tilt_cap": float(spec.tilt_cap) * 65_536,
        "protection": float(spec.protection),
        "limit_size": float(spec.limit_size),
        "size_table": sizes,
        "distance_table": spread_out(far.scale, far.offset, far.exponent, middle_quantiles()),
    }
    return GroupRule("noise", parameters, slots_each=spec.max_orders)
