"""A new cap on a token's supply."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import PlainSerializer

from marketsim.events.family import EVENTS, EventPort, EventSpec, Surroundings
from marketsim.ranges import ZERO_OR_MORE
from marketsim.spec import NONE_IN_WORDS, Factor, Fault, Identifier
from marketsim.units import format_number


def _cap_text(value: Decimal | None) -> str:
    return "none" if value is None else format_number(value)


@EVENTS.register
class CapChangeEventSpec(EventSpec):
    """From now on no creation beyond `cap` tokens outstanding; none = no cap."""

    event_words = ("cap_change",)

    kind: Literal["cap_change"]
    token: Identifier
    cap: Annotated[Factor | None, NONE_IN_WORDS, PlainSerializer(_cap_text, when_used="json"), ZERO_OR_MORE]

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """A token that nobody can create."""
        if self.token in around.tokens and self.token not in around.dealing:
            message = "this token has no primary market whose cap could change"
            yield Fault(("token",), message, "one with `primary`")

    def happen(self, port: EventPort) -> None:
        """Change it."""
        port.note("cap_change", self.token, {"cap": None if self.cap is None else float(self.cap)})
        token = port.token(self.token)
        if token is not None:
            token.change_supply_cap(self.cap)

    def sentence(self) -> str:
        """See `EventSpec`."""
        cap = "lifted" if self.cap is None else f"set to {format_number(self.cap)} tokens"
        return f"the cap on the supply of {self.token} is {cap}"
