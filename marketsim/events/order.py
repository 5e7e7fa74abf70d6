"""An order from outside."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

from marketsim.errors import UnitError
from marketsim.events.family import EVENTS, EventPort, EventSpec, Surroundings
from marketsim.ranges import ANY
from marketsim.spec import Fault, Identifier, MoneyAmount, SizeAmount
from marketsim.units import format_money, to_lots, to_ticks


@EVENTS.register
class OrderEventSpec(EventSpec):
    """An order from outside: signed `size`, + buys; `price` belongs to limit orders."""

    event_words = ()

    kind: Literal["order"]
    market: Identifier
    size: Annotated[SizeAmount, ANY]
    type: Literal["market", "limit"] = "market"
    price: Annotated[MoneyAmount | None, ANY] = None

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """A price where none is due, an order of nothing, one off the market's grid."""
        if (self.price is None) != (self.type == "market"):
            yield Fault(("price",), "a limit order has a price, a market order has none", "type: limit, with a price")
        if self.type == "limit" and self.market in around.without_book:
            yield Fault(("type",), f"{self.market} matches by a formula and takes no limit orders", "market")
        if self.size.amount == 0:
            yield Fault(("size",), "an order of nothing", "a size other than zero, + buys")
        if self.market not in around.grids:
            return
        tick, lot = around.grids[self.market]
        try:
            to_lots(self.size.amount, lot)
        except UnitError as error:
            yield Fault(("size",), error.message, error.allowed, error.suggestion)
        try:
            to_ticks(self.price.amount if self.price is not None else tick, tick)
        except UnitError as error:
            yield Fault(("price",), error.message, error.allowed, error.suggestion)

    def listed_order(self) -> tuple[str, Decimal] | None:
        """Its market and its size."""
        return self.market, self.size.amount

    def prepare(self, port: EventPort) -> None:
        """Somebody has to send it."""
        port.open_account(self, self.market)

    def happen(self, port: EventPort) -> None:
        """Send it."""
        price = None if self.price is None else self.price.amount
        port.send(self, self.market, self.size.amount, self.type, price)

    def sentence(self) -> str:
        """See `EventSpec`."""
        price = f" at {format_money(self.price)}" if self.price is not None else ""
        return f"somebody sends a {self.type} order of {self.size} to {self.market}{price}"
