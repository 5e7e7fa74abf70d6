"""Policy `variable`: a target nobody knows, looked after at times nobody knows (Binance's BLVT)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from marketsim.issuers.luck import HIDDEN_TARGET, LOOK_GAP
from marketsim.issuers.nav import Exact, Holding, Leg, PriceTrigger, Rounding
from marketsim.issuers.policies.band import border_triggers
from marketsim.issuers.policies.decision import Decision, Occasion, PriceSource, Situation, order_to, single_leg
from marketsim.issuers.policies.looks import RandomLooks
from marketsim.spec import DurationDistribution, Leverage, LeverageDistribution, Spec
from marketsim.streams import Stream, draw


class VariableSpec(Spec):
    """To a hidden target when, at a look, leverage is strictly outside `lower` to `upper`.

    hidden: law of the absolute target, drawn anew at every look. poll: law of the time between two looks.
    """

    policy: Literal["variable"]
    lower: Leverage
    upper: Leverage
    hidden: LeverageDistribution
    poll: DurationDistribution
    source: PriceSource = "mark"


@dataclass(frozen=True, slots=True)
class VariableRebalancing:
    """Policy `variable`: a moving target inside a band.

    Binance says that target and timing are hidden, and that it rebalances only when leverage leaves 1.25 to 4 (blog
    421499824684900612); that the target is drawn afresh, that looks come at random and what their laws are is our
    model. `target(n)`: the absolute target of look n.
    """

    lower: Fraction
    upper: Fraction
    target: Callable[[int], Fraction]
    source: PriceSource
    looks: RandomLooks

    def next_due_ns(self, from_ns: int) -> int | None:
        """Never: a look at which nothing is crossed changes nothing."""
        return None

    def decide_due(self, now: Situation) -> Decision | None:
        """Nothing."""
        return None

    def decide_watched(self, now: Situation) -> Decision | None:
        """Every leg to its share of this look's target, once leverage has left the band."""
        if not now.watched.is_above(self.upper) and not now.watched.is_beneath(self.lower):
            return None
        wished = self.target(self.looks.number(now.t_ns))
        lots = {leg.market: self._order(now.left(now.held), leg, wished) for leg in now.held.legs}
        lots = {market: order for market, order in lots.items() if order}
        return Decision(Occasion.VARIABLE, lots) if lots else None

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

    def _order(self, held: Holding, leg: Leg, wished: Fraction) -> int:
        gross = sum(abs(other.target) for other in held.legs)
        return order_to(held, leg, leg.target * wished / gross, Rounding.NEAREST)


def variable_of(spec: VariableSpec, stream: Stream) -> VariableRebalancing:
    """The policy of a declaration, with the token's own luck."""

    def gaps(first: int, count: int) -> Sequence[int]:
        return [round(gap) for gap in draw(spec.poll, stream, LOOK_GAP, count=range(first, first + count)).tolist()]

    def target(look: int) -> Fraction:
        return Fraction(float(draw(spec.hidden, stream, HIDDEN_TARGET, count=look)))

    return VariableRebalancing(Fraction(spec.lower), Fraction(spec.upper), target, spec.source, RandomLooks(gaps))
