"""Policy `tlx`: notional against the margin at the last update (TLX on Synthetix perpetuals)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Annotated, ClassVar, Literal

from marketsim.issuers.fund.nav import Direction, PriceTrigger
from marketsim.issuers.policies.decision import (
    Decision,
    PriceSource,
    RebalanceTrigger,
    RebalancingPolicy,
    Situation,
    orders_to_targets,
    single_leg,
)
from marketsim.issuers.policies.family import POLICIES, FundTerms, PolicySpec
from marketsim.issuers.policies.looks import looks_every
from marketsim.issuers.policies.reset_facts import ResetFacts
from marketsim.ranges import POLL, Range
from marketsim.spec import Duration, Leverage
from marketsim.units import NS_PER_SECOND, format_number

TLX = RebalanceTrigger("tlx")

_THRESHOLD = Range("0.01 to 0.8", least=Decimal("0.01"), most=Decimal("0.8"))
"""What TLX-Protocol/protocol@4fca649 allows."""


@POLICIES.register
class TlxSpec(PolicySpec):
    """To the target when notional is `threshold` or more, in multiples of the margin at the last update, off it.

    poll: how often it looks (0s: always).
    """

    rebalance_triggers: ClassVar[tuple[RebalanceTrigger, ...]] = (TLX,)

    policy: Literal["tlx"]
    threshold: Annotated[Leverage, _THRESHOLD]
    source: PriceSource = "mark"
    poll: Annotated[Duration, POLL] = NS_PER_SECOND

    def sentence(self, target: Decimal) -> str:
        """At which distance from its target it acts."""
        threshold = format_number(self.threshold)
        return f"It returns to its target when notional is {threshold} times the last margin or more away from it."

    def reasons(self, facts: ResetFacts) -> Iterator[str]:
        """How far notional was from its target, by the margin at the last update."""
        margin, notional, gross = facts.reset_equity, abs(facts.position) * facts.seen_price, float(facts.gross)
        if facts.legs > 1 or margin <= 0:
            yield from super().reasons(facts)
            return
        yield (
            f"Notional was {notional:,.2f} {facts.asset}, the margin at the last update {margin:,.2f} {facts.asset}: "
            f"|{notional:,.2f} / {margin:,.2f} - {gross:.4g}| = {abs(notional / margin - gross):.4f}, at or above "
            f"{format_number(self.threshold)}."
        )

    def policy_for(self, terms: FundTerms) -> RebalancingPolicy:
        """The policy for the token's gross target."""
        looks = looks_every(self.poll)
        return TlxRebalancing(terms.gross, Fraction(self.threshold), source=self.source, looks=looks)


@dataclass(slots=True)
class TlxRebalancing(RebalancingPolicy):
    """Policy `tlx`: deviation = |notional - M L| / (M L) x L, M the margin at the last update; acts at the threshold.

    L is the gross target, so a threshold t is reached after a move of t / L either way. The order is sized at the
    equity its fees leave, without the costs of trading, so leverage ends a little above its target. Source:
    TLX-Protocol/protocol@4fca649.
    """

    gross: Fraction
    threshold: Fraction

    def decide_watched(self, now: Situation) -> Decision | None:
        """Every leg to its target once the deviation is at the threshold or above."""
        if self.deviation(now) < self.threshold:
            return None
        lots = orders_to_targets(now.left(now.held))
        return Decision(TLX, lots) if lots else None

    def deviation(self, now: Situation) -> Fraction:
        """How far notional is from its target, in multiples of the margin at the last update."""
        margin = now.reset_equity_atoms
        return abs(Fraction(now.watched.exposure_atoms) / margin - self.gross) if margin > 0 else Fraction(0)

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """The first prices of a single leg at which the deviation is at the threshold."""
        leg = single_leg(now.held)
        if leg is None or not leg.position_lots or now.reset_equity_atoms <= 0:
            return ()
        per_tick = Fraction(now.reset_equity_atoms) / (abs(leg.position_lots) * leg.atoms_per_tick_lot)
        above = PriceTrigger(Direction.ABOVE, ceil((self.gross + self.threshold) * per_tick))
        below = floor((self.gross - self.threshold) * per_tick)
        return (above, PriceTrigger(Direction.BELOW, below)) if below >= 1 else (above,)
