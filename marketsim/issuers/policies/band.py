"""Policy `band`: back whenever leverage, or the price's move since the last reset, leaves a range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from marketsim.issuers.fund.nav import PriceTrigger
from marketsim.issuers.policies.borders import (
    Band,
    Crossing,
    border_words,
    borders_of,
    by_target_faults,
    crossing_reasons,
    exact,
    gross_of,
    jitter_faults,
    lower_faults,
)
from marketsim.issuers.policies.decision import (
    Decision,
    PriceSource,
    RebalanceTrigger,
    RebalancingPolicy,
    Side,
    Situation,
)
from marketsim.issuers.policies.family import POLICIES, FundTerms, PolicySpec
from marketsim.issuers.policies.looks import looks_every
from marketsim.issuers.policies.reset_facts import ResetFacts
from marketsim.ranges import ABOVE_ZERO, ANY, POLL, SHARE, ZERO_OR_MORE
from marketsim.spec import OMITTED_AT_DEFAULT, Duration, Fault, Leverage, Rate
from marketsim.units import NS_PER_SECOND, Size, format_duration, format_number, format_rate

BAND = RebalanceTrigger("band")


@POLICIES.register
class BandSpec(PolicySpec):
    """When leverage is beyond `lower` or `upper`, or the price has moved by more than `move` since the last reset.

    crossing: whether it acts strictly `beyond` these borders, or `at` the border itself already. by_target: borders
    [lower, upper] by the token's signed target, for a rule that several tokens share. to: back to the `target`, to the
    `edge` of the band, or a share of the way to the target. poll: how often it looks (0s: always), each time a random
    part of `jitter` later. With `lower` and `upper` at the target it is a continuous policy: every look that finds
    leverage off it sends an order.
    """

    rebalance_triggers: ClassVar[tuple[RebalanceTrigger, ...]] = (BAND,)

    policy: Literal["band"]
    lower: Annotated[Leverage | None, ZERO_OR_MORE] = None
    upper: Annotated[Leverage | None, ABOVE_ZERO] = None
    by_target: dict[Leverage, tuple[Leverage, Leverage]] | None = None
    move: Annotated[Rate | None, ABOVE_ZERO] = None
    crossing: Annotated[Crossing, OMITTED_AT_DEFAULT] = "beyond"
    to: Annotated[Literal["target", "edge"] | Rate, SHARE] = "target"
    side: Side = "both"
    source: PriceSource = "mark"
    poll: Annotated[Duration, POLL] = NS_PER_SECOND
    jitter: Annotated[Duration, ANY] = 0

    def faults(self, basket: Mapping[str, Decimal], lots: Mapping[str, Size]) -> Iterator[Fault]:
        """Borders around the target, an edge to return to, looks in their order."""
        gross = gross_of(basket)
        if self.lower is None and self.upper is None and self.by_target is None:
            if self.move is None:
                yield Fault((), "this band has no border", "at least one of lower, upper, by_target, move")
            if self.to == "edge":
                allowed = "target, a share, or a band with lower or upper"
                yield Fault(("to",), "there is no edge to return to", allowed)
        if self._is_continuous(gross):
            if self.poll == 0:
                yield Fault(("poll",), "a continuous policy looks at steps of time", "a poll such as 1s")
        else:
            yield from lower_faults(self.lower, gross)
            if self.upper is not None and 0 < self.upper <= gross:
                allowed = f"above {format_number(gross)}, without sign, or equal to it as `lower` is"
                yield Fault(("upper",), "the upper border is not above the target", allowed)
        yield from by_target_faults(self.by_target, basket)
        yield from jitter_faults(self.jitter, self.poll)

    def _is_continuous(self, gross: Decimal) -> bool:
        """Whether there is no band: both borders are the target."""
        return 0 < gross == self.lower == self.upper

    def sentence(self, target: Decimal) -> str:
        """What it waits for, and where it goes."""
        goal = f"to the {self.to}" if isinstance(self.to, str) else f"{format_rate(self.to)} of the way to the target"
        if self._is_continuous(abs(target)):
            return (
                f"Every {format_duration(self.poll)} it rebalances if leverage is off {format_number(target)}, {goal}."
            )
        cause = border_words(self.lower, self.upper, self.by_target, self.move, self.crossing, target)
        return f"It rebalances when {cause}, {goal}."

    def reasons(self, facts: ResetFacts) -> Iterator[str]:
        """Which border was crossed, and where the order leads."""
        yield from crossing_reasons(self.band(facts.target), facts)
        if self.to == "edge":
            yield f"It goes to the edge that was crossed, rounded into the band: {facts.goal:.4f}."
        elif isinstance(self.to, Decimal):
            way = f"{format_rate(self.to)} of the way to its target {float(facts.target):.4g}"
            yield f"It goes {way}: {facts.goal:.4f}."
        if self.side == "delever":
            yield "It only lowers leverage."

    def band(self, target: Fraction) -> Band:
        """Its band for a token of this signed target."""
        lower, upper = borders_of(self.lower, self.upper, self.by_target, target)
        to = self.to if isinstance(self.to, str) else Fraction(self.to)
        return Band(BAND, lower, upper, exact(self.move), to, self.side, self.crossing)

    def policy_for(self, terms: FundTerms) -> RebalancingPolicy:
        """The policy with the borders that the token's target has."""
        looks = looks_every(self.poll, self.jitter, terms.stream)
        return BandRebalancing(self.band(terms.target), source=self.source, looks=looks)


@dataclass(slots=True)
class BandRebalancing(RebalancingPolicy):
    """Policy `band`: back into the range, whenever it is left."""

    band: Band

    def decide_watched(self, now: Situation) -> Decision | None:
        """Orders back into the band."""
        return self.band.decide(now)

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """The first prices beyond the band."""
        return self.band.triggers(now)
