"""What is traded: underlyings, the terms of a perpetual contract on one, and what trading costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from marketsim.spec import QUOTE, Factor, Identifier, MoneyAmount, Rate, SizeAmount, Spec
from marketsim.units import Money, Size
from marketsim.venues.funding import FundingSpec
from marketsim.venues.index import IndexSpec
from marketsim.venues.liquidation import LiquidationSpec
from marketsim.venues.margin import MarginSpec
from marketsim.venues.marks import MarkSpec


class FeesSpec(Spec):
    """What a trade costs each side, as a share of its notional; a negative maker fee is a rebate."""

    maker: Rate = Decimal("0.0002")
    taker: Rate = Decimal("0.0005")


class UnderlyingSpec(Spec):
    """A coin and its index price; `correlation` maps other underlyings' ids to the correlation of increments."""

    id: Identifier
    index: Annotated[IndexSpec, Field(discriminator="kind")]
    correlation: dict[str, Factor] = Field(default_factory=dict)


class MarketSpec(Spec):
    """A perpetual contract on a venue; prices are multiples of `tick`, sizes multiples of `lot`."""

    id: Identifier
    kind: Literal["perpetual"] = "perpetual"
    underlying: Identifier
    venue: Identifier = "main"
    contract: Literal["linear"] = "linear"
    tick: MoneyAmount = Money(Decimal("0.1"), QUOTE)
    lot: SizeAmount = Size(Decimal("0.001"), QUOTE)
    fees: FeesSpec = FeesSpec()
    mark: MarkSpec = MarkSpec()
    funding: FundingSpec = FundingSpec()
    margin: MarginSpec = MarginSpec()
    liquidation: LiquidationSpec = LiquidationSpec()
    insurance_fund: MoneyAmount = Money(Decimal(0), QUOTE)

    @property
    def currency(self) -> str:
        """The currency the market is priced and settled in."""
        return self.tick.currency
