"""Market makers: they quote both sides around a fair value learnt from the index, the perp and their inventory."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal

import numpy as np

from marketsim.spec import QUOTE, Count, Duration, EventRate, Factor, Flag, MoneyAmount, Rate
from marketsim.traders.group import HALF_IN_COIN, GroupRule, GroupTerms, TraderGroupSpec
from marketsim.units import NS_PER_SECOND, Money


class MarketMakerSpec(TraderGroupSpec):
    """Quotes at distances first * growth^l of sizes size * size_growth^l, l = 0 .. levels - 1, around the fair value.

    on_index: requote at every update of the index; skew: fair value shift at an inventory of skew_inventory;
    memory_weight: of the perp's own averaged deviation; hysteresis, refill: how far off, how empty a quote
    may be before it is replaced; jitter: of each maker's distances; max_inventory: beyond it no quote that adds. On a
    spot market inventory counts from the coin it opens with.
    """

    on_spot: ClassVar[Mapping[str, Any]] = {"start": HALF_IN_COIN}

    kind: Literal["market_maker"]
    rate: EventRate = Fraction(1_800, 3_600)
    on_index: Flag = True
    levels: Count = 9
    first: Rate = Decimal("0.000045")
    growth: Factor = Decimal("1.8")
    size: MoneyAmount = Money(Decimal(12_000), QUOTE)
    size_growth: Factor = Decimal("1.6")
    skew: Rate = Decimal("0.0035")
    skew_inventory: MoneyAmount = Money(Decimal(800_000), QUOTE)
    memory_weight: Factor = Decimal("0.8")
    hysteresis: Rate = Decimal("0.25")
    refill: Rate = Decimal("0.5")
    jitter: Rate = Decimal("0.15")
    max_inventory: MoneyAmount = Money(Decimal(3_000_000), QUOTE)


class TokenMakerSpec(MarketMakerSpec):
    """A token's market maker and authorised participant: quotes around NAV, hedges with the perps, creates and redeems.

    `holds` is the inventory it wants. hedge: whether it holds the opposite of its inventory in the basket's perps;
    every: how often it looks; tolerance: how far (share of the inventory) it lets inventory and hedge drift;
    uses_primary: whether it creates and redeems.
    """

    kind: Literal["token_maker"]  # type: ignore[assignment]
    rate: EventRate = Fraction(60, 3_600)
    levels: Count = 5
    first: Rate = Decimal("0.0015")
    growth: Factor = Decimal("1.6")
    size: MoneyAmount = Money(Decimal(5_000), QUOTE)
    size_growth: Factor = Decimal("1.5")
    skew: Rate = Decimal("0.002")
    skew_inventory: MoneyAmount = Money(Decimal(250_000), QUOTE)
    memory_weight: Factor = Decimal(0)
    max_inventory: MoneyAmount = Money(Decimal(1_000_000), QUOTE)
    hedge: Flag = True
    uses_primary: Flag = True
    every: Duration = 10 * NS_PER_SECOND
    tolerance: Rate = Decimal("0.25")


def market_maker_rule(spec: MarketMakerSpec, terms: GroupTerms) -> GroupRule:
    """The group as the kernel's maker rule takes it (CALIBRATION section 1); distances as shape (makers, levels)."""
    makers, levels = np.divmod(np.arange(spec.count * spec.levels), spec.levels)
    uneven = 1.0 + float(spec.jitter) * (2.0 * terms.draws("jitter").uniform(makers, levels) - 1.0)
    distances = np.array([float(spec.first * spec.growth**level) for level in range(spec.levels)])
    sizes = np.array([terms.ticklots(spec.size) * float(spec.size_growth**level) for level in range(spec.levels)])
    parameters = {
        "levels": spec.levels,
        "may_cross": int(isinstance(spec, TokenMakerSpec)),  # it knows what a unit can be made and given back for
        "memory_weight": float(spec.memory_weight),
        "skew_per_ticklot": float(spec.skew) / terms.ticklots(spec.skew_inventory),
        "hysteresis": float(spec.hysteresis),
        "refill": float(spec.refill),
        "max_inventory_ticklots": terms.ticklots(spec.max_inventory),
        "distance_table": distances[levels] * uneven,
        "size_table": sizes,
    }
    return GroupRule(
        "market_maker",
        parameters,
        {"base_lots": 0},
        slots_each=2 * spec.levels,
        on_index=spec.on_index,
        counts_from="base_lots",
    )
