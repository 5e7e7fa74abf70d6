"""The quoted NAV: what the primary market deals at, taken at intervals and published after a delay.

A quote of the mark, without delay and no rarer than the marks themselves, is the NAV of the instant. Any other is
sampled at multiples of `every` and becomes known `delay` later: until then one may deal at a price that is gone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.policies.decision import PriceSource
from marketsim.ranges import CADENCE
from marketsim.spec import Duration, Spec
from marketsim.units import NS_PER_SECOND, format_duration

if TYPE_CHECKING:
    from marketsim.clock import MarketEnvironment, ProcessGenerator


class NavQuoteSpec(Spec):
    """The NAV the primary market deals at: valued at `source`, every `every`, known after `delay`."""

    source: PriceSource = "mark"
    every: Annotated[Duration, CADENCE] = NS_PER_SECOND
    delay: Duration = 0

    def sentence(self) -> str:
        """How NAV is quoted, in words."""
        late = f", known {format_duration(self.delay)} later" if self.delay else ""
        return f"Its NAV is quoted every {format_duration(self.every)} at the {self.source}{late}."


@dataclass(slots=True)
class NavQuote:
    """Publishes the NAV of one token; the opening NAV stands until the first sample is known."""

    spec: NavQuoteSpec
    env: MarketEnvironment
    books: TokenBooks
    samples: deque[tuple[int, Fraction]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Take the opening NAV."""
        self._sample()

    @property
    def is_live(self) -> bool:
        """Whether the quote is the NAV of the instant."""
        rarest = min(leg.mark_every_ns for leg in self.books.token.legs)
        return self.spec.source == "mark" and not self.spec.delay and self.spec.every <= rarest

    def published(self) -> Fraction:
        """The NAV quoted now [atoms per token]."""
        if self.is_live:
            return self.books.nav()
        now = int(self.env.now)
        if now % self.spec.every == 0:
            self._sample()
        while len(self.samples) > 1 and self.samples[1][0] <= now - self.spec.delay:
            self.samples.popleft()
        return self.samples[0][1]

    def run(self) -> ProcessGenerator:
        """Take samples, again and again."""
        while not self.is_live:
            yield self.env.timeout(self.spec.every - int(self.env.now) % self.spec.every)
            self._sample()

    def rescale(self, ratio: Fraction) -> None:
        """Count all samples in a new token worth `ratio` old ones."""
        self.samples = deque((t_ns, nav * ratio) for t_ns, nav in self.samples)

    def _sample(self) -> None:
        """Note the NAV at this instant, once."""
        now = int(self.env.now)
        if not self.samples or self.samples[-1][0] != now:
            self.samples.append((now, self.books.nav(self.spec.source)))
