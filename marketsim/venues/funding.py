"""Funding: what longs pay shorts (or get) so that the perp stays near its index."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from marketsim.spec import QUOTE, Duration, MoneyAmount, Rate, Spec
from marketsim.units import NS_PER_SECOND, Money


class FundingSpec(Spec):
    """Settled every `every` from 00:00 UTC + `offset`; `interest`, `damper`, `cap` are per settlement, never scaled."""

    every: Duration = 8 * 3_600 * NS_PER_SECOND
    offset: Duration = 0
    interest: Rate = Decimal("0.0001")
    damper: Rate = Decimal("0.0005")
    cap: Rate = Decimal("0.0030")
    sample: Duration = 5 * NS_PER_SECOND
    average: Literal["linear", "equal"] = "linear"
    impact_notional: MoneyAmount = Money(Decimal(25_000), QUOTE)
