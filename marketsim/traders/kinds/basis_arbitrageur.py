"""Basis arbitrageurs: they buy coin and sell the perpetual, or the reverse, when they are far enough apart."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

from marketsim.ranges import ANY, ZERO_OR_MORE
from marketsim.spec import Duration, Fault, Rate
from marketsim.traders.carry import CarryDesk, CarrySpec
from marketsim.traders.desk import DeskContext, TraderDesk
from marketsim.traders.group import TRADERS, Surroundings
from marketsim.units import NS_PER_DAY, format_duration, format_rate


@TRADERS.register
class BasisArbitrageurSpec(CarrySpec):
    """Buys one of `markets: [SPOT MARKET, PERPETUAL]` and sells the other while the basis exceeds what that costs.

    The costs: taker fees of both legs there and back, borrowing for `horizon`, `profit`. It closes when the basis at
    which it can leave is at most `close`. What such traders carry of a push from one market to the other, and so how
    much of it stays, is an outcome. Source: docs/literature.md#perpetual-futures (He et al.: bounds by costs).
    """

    kind: Literal["basis_arbitrageur"]
    horizon: Annotated[Duration, ZERO_OR_MORE] = NS_PER_DAY // 3
    close: Annotated[Rate, ANY] = Decimal(0)

    @property
    def hurdle(self) -> float:
        """The basis beyond which a position is opened."""
        return self.fees_there_and_back + self.borrowing(self.horizon) + float(self.profit)

    def leg_faults(self, around: Surroundings) -> Iterator[Fault]:
        """Both legs have to be there."""
        yield from super().leg_faults(around)
        if len(self.markets) < 2:
            yield Fault(("markets",), "a basis lies between two markets", "[SPOT MARKET, PERPETUAL]")

    def desk(self, context: DeskContext) -> TraderDesk:
        """The desk that compares the two markets."""
        return BasisArbitrageurDesk(self, context)

    def sentence(self) -> str:
        """What each of them does, in words."""
        return (
            f"They buy the cheaper of the two and sell the other when they are more than {format_rate(self.profit)} "
            f"beyond fees and borrowing for {format_duration(self.horizon)} apart, and close when "
            f"{format_rate(self.close)} is left. "
            f"{self.terms_in_words()}"
        )


class BasisArbitrageurDesk(CarryDesk):
    """Opens at quotes that pay for the whole trade, and closes at quotes at which the basis is gone."""

    def __init__(self, spec: BasisArbitrageurSpec, context: DeskContext) -> None:
        super().__init__(spec, context)
        self.spec = spec

    def wanted_coins(self, trader: int) -> float:
        """All it may hold while the basis pays, what it holds until the basis is gone, then nothing."""
        held, spot, perpetual = self.held_coins(trader), self.spec.markets[0], self.spec.perpetual
        quotes = [self.bid(spot), self.ask(spot), self.bid(perpetual), self.ask(perpetual)]
        if None in quotes:
            return held
        spot_bid, spot_ask, perp_bid, perp_ask = (float(price or 0.0) for price in quotes)
        if perp_bid / spot_ask - 1.0 > self.spec.hurdle:
            return self.most_coins(trader)
        if spot_bid / perp_ask - 1.0 > self.spec.hurdle:
            return -self.most_coins(trader)
        is_gone = perp_ask / spot_bid - 1.0 if held > 0 else spot_ask / perp_bid - 1.0
        return 0.0 if held and is_gone <= float(self.spec.close) else held
