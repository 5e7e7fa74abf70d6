"""Rebalancing policies: when a token trades, and to which leverage. Leverages in bands and emergencies are absolute.

A policy is pure: it reads a `Situation` and returns a `Decision`. Waiting, sending and remembering are `issuer.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal, Protocol

from marketsim.issuers.fees import NS_PER_DAY
from marketsim.issuers.nav import (
    Exact,
    Holding,
    Leg,
    PriceTrigger,
    Rounding,
    fall_trigger,
    lower_trigger,
    rebalance_lots,
    rise_trigger,
    upper_trigger,
)
from marketsim.spec import NONE_IN_WORDS, WORDS_FOR_NONE, Duration, Leverage, Rate, Spec, TimeOfDay
from marketsim.units import NS_PER_SECOND

PriceSource = Literal["mark", "index", "last", "mid"]
"""The price a trigger is measured on."""

Side = Literal["delever", "both", "losing"]
"""Which rebalances are made: only those that lower leverage, all, or only those after a loss."""


class NoRebalanceSpec(Spec):
    """Never."""

    policy: Literal["none"]


class EmergencySpec(Spec):
    """A rebalance between the daily ones, when leverage is strictly beyond `leverage`."""

    leverage: Leverage
    side: Side


class DailySpec(Spec):
    """Every day at `at` (UTC) + a random part of `jitter`; not while leverage is within `skip_if`."""

    policy: Literal["daily"]
    at: TimeOfDay
    jitter: Duration = 0
    emergency: Annotated[EmergencySpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    skip_if: tuple[Leverage, Leverage] | None = None


class BandSpec(Spec):
    """When leverage is strictly beyond `lower` or `upper`, or the price has moved by `move` since the last reset.

    to: back to the `target`, to the `edge` of the band, or a share of the way to the target.
    """

    policy: Literal["band"]
    lower: Leverage | None = None
    upper: Leverage | None = None
    move: Rate | None = None
    to: Literal["target", "edge"] | Rate = "target"
    side: Side = "both"
    source: Literal["mark", "index", "last", "mid"] = "mark"
    poll: Duration = NS_PER_SECOND


RebalanceSpec = NoRebalanceSpec | DailySpec | BandSpec


class Occasion(StrEnum):
    """Why a token rebalances; the values of column `trigger` of table `rebalances`."""

    SCHEDULED = "scheduled"
    EMERGENCY = "emergency"
    BAND = "band"


@dataclass(frozen=True, slots=True)
class Situation:
    """What a policy sees of a token at one instant.

    held: its holding at the marks, which sizes the order. watched: the same at the prices of the policy's source, which
    decide whether one is due. reset_ticks: by market, the price of the last reset. reset_equity_atoms: what its tokens
    were worth then.
    """

    held: Holding
    watched: Holding
    reset_ticks: Mapping[str, Exact]
    reset_equity_atoms: Exact

    @property
    def has_lost(self) -> bool:
        """Whether the token has lost since its last reset."""
        return self.held.equity_atoms < self.reset_equity_atoms


@dataclass(frozen=True, slots=True)
class Decision:
    """A reset: why, and the signed lots to trade by market (none at all where every leg is at its target)."""

    occasion: Occasion
    lots: Mapping[str, int]


class RebalancingPolicy(Protocol):
    """When a token trades, and how much: state in, signed lots out."""

    @property
    def source(self) -> PriceSource:
        """The price its triggers are measured on."""
        ...

    @property
    def poll_ns(self) -> int | None:
        """How often it looks at that price [ns]: 0 continuously, None never."""
        ...

    def scheduled_ns(self, day: int) -> int | None:
        """Instant of the reset of UTC day 0, 1, ... of the run [ns from the start, perhaps negative]; None for none."""
        ...

    def decide_scheduled(self, now: Situation) -> Decision | None:
        """The reset at a scheduled instant; None when it is skipped."""
        ...

    def decide_watched(self, now: Situation) -> Decision | None:
        """The reset that the present prices ask for; None when they ask for none."""
        ...

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """Prices of the one leg at which `decide_watched` should be asked next; none for a basket of several."""
        ...


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
        if bound is None and not self._has_moved(now):
            return None
        if self.side == "losing" and not now.has_lost:
            return None
        lots = {leg.market: self._order(now.held, leg, bound) for leg in now.held.legs}
        if self.side == "delever":
            lots = {
                leg.market: lots[leg.market] for leg in now.held.legs if reduces(leg.position_lots, lots[leg.market])
            }
        lots = {market: order for market, order in lots.items() if order}
        return Decision(self.occasion, lots) if lots else None

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """The first prices of a single leg that are beyond the band."""
        if len(now.held.legs) != 1:
            return ()
        (leg,) = now.held.legs
        ledger = (now.held.cash_atoms, leg.position_lots, leg.atoms_per_tick_lot)
        found: list[PriceTrigger | None] = []
        if self.upper is not None:
            found.append(upper_trigger(*ledger, self.upper))
        if self.lower is not None:
            found.append(lower_trigger(*ledger, self.lower))
        if self.move is not None:
            reference = now.reset_ticks[leg.market]
            found += [rise_trigger(reference, self.move), fall_trigger(reference, self.move)]
        return tuple(trigger for trigger in found if trigger is not None)

    def _crossed(self, watched: Holding) -> Fraction | None:
        if self.upper is not None and watched.is_above(self.upper):
            return self.upper
        if self.lower is not None and watched.is_beneath(self.lower):
            return self.lower
        return None

    def _has_moved(self, now: Situation) -> bool:
        if self.move is None:
            return False
        moves = (Fraction(leg.price_ticks) / now.reset_ticks[leg.market] - 1 for leg in now.watched.legs)
        return any(abs(move) > self.move for move in moves)

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
class NoRebalancing:
    """Policy `none`: the position drifts."""

    source: PriceSource = "mark"
    poll_ns: int | None = None

    def scheduled_ns(self, day: int) -> int | None:
        """Never."""
        return None

    def decide_scheduled(self, now: Situation) -> Decision | None:
        """Nothing."""
        return None

    def decide_watched(self, now: Situation) -> Decision | None:
        """Nothing."""
        return None

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """None."""
        return ()


@dataclass(frozen=True, slots=True)
class DailyRebalancing:
    """Policy `daily`: back to the target at a time of day, and in an emergency between (FTX 2019-2022).

    jitter_ns: by UTC day of the run, a draw from [0, jitter). The emergency is watched continuously on the mark. Its
    side `both` also acts as far below the target as `leverage` is above it, at 2 |target| - leverage (FTX until
    2019-09-24, whose 33 % counted both ways; Bybit's 2 and 4 around 3).
    """

    spec: DailySpec
    start_ns: int
    jitter_ns: Callable[[int], int]
    emergency: Band | None
    source: PriceSource = "mark"

    @property
    def poll_ns(self) -> int | None:
        """Continuously where there is an emergency rule."""
        return None if self.emergency is None else 0

    def scheduled_ns(self, day: int) -> int | None:
        """`at` of that day, and its jitter."""
        return day * NS_PER_DAY - self.start_ns % NS_PER_DAY + self.spec.at + self.jitter_ns(day)

    def decide_scheduled(self, now: Situation) -> Decision | None:
        """Every leg back to its target; skipped while absolute leverage is within `skip_if`, ends included."""
        if self.spec.skip_if is not None:
            low, high = (Fraction(bound) for bound in self.spec.skip_if)
            if not now.held.is_above(high) and not now.held.is_beneath(low):
                return None
        lots = {leg.market: order_to(now.held, leg, leg.target, Rounding.NEAREST) for leg in now.held.legs}
        return Decision(Occasion.SCHEDULED, {market: order for market, order in lots.items() if order})

    def decide_watched(self, now: Situation) -> Decision | None:
        """The emergency rule."""
        return None if self.emergency is None else self.emergency.decide(now)

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """Prices of the emergency rule."""
        return () if self.emergency is None else self.emergency.triggers(now)


@dataclass(frozen=True, slots=True)
class BandRebalancing:
    """Policy `band`: whenever leverage or the price's move since the last reset leaves a range."""

    band: Band
    source: PriceSource
    poll_ns: int | None

    def scheduled_ns(self, day: int) -> int | None:
        """Never."""
        return None

    def decide_scheduled(self, now: Situation) -> Decision | None:
        """Nothing."""
        return None

    def decide_watched(self, now: Situation) -> Decision | None:
        """Orders back into the band."""
        return self.band.decide(now)

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """The first prices beyond the band."""
        return self.band.triggers(now)


def order_to(held: Holding, leg: Leg, leverage: Exact, rounding: Rounding) -> int:
    """Signed order [lots] that brings one leg to a leverage at its mark."""
    return rebalance_lots(
        leverage, held.equity_atoms, leg.position_lots, leg.price_ticks, leg.atoms_per_tick_lot, rounding
    )


def reduces(position_lots: int, order_lots: int) -> bool:
    """Whether an order makes a position smaller."""
    return abs(position_lots + order_lots) < abs(position_lots)


def policy_of(
    spec: RebalanceSpec, *, target: Fraction, start_ns: int, jitter_ns: Callable[[int], int]
) -> RebalancingPolicy:
    """The policy a declaration asks for.

    target: the basket's gross target leverage. start_ns: the run's start [ns since 1970]. jitter_ns: by UTC day of the
    run, how much later the daily reset comes [ns].
    """
    match spec:
        case NoRebalanceSpec():
            return NoRebalancing()
        case DailySpec():
            return DailyRebalancing(spec, start_ns, jitter_ns, _emergency_band(spec.emergency, target))
        case BandSpec():
            lower, upper, move = (None if x is None else Fraction(x) for x in (spec.lower, spec.upper, spec.move))
            to = spec.to if isinstance(spec.to, str) else Fraction(spec.to)
            return BandRebalancing(Band(Occasion.BAND, lower, upper, move, to, spec.side), spec.source, spec.poll)


def _emergency_band(spec: EmergencySpec | None, target: Fraction) -> Band | None:
    if spec is None:
        return None
    upper = Fraction(spec.leverage)
    lower = 2 * target - upper if spec.side == "both" and 2 * target > upper else None
    return Band(Occasion.EMERGENCY, lower, upper, None, "target", spec.side)
