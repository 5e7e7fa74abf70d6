"""What suspensions and resumptions have in common: a token or a market, and which parts of it."""

from __future__ import annotations

from collections.abc import Iterator

from marketsim.events.family import EventSpec, Surroundings
from marketsim.issuers.fund.token import ALL_PARTS, Part
from marketsim.spec import Fault, Identifier


class PartsEventSpec(EventSpec):
    """Parts of `subject`, a token or a market."""

    subject: Identifier
    what: tuple[Part, ...] = ALL_PARTS

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """A part that a market has not."""
        if self.subject in around.markets and "market" not in self.what:
            yield Fault(("what",), "a market has no such parts; only its trading can be suspended", "[market]")
