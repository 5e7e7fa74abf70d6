"""Noise traders: they trade for reasons of their own, a little more on the side that is cheap against the index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

from marketsim.ranges import ABOVE_ZERO, LEVELS, SHARE, ZERO_OR_MORE, Range
from marketsim.spec import (
    QUOTE,
    Count,
    Distribution,
    EventRate,
    Factor,
    Fault,
    KeyPath,
    MoneyDistribution,
    Rate,
    Spec,
)
from marketsim.streams.distributions import quantile_table
from marketsim.traders.group import HALF_IN_COIN, TRADERS, Surroundings, TraderGroupSpec
from marketsim.traders.rule import TABLE, GroupRule, GroupTerms, middle_quantiles, spread_out
from marketsim.units import ATOMS_PER_UNIT, format_rate


class NoiseDistanceSpec(Spec):
    """Distance of a limit order from the mid: offset + scale * u^exponent, u uniform on [0, 1)."""

    offset: Annotated[Rate, SHARE] = Decimal("0.0002")
    scale: Annotated[Rate, SHARE] = Decimal("0.02")
    exponent: Annotated[Factor, ABOVE_ZERO] = Decimal("1.2")


_SIZE = Distribution("pareto", {"min": Decimal(540), "alpha": Decimal("1.5"), "max": Decimal(108_000)}, QUOTE, "money")


@TRADERS.register
class NoiseSpec(TraderGroupSpec):
    """Orders of noise traders: shares of market and limit orders (the rest cancels), sizes, distances, the tilt.

    limit_size: of limit orders, times `size`; tilt: probability of the cheap side gained per bp of deviation from the
    index, at most tilt_cap; max_orders: resting orders a trader may have; protection: how far a market order may reach.
    """

    on_spot: ClassVar[Mapping[str, Any]] = {"start": HALF_IN_COIN}

    kind: Literal["noise"]
    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(30, 3_600)
    market_share: Annotated[Rate, SHARE] = Decimal("0.3")
    limit_share: Annotated[Rate, SHARE] = Decimal("0.4")
    size: MoneyDistribution = _SIZE
    limit_size: Annotated[Factor, ABOVE_ZERO] = Decimal("0.6")
    distance: NoiseDistanceSpec = NoiseDistanceSpec()
    tilt: Annotated[Rate, SHARE] = Decimal("0.01")
    tilt_cap: Annotated[Rate, Range("0% to 50%", least=0, most=Decimal("0.5"))] = Decimal("0.4")
    max_orders: Annotated[Count, LEVELS] = 4
    protection: Annotated[Rate, SHARE] = Decimal("0.005")

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the market."""
        yield from super().faults(around)
        if self.market_share + self.limit_share > 1:
            message = "market and limit orders are more than all orders"
            yield Fault(("limit_share",), message, "together at most 100%")

    def resting_key(self) -> KeyPath | None:
        """Its share of limit orders."""
        return ("limit_share",) if self.limit_share else None

    def sentence(self) -> str:
        """What each of them does, in words."""
        rest = 1 - self.market_share - self.limit_share
        return (
            f"They trade for reasons of their own, a little more on the side that is cheap against the index: "
            f"{format_rate(self.market_share)} of their messages are market orders, {format_rate(self.limit_share)} "
            f"limit orders, {format_rate(rest)} cancel one."
        )

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel's noise rule takes it (docs/calibration.md#noise-traders)."""
        sizes = quantile_table(self.size, TABLE) * (ATOMS_PER_UNIT / terms.atoms)
        far = self.distance
        parameters = {
            "market_threshold": round(self.market_share * 65_536),
            "limit_threshold": round((self.market_share + self.limit_share) * 65_536),
            "tilt_per_deviation": float(self.tilt) * 10_000 * 65_536,
            "tilt_cap": float(self.tilt_cap) * 65_536,
            "protection": float(self.protection),
            "limit_size": float(self.limit_size),
            "size_table": sizes,
            "distance_table": spread_out(far.scale, far.offset, far.exponent, middle_quantiles()),
        }
        return GroupRule("noise", parameters, slots_each=self.max_orders)
