"""Funding arbitrageurs: they take the side of a perpetual that receives funding, against coin or without it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from marketsim.ranges import AT_LEAST_ONE, CADENCE
from marketsim.spec import Duration, Factor
from marketsim.traders.carry import CarryDesk, CarrySpec
from marketsim.traders.desk import DeskContext, TraderDesk
from marketsim.traders.group import TRADERS
from marketsim.units import NS_PER_SECOND, format_number


@TRADERS.register
class FundingArbitrageurSpec(CarrySpec):
    """Takes the side that receives funding while what it may expect exceeds its costs, and leaves when it would pay.

    Expected: the rate predicted for the next settlement, for `settlements` of them. Costs: taker fees there and back,
    borrowing for as long where it hedges (`markets: [SPOT MARKET, PERPETUAL]`), `profit`. With `markets: [PERPETUAL]`
    it bears the price. Source: docs/literature.md#perpetual-futures (Schmeling et al.: carry and scarce arbitrage).
    """

    kind: Literal["funding_arbitrageur"]
    every: Annotated[Duration, CADENCE] = 60 * NS_PER_SECOND
    settlements: Annotated[Factor, AT_LEAST_ONE] = Decimal(3)

    def desk(self, context: DeskContext) -> TraderDesk:
        """The desk that watches the predicted rate."""
        return FundingArbitrageurDesk(self, context)

    def sentence(self) -> str:
        """What each of them does, in words."""
        hedge = f", against {self.spot}," if self.spot is not None else " without a hedge"
        return (
            f"They take the side of {self.perpetual} that receives funding{hedge} when "
            f"{format_number(self.settlements)} settlements at the predicted rate exceed their costs, and leave when "
            f"they would pay. {self.terms_in_words()}"
        )


class FundingArbitrageurDesk(CarryDesk):
    """Short the perpetual while longs pay, long while shorts pay."""

    def __init__(self, spec: FundingArbitrageurSpec, context: DeskContext) -> None:
        super().__init__(spec, context)
        self.spec, self.predicted_rate = spec, context.predicted_funding[spec.perpetual]

    def wanted_coins(self, trader: int) -> float:
        """All it may hold on the side that receives while that pays, what it holds while it receives, then nothing."""
        held, rate, spec = self.held_coins(trader), float(self.predicted_rate()), self.spec
        settlements = float(spec.settlements)
        costs = spec.fees_there_and_back + float(spec.profit)
        costs += spec.borrowing(settlements * self.view.funding_every_ns(spec.perpetual))
        side = 1.0 if rate > 0 else -1.0  # longs pay: short the perpetual, which is long the coin
        if abs(rate) * settlements > costs:
            return side * self.most_coins(trader)
        return held if held * rate > 0 else 0.0
