"""The end of a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from marketsim.events.family import EVENTS, EventPort, EventSpec
from marketsim.spec import Identifier

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


@EVENTS.register
class DelistEventSpec(EventSpec):
    """The token ends at NAV: its position is closed off the book at the mark, or by its execution; holders are paid."""

    event_words = ("delisted",)

    kind: Literal["delist"]
    token: Identifier
    close: Literal["off_book", "execution"] = "off_book"

    def happen(self, port: EventPort) -> ProcessGenerator | None:
        """Close the position and pay the holders."""
        token = port.token(self.token)
        return None if token is None else token.delist(is_off_book=self.close == "off_book")

    def sentence(self) -> str:
        """See `EventSpec`."""
        return f"{self.token} ends, and its holders are paid its NAV"
