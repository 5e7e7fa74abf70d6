"""What every kind of trader declares: how many, where, how rich, how fast, and with which positions they start."""

from __future__ import annotations

from decimal import Decimal

from marketsim.spec import (
    Count,
    DurationDistribution,
    EventRate,
    Identifier,
    LeverageDistribution,
    MoneyDistribution,
    PriceDistribution,
    Rate,
    Spec,
    constant,
)
from marketsim.venues.contract import FeesSpec


class TraderStartSpec(Spec):
    """Opening positions: unsigned leverage, the share of traders that are long, entry price (absent: opening mark)."""

    leverage: LeverageDistribution
    long_share: Rate = Decimal("0.5")
    entry: PriceDistribution | None = None


class TraderGroupSpec(Spec):
    """`count` traders of one kind on one market; `rate` is each one's mean number of wake-ups.

    fees: absent = the market's, written in when a scenario loads.
    """

    id: Identifier
    market: Identifier
    count: Count
    rate: EventRate
    capital: MoneyDistribution
    latency: DurationDistribution = constant(0, "duration")
    fees: FeesSpec | None = None
    start: TraderStartSpec | None = None
