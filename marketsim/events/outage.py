"""A market that takes no orders for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from marketsim.events.family import EVENTS, EventPort, EventSpec
from marketsim.ranges import ABOVE_ZERO
from marketsim.spec import Duration, Identifier
from marketsim.units import format_duration

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


@EVENTS.register
class OutageEventSpec(EventSpec):
    """A market takes no orders for a while; what rests there stays, and can be taken back."""

    event_words = ("outage",)

    kind: Literal["outage"]
    market: Identifier
    duration: Annotated[Duration, ABOVE_ZERO] = Field(alias="for")

    def happen(self, port: EventPort) -> ProcessGenerator:
        """Halt it and wait; another reason to halt it may outlast this one."""
        port.note("outage", self.market, {"for_ns": self.duration})
        reason = port.halt(self.market)
        yield port.wait(self.duration)
        port.lift_halt(self.market, reason)

    def sentence(self) -> str:
        """See `EventSpec`."""
        return f"{self.market} takes no orders for {format_duration(self.duration)}"
