"""A trader on the clock: it buys a fixed amount at market, and sells it again half a period later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from marketsim.ranges import ABOVE_ZERO, CADENCE
from marketsim.spec import Duration, Fault, MoneyAmount
from marketsim.traders.desk import DeskContext, TraderDesk
from marketsim.traders.desk_group import DeskGroupSpec
from marketsim.traders.group import Surroundings
from marketsim.units import ATOMS_PER_UNIT, format_duration, format_money

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


class PulseSpec(DeskGroupSpec):
    """Buys `size` at market every `every`, and sells it half of that later."""

    kind: Literal["pulse"]
    size: Annotated[MoneyAmount, ABOVE_ZERO]
    every: Annotated[Duration, CADENCE]

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the markets there are."""
        yield from super().faults(around)
        if self.rate:
            yield Fault(("rate",), "pulses come by the clock, not at random", "left out")

    def sentence(self) -> str:
        """What each of them does, in words."""
        return f"They buy {format_money(self.size)} every {format_duration(self.every)} and sell it half of that later."

    def desk(self, context: DeskContext) -> TraderDesk:
        """The desk that sends the orders."""
        return PulseDesk(self, context)


class PulseDesk(TraderDesk):
    """Sends the pulses of one group."""

    def __init__(self, spec: PulseSpec, context: DeskContext) -> None:
        super().__init__(context)
        self.spec = spec

    def start(self) -> None:
        """Begin to act."""
        for trader in range(len(self.accounts)):
            self.env.process(self._beat(trader))

    def _beat(self, trader: int) -> ProcessGenerator:
        market = self.spec.market
        while True:
            yield self.env.timeout(self.spec.every // 2)
            worth = float(self.spec.size.amount) * ATOMS_PER_UNIT
            held = self.committed_lots(trader, market)
            lots = -held or round(worth / (self.view.mark_ticks(market) * self.atoms[market]))
            if lots:
                self.send(trader, market, lots)
