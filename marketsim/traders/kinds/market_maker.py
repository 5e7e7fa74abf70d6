"""Market makers: they quote both sides around a fair value learnt from the index, the perp and their inventory."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from marketsim.ranges import ABOVE_ZERO, BELOW_ONE, LEVELS, ONE_OR_MORE, PART, SHARE, ZERO_OR_MORE, Range
from marketsim.spec import QUOTE, Count, EventRate, Factor, Flag, KeyPath, MoneyAmount, Rate
from marketsim.traders.group import HALF_IN_COIN, TRADERS, TraderGroupSpec
from marketsim.traders.rule import GroupRule, GroupTerms
from marketsim.units import Money, format_money, format_rate

MEMORY_WEIGHT = Range("0 or more, below 1", least=0, below=1)


@TRADERS.register
class MarketMakerSpec(TraderGroupSpec):
    """Quotes at distances first * growth^l of sizes size * size_growth^l, l = 0 .. levels - 1, around the fair value.

    on_index: requote at every update of the index; skew: fair value shift at an inventory of skew_inventory;
    memory_weight: of the perp's own averaged deviation; hysteresis, refill: how far off, how empty a quote
    may be before it is replaced; jitter: of each maker's distances; max_inventory: beyond it no quote that adds. On a
    spot market inventory counts from the coin it opens with.
    """

    on_spot: ClassVar[Mapping[str, Any]] = {"start": HALF_IN_COIN}

    supplies_liquidity: ClassVar[bool] = True
    may_cross: ClassVar[bool] = False

    kind: Literal["market_maker"]
    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(1_800, 3_600)
    on_index: Flag = True
    levels: Annotated[Count, LEVELS] = 9
    first: Annotated[Rate, PART] = Decimal("0.000045")
    growth: Annotated[Factor, ONE_OR_MORE] = Decimal("1.8")
    size: Annotated[MoneyAmount, ABOVE_ZERO] = Money(Decimal(12_000), QUOTE)
    size_growth: Annotated[Factor, ABOVE_ZERO] = Decimal("1.6")
    skew: Annotated[Rate, SHARE] = Decimal("0.0035")
    skew_inventory: Annotated[MoneyAmount, ABOVE_ZERO] = Money(Decimal(800_000), QUOTE)
    memory_weight: Annotated[Factor, MEMORY_WEIGHT] = Decimal("0.8")
    hysteresis: Annotated[Rate, SHARE] = Decimal("0.25")
    refill: Annotated[Rate, SHARE] = Decimal("0.5")
    jitter: Annotated[Rate, BELOW_ONE] = Decimal("0.15")
    max_inventory: Annotated[MoneyAmount, ZERO_OR_MORE] = Money(Decimal(3_000_000), QUOTE)

    def resting_key(self) -> KeyPath | None:
        """All it does is rest orders."""
        return ("kind",)

    def sentence(self) -> str:
        """What each of them does, in words."""
        return (
            f"They quote {self.levels} levels a side around their fair value, the first {format_rate(self.first)} away "
            f"with {format_money(self.size)}, shift it against their inventory, and hold at most "
            f"{format_money(self.max_inventory)}."
        )

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel's maker rule takes it (docs/calibration.md#market-makers).

        Distances have the shape (makers, levels).
        """
        makers, levels = np.divmod(np.arange(self.count * self.levels), self.levels)
        uneven = 1.0 + float(self.jitter) * (2.0 * terms.draws("jitter").uniform(makers, levels) - 1.0)
        distances = np.array([float(self.first * self.growth**level) for level in range(self.levels)])
        sizes = np.array([terms.ticklots(self.size) * float(self.size_growth**level) for level in range(self.levels)])
        parameters = {
            "levels": self.levels,
            "may_cross": int(self.may_cross),
            "memory_weight": float(self.memory_weight),
            "skew_per_ticklot": float(self.skew) / terms.ticklots(self.skew_inventory),
            "hysteresis": float(self.hysteresis),
            "refill": float(self.refill),
            "max_inventory_ticklots": terms.ticklots(self.max_inventory),
            "distance_table": distances[levels] * uneven,
            "size_table": sizes,
        }
        return GroupRule(
            "market_maker",
            parameters,
            {"base_lots": 0},
            slots_each=2 * self.levels,
            on_index=self.on_index,
            counts_from="base_lots" if terms.is_of_coin else "",
        )
