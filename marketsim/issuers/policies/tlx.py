"""Policy `tlx`: notional against the margin at the last update (TLX on Synthetix perpetuals)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Literal

from marketsim.issuers.nav import Direction, Exact, PriceTrigger
from marketsim.issuers.policies.decision import (
    Decision,
    Occasion,
    PriceSource,
    Situation,
    orders_to_targets,
    single_leg,
)
from marketsim.issuers.policies.looks import Looks, looks_every
from marketsim.spec import Duration, Leverage, Spec
from marketsim.units import NS_PER_SECOND


class TlxSpec(Spec):
    """To the target when notional is `threshold` or more, in multiples of the margin at the last update, off it.

    poll: how often it looks (0s: always).
    """

    policy: Literal["tlx"]
    threshold: Leverage
    source: PriceSource = "mark"
    poll: Duration = NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class TlxRebalancing:
    """Policy `tlx`: deviation = |notional - M L| / (M L) x L, M the margin at the last update; acts at the threshold.

    L is the gross target, so a threshold t is reached after a move of t / L either way. The order is sized at the
    equity its fees leave, without the costs of trading, so leverage ends a little above its target. Source:
    TLX-Protocol/protocol@4fca649; the allowed thresholds are 0.01 to 0.8.
    """

    gross: Fraction
    threshold: Fraction
    source: PriceSource
    looks: Looks

    def next_due_ns(self, from_ns: int) -> int | None:
        """Never."""
        return None

    def decide_due(self, now: Situation) -> Decision | None:
        """Nothing."""
        return None

    def decide_watched(self, now: Situation) -> Decision | None:
        """Every leg to its target once the deviation is at the threshold or above."""
        if self.deviation(now) < self.threshold:
            return None
        lots = orders_to_targets(now.left(now.held))
        return Decision(Occasion.TLX, lots) if lots else None

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

    def aim(self, t_ns: int) -> Exact | None:
        """The basket's target."""
        return None


def tlx_of(spec: TlxSpec, gross: Fraction) -> TlxRebalancing:
    """The policy of a declaration, for a token of this gross target."""
    return TlxRebalancing(gross, Fraction(spec.threshold), spec.source, looks_every(spec.poll))
