"""Policy `band`, and the band an emergency rule is made of: a range of leverage and of the price's move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from marketsim.issuers.nav import (
    Direction,
    Exact,
    Holding,
    Leg,
    PriceTrigger,
    Rounding,
    fall_trigger,
    lower_trigger,
    rise_trigger,
    upper_trigger,
)
from marketsim.issuers.policies.decision import (
    Decision,
    Occasion,
    PriceSource,
    Side,
    Situation,
    order_to,
    reduces,
    single_leg,
)
from marketsim.issuers.policies.looks import Looks, looks_every
from marketsim.spec import Duration, Leverage, Rate, Spec
from marketsim.streams import Stream
from marketsim.units import NS_PER_SECOND

Borders = tuple[Fraction | None, Fraction | None]
"""Lower and upper border of a band, None where there is none."""


class BandSpec(Spec):
    """When leverage is strictly beyond `lower` or `upper`, or the price has moved by `move` since the last reset.

    by_target: borders [lower, upper] by the token's signed target, for a rule that several tokens share. to: back to
    the `target`, to the `edge` of the band, or a share of the way to the target. poll: how often it looks (0s: always),
    each time a random part of `jitter` later.
    """

    policy: Literal["band"]
    lower: Leverage | None = None
    upper: Leverage | None = None
    by_target: dict[Leverage, tuple[Leverage, Leverage]] | None = None
    move: Rate | None = None
    to: Literal["target", "edge"] | Rate = "target"
    side: Side = "both"
    source: PriceSource = "mark"
    poll: Duration = NS_PER_SECOND
    jitter: Duration = 0


@dataclass(frozen=True, slots=True)
class Band:
    """A range of absolute leverage and of the price's move, and what happens beyond it.

    A crossing is strictly beyond. `to`: leverage goes to the target, to the edge that was crossed (rounded into the
    band; the target when only the move was exceeded), or a share of the way to the target.
    """

    occasion: Occasion
    lower: Fraction | None
    upper: Fraction | None
    move: Fraction | None
    to: Literal["target", "edge"] | Fraction
    side: Side

    def decide(self, now: Situation) -> Decision | None:
        """Orders back into the band; None inside it, on the wrong side, or where not one lot would change hands."""
        bound = self._crossed(now.watched)
        if bound is None and not has_moved(now, self.move):
            return None
        if self.side == "losing" and not now.has_lost:
            return None
        lots = {leg.market: self._order(now.left(now.held), leg, bound) for leg in now.held.legs}
        if self.side == "delever":
            lots = {
                leg.market: lots[leg.market] for leg in now.held.legs if reduces(leg.position_lots, lots[leg.market])
            }
        lots = {market: order for market, order in lots.items() if order}
        return Decision(self.occasion, lots) if lots else None

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """The first prices of a single leg that are beyond the band."""
        leg = single_leg(now.held)
        if leg is None:
            return ()
        found = border_triggers(now.held.cash_atoms, leg, (self.lower, self.upper))
        if self.move is not None:
            reference = now.reset_ticks[leg.market]
            found += [rise_trigger(reference, self.move), fall_trigger(reference, self.move)]
        return tuple(trigger for trigger in found if trigger is not None and self._may_act(now, leg, trigger))

    def _may_act(self, now: Situation, leg: Leg, trigger: PriceTrigger) -> bool:
        """False for a price from which on, however far it goes, the rule's side forbids a rebalance.

        Gains grow one way, leverage falls one way: what a token has not lost, or is not levered, at the first price
        beyond a border, it is not further on. Told by the mark alone; on another source every border is watched.
        """
        if self.side == "both" or now.held is not now.watched:
            return True
        there = Holding(now.held.cash_atoms, (replace(leg, price_ticks=trigger.ticks),))
        is_above, is_long = trigger.direction is Direction.ABOVE, leg.position_lots > 0
        if self.side == "losing":
            return is_above != is_long or there.equity_atoms < now.reset_equity_atoms
        lowers_leverage = is_above == (is_long and now.held.cash_atoms < 0)
        return not lowers_leverage or there.is_above(abs(leg.target))

    def _crossed(self, watched: Holding) -> Fraction | None:
        if self.upper is not None and watched.is_above(self.upper):
            return self.upper
        if self.lower is not None and watched.is_beneath(self.lower):
            return self.lower
        return None

    def _order(self, held: Holding, leg: Leg, bound: Fraction | None) -> int:
        wished, rounding = leg.target, Rounding.NEAREST
        if self.to == "edge" and bound is not None:
            wished = leg.target * bound / sum(abs(other.target) for other in held.legs)
            rounding = Rounding.SMALLER if bound == self.upper else Rounding.LARGER
        elif isinstance(self.to, Fraction):
            present = held.leg_leverage(leg) or Fraction(0)
            wished = present + self.to * (leg.target - present)
        return order_to(held, leg, wished, rounding)


@dataclass(frozen=True, slots=True)
class BandRebalancing:
    """Policy `band`: whenever leverage or the price's move since the last reset leaves a range."""

    band: Band
    source: PriceSource
    looks: Looks | None

    def next_due_ns(self, from_ns: int) -> int | None:
        """Never."""
        return None

    def decide_due(self, now: Situation) -> Decision | None:
        """Nothing."""
        return None

    def decide_watched(self, now: Situation) -> Decision | None:
        """Orders back into the band."""
        return self.band.decide(now)

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """The first prices beyond the band."""
        return self.band.triggers(now)

    def aim(self, t_ns: int) -> Exact | None:
        """The basket's target."""
        return None


def has_moved(now: Situation, move: Fraction | None) -> bool:
    """Whether the watched price of any leg is strictly more than a share away from that of the last reset."""
    if move is None:
        return False
    moves = (Fraction(leg.price_ticks) / now.reset_ticks[leg.market] - 1 for leg in now.watched.legs)
    return any(abs(r) > move for r in moves)


def border_triggers(cash_atoms: int, leg: Leg, borders: Borders) -> list[PriceTrigger | None]:
    """First prices at which leverage is strictly beyond each border."""
    lower, upper = borders
    ledger = (cash_atoms, leg.position_lots, leg.atoms_per_tick_lot)
    above = None if upper is None else upper_trigger(*ledger, upper)
    beneath = None if lower is None else lower_trigger(*ledger, lower)
    return [above, beneath]


def exact(value: Decimal | None) -> Fraction | None:
    """A declared number as a rational one."""
    return None if value is None else Fraction(value)


def borders_of(
    lower: Decimal | None,
    upper: Decimal | None,
    by_target: Mapping[Decimal, tuple[Decimal, Decimal]] | None,
    target: Fraction,
) -> Borders:
    """The borders a declaration gives the token of a signed target; `lower` and `upper` come before `by_target`."""
    rows = {Fraction(key): row for key, row in (by_target or {}).items()}
    low, high = rows.get(target, (None, None))
    return exact(lower if lower is not None else low), exact(upper if upper is not None else high)


def band_of(spec: BandSpec, target: Fraction, stream: Stream) -> BandRebalancing:
    """The policy of a declaration, for a token of this signed target."""
    lower, upper = borders_of(spec.lower, spec.upper, spec.by_target, target)
    to = spec.to if isinstance(spec.to, str) else Fraction(spec.to)
    band = Band(Occasion.BAND, lower, upper, exact(spec.move), to, spec.side)
    return BandRebalancing(band, spec.source, looks_every(spec.poll, spec.jitter, stream))
