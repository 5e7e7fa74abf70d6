"""A jump of an index."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from marketsim.events.family import EVENTS, EventPort, EventSpec
from marketsim.ranges import Range
from marketsim.spec import Identifier, Rate
from marketsim.units import format_rate


@EVENTS.register
class JumpEventSpec(EventSpec):
    """The index of `underlying` jumps by `size`."""

    event_words = ("jump",)

    kind: Literal["jump"]
    underlying: Identifier
    size: Annotated[Rate, Range("above -100%, at most 1000%", above=-1, most=10)]

    def index_jump(self) -> tuple[str, Decimal] | None:
        """The jump is in the index from the start."""
        return self.underlying, self.size

    def happen(self, port: EventPort) -> None:
        """Note it: the index has it already."""
        port.note("jump", self.underlying, {"size": float(self.size)})

    def sentence(self) -> str:
        """See `EventSpec`."""
        return f"the index of {self.underlying} jumps by {format_rate(self.size)}"
