"""New fees of a market."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from marketsim.events.family import EVENTS, EventPort, EventSpec, Surroundings
from marketsim.spec import Fault, Identifier
from marketsim.units import format_rate
from marketsim.venues.contract import FeesSpec


@EVENTS.register
class FeeChangeEventSpec(EventSpec):
    """New fees of a market for all who pay its fees and have none of their own."""

    event_words = ("fee_change",)

    kind: Literal["fee_change"]
    market: Identifier
    fees: FeesSpec

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """Fees that contradict themselves."""
        yield from (fault.below("fees") for fault in self.fees.faults())

    def happen(self, port: EventPort) -> None:
        """Change them."""
        port.change_fees(self.market, self.fees)
        fees = {"maker": format_rate(self.fees.maker), "taker": format_rate(self.fees.taker)}
        port.note("fee_change", self.market, fees)

    def sentence(self) -> str:
        """See `EventSpec`."""
        fees = f"{format_rate(self.fees.maker)} for makers and {format_rate(self.fees.taker)} for takers"
        return f"the fees of {self.market} become {fees}"
