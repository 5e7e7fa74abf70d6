"""The end of a suspension."""

from __future__ import annotations

from typing import Literal

from marketsim.events.family import EVENTS, EventPort
from marketsim.events.parts import PartsEventSpec


@EVENTS.register
class ResumeEventSpec(PartsEventSpec):
    """What is suspended resumes."""

    event_words = ("resumed",)

    kind: Literal["resume"]

    def happen(self, port: EventPort) -> None:
        """Resume them; of a market every listed halt ends."""
        token = port.token(self.subject)
        if token is not None:
            token.resume(self.what)
            return
        port.note("resumed", self.subject, {"what": ["market"]})
        port.lift_all_halts(self.subject)

    def sentence(self) -> str:
        """See `EventSpec`."""
        return f"{' and '.join(self.what)} of {self.subject} resume{'s' if len(self.what) == 1 else ''}"
