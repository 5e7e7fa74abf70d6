"""A suspension."""

from __future__ import annotations

from typing import Literal

from marketsim.events.family import EVENTS, EventPort
from marketsim.events.parts import PartsEventSpec


@EVENTS.register
class SuspendEventSpec(PartsEventSpec):
    """Parts of a token, or trading in a market, are suspended from now on."""

    event_words = ("suspended",)

    kind: Literal["suspend"]

    def happen(self, port: EventPort) -> None:
        """Suspend them."""
        token = port.token(self.subject)
        if token is not None:
            token.suspend(self.what)
            return
        port.note("suspended", self.subject, {"what": ["market"]})
        port.halt(self.subject)

    def sentence(self) -> str:
        """See `EventSpec`."""
        return f"{' and '.join(self.what)} of {self.subject} {'is' if len(self.what) == 1 else 'are'} suspended"
