"""Policy `variable`: a target nobody knows, looked after at times nobody knows (Binance's BLVT)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from marketsim.issuers.fund.nav import Exact, PriceTrigger
from marketsim.issuers.policies.borders import border_triggers, gross_of
from marketsim.issuers.policies.decision import (
    Decision,
    Goal,
    PriceSource,
    RebalanceTrigger,
    RebalancingPolicy,
    Situation,
    single_leg,
)
from marketsim.issuers.policies.family import POLICIES, FundTerms, PolicySpec
from marketsim.issuers.policies.looks import RandomLooks
from marketsim.issuers.policies.reset_facts import ResetFacts
from marketsim.issuers.random_draws import HIDDEN_TARGET, LOOK_GAP
from marketsim.ranges import ABOVE_ZERO, ZERO_OR_MORE
from marketsim.spec import (
    Distribution,
    DurationDistribution,
    Fault,
    Leverage,
    LeverageDistribution,
    distribution_words,
)
from marketsim.streams import draw, lower_end, mean, upper_end
from marketsim.units import NS_PER_SECOND, Size, format_number

VARIABLE = RebalanceTrigger("variable")


@POLICIES.register
class VariableSpec(PolicySpec):
    """To a hidden target when, at a look, leverage is strictly outside `lower` to `upper`.

    hidden: law of the absolute target, drawn anew at every look. poll: law of the time between two looks.
    """

    rebalance_triggers: ClassVar[tuple[RebalanceTrigger, ...]] = (VARIABLE,)

    policy: Literal["variable"]
    lower: Annotated[Leverage, ZERO_OR_MORE]
    upper: Annotated[Leverage, ABOVE_ZERO]
    hidden: LeverageDistribution
    poll: DurationDistribution
    source: PriceSource = "mark"

    def faults(self, basket: Mapping[str, Decimal], lots: Mapping[str, Size]) -> Iterator[Fault]:
        """A band around the target at which it opens and around every hidden target; looks at a second or longer."""
        gross = gross_of(basket)
        if not self.lower < gross < self.upper:
            message = f"the target {format_number(gross)}, at which it opens, is not within the band"
            yield Fault(("lower",), message, "lower below the target, upper above it, without sign")
        least, most = lower_end(self.hidden), upper_end(self.hidden)
        if most is None or not self.lower < least <= most < self.upper:
            allowed = "a law with two ends that lie between lower and upper"
            yield Fault(("hidden",), "the hidden target may leave the band", allowed)
        if _typical_ns(self.poll) < NS_PER_SECOND:
            message = "it would look more often than prices are published"
            yield Fault(("poll",), message, "1s or longer on average")

    def sentence(self, target: Decimal) -> str:
        """Where it goes, when, and how often it looks."""
        band = f"{format_number(self.lower)} to {format_number(self.upper)}"
        return (
            f"It goes to a hidden target ({distribution_words(self.hidden)}) when, at a look, leverage is outside "
            f"{band}; the time between two looks is {distribution_words(self.poll)}."
        )

    def reasons(self, facts: ResetFacts) -> Iterator[str]:
        """Where leverage was at the look, and the target that was drawn for it."""
        leverage = facts.seen_leverage
        seen = "the fund had no equity" if leverage is None else f"leverage was {leverage:.4f}"
        band = f"{format_number(self.lower)} to {format_number(self.upper)}"
        at = f"at the {facts.source} of {facts.money(facts.seen_price)}"
        yield f"At a look at {facts.when} {seen} {at}, outside {band}."
        yield f"The hidden target that was drawn for this look was {abs(facts.goal):.4f}."

    def policy_for(self, terms: FundTerms) -> RebalancingPolicy:
        """The policy with the token's own draws."""
        stream = terms.stream

        def gaps(first: int, count: int) -> Sequence[int]:
            found = draw(self.poll, stream, LOOK_GAP, count=range(first, first + count))
            return [round(gap) for gap in found.tolist()]

        def target(look: int) -> Fraction:
            return Fraction(float(draw(self.hidden, stream, HIDDEN_TARGET, count=look)))

        looks = RandomLooks(gaps)
        return VariableRebalancing(Fraction(self.lower), Fraction(self.upper), target, source=self.source, looks=looks)


def _typical_ns(law: Distribution) -> Decimal:
    """The mean of a law of times [ns]; its smallest value where it has none."""
    try:
        return mean(law)
    except ValueError:
        return Decimal(lower_end(law))


@dataclass(slots=True)
class VariableRebalancing(RebalancingPolicy):
    """Policy `variable`: a moving target inside a band.

    Binance says that target and timing are hidden, and that it rebalances only when leverage leaves 1.25 to 4 (blog
    421499824684900612); that the target is drawn afresh, that looks come at random and what their laws are is our
    model. `target(n)`: the absolute target of look n.
    """

    draws_target: ClassVar[bool] = True

    lower: Fraction
    upper: Fraction
    target: Callable[[int], Fraction]
    looks: RandomLooks = field(kw_only=True)

    def decide_watched(self, now: Situation) -> Decision | None:
        """Every leg to its share of this look's target, once leverage has left the band."""
        if not now.watched.is_above(self.upper) and not now.watched.is_beneath(self.lower):
            return None
        wished = self.target(self.looks.number(now.t_ns))
        held = now.left(now.held)
        gross = sum(abs(leg.target) for leg in held.legs)
        goals = {leg.market: Goal(leg.target * wished / gross) for leg in held.legs}
        lots = {leg.market: order for leg in held.legs if (order := goals[leg.market].lots(held, leg))}
        return Decision(VARIABLE, lots, goals) if lots else None

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """The first prices beyond the band."""
        leg = single_leg(now.held)
        if leg is None:
            return ()
        found = border_triggers(now.held.cash_atoms, leg, (self.lower, self.upper))
        return tuple(trigger for trigger in found if trigger is not None)

    def aim(self, t_ns: int) -> Exact | None:
        """The hidden target of the last look."""
        return self.target(self.looks.number(t_ns))
