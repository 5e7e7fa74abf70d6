"""Trend followers: they go with the return over their look-back when it is large against the volatility."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal

from marketsim.spec import QUOTE, AnnualRate, Distribution, DurationDistribution, EventRate, Factor, MoneyAmount
from marketsim.traders.group import TraderGroupSpec
from marketsim.units import NS_PER_SECOND, Money

_LOOKBACK = Distribution("uniform", {"lo": 60 * NS_PER_SECOND, "hi": 1_800 * NS_PER_SECOND}, "ns", "duration")


class TrendSpec(TraderGroupSpec):
    """Enters beyond `enter`, leaves inside `exit`, both in volatility * sqrt(lookback).

    volatility: absent = the index's own, else 70%/yr; written in when a scenario loads.
    """

    kind: Literal["trend"]
    rate: EventRate = Fraction(12, 3_600)
    lookback: DurationDistribution = _LOOKBACK
    enter: Factor = Decimal("1.5")
    exit: Factor = Decimal("0.3")
    size: MoneyAmount = Money(Decimal(5_000), QUOTE)
    volatility: AnnualRate | None = None
