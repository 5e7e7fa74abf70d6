"""What reverse splits and merges have in common: few tokens for many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from marketsim.events.family import EventPort, EventSpec, Surroundings
from marketsim.issuers.life_cycle.unit_conversion import HALT_NS
from marketsim.ranges import ANY, SPLIT_RATIO
from marketsim.spec import Count, Duration, Fault, Identifier


class ConversionEventSpec(EventSpec):
    """`ratio` tokens become one; primary and own market rest for `halt`."""

    word: ClassVar[Literal["reverse_split", "merge"]]
    """Which of the two it is in the table `events`."""

    token: Identifier
    ratio: Annotated[Count, SPLIT_RATIO]
    halt: Annotated[Duration, ANY] = HALT_NS
    fractions: Literal["cash", "exact"] = "cash"

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """Fractions that a book cannot count."""
        if self.fractions == "exact" and self.token in around.booked:
            yield Fault(("fractions",), "the lot of a token's own market cannot become smaller", "cash")

    def happen(self, port: EventPort) -> None:
        """Convert the token's units."""
        token = port.token(self.token)
        if token is not None:
            token.split(self.ratio, self.word, self.halt, is_exact=self.fractions == "exact")

    def sentence(self) -> str:
        """See `EventSpec`."""
        return f"{self.ratio} tokens of {self.token} become one"
