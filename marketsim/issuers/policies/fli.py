"""Policy `fli`: recentre a little every day, clip to a range, pull the ripcord (Index Coop's flexible leverage).

The rules are those of `FlexibleLeverageStrategyExtension.sol` (IndexCoop/index-coop-smart-contracts@c852c02) with a
perpetual as collateral: no borrowing limit, chunks in units of the underlying. A plain twin written from the published
rules decides alike in `tests/reference/fli.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import floor
from typing import Literal

from marketsim.issuers.nav import Exact, Holding, Leg, PriceTrigger, Rounding, position_for
from marketsim.issuers.policies.band import border_triggers
from marketsim.issuers.policies.decision import Decision, Occasion, PriceSource, Situation, single_leg
from marketsim.issuers.policies.looks import Looks, looks_every
from marketsim.spec import Duration, Leverage, MoneyOrNone, Rate, SizeAmount, Spec
from marketsim.units import NS_PER_SECOND


class FliSpec(Spec):
    """Every `every` a share `speed` of the way to `target`, clipped to `min` and `max`; above `ripcord` down to `max`.

    target: absolute; absent, the basket's. Trades are cut into chunks of `max_trade`, `cooldown` apart
    (`ripcord_max_trade`, `ripcord_cooldown` above the ripcord). Who pulls the ripcord gets `ripcord_reward` of the
    issuer, while `reward_balance` lasts (none: always). poll: how often its keepers look (0s: always).
    """

    policy: Literal["fli"]
    min: Leverage
    max: Leverage
    target: Leverage | None = None
    speed: Rate
    every: Duration
    ripcord: Leverage
    max_trade: SizeAmount
    cooldown: Duration
    ripcord_max_trade: SizeAmount
    ripcord_cooldown: Duration
    ripcord_reward: MoneyOrNone = None
    reward_balance: MoneyOrNone = None
    source: PriceSource = "mark"
    poll: Duration = NS_PER_SECOND


class FliAction(StrEnum):
    """What the rules allow at an instant, the first of them that does."""

    RIPCORD = "ripcord"
    ITERATE = "iterate"
    REBALANCE = "rebalance"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class FliRules:
    """The parameters: absolute leverages, the recentering speed, times [ns], chunks [lots]."""

    minimum: Fraction
    maximum: Fraction
    target: Fraction
    speed: Fraction
    ripcord: Fraction
    every_ns: int
    cooldown_ns: int
    ripcord_cooldown_ns: int
    max_trade_lots: int
    ripcord_max_trade_lots: int

    def recentred(self, ratio: Fraction) -> Fraction:
        """The ratio a rebalance goes to: ratio (1 - speed) + target x speed, within minimum and maximum."""
        return max(self.minimum, min(self.maximum, ratio * (1 - self.speed) + self.target * self.speed))

    def is_outside(self, ratio: Fraction) -> bool:
        """Whether a ratio is strictly outside minimum to maximum."""
        return ratio < self.minimum or ratio > self.maximum


@dataclass(frozen=True, slots=True)
class FliMemory:
    """What the contract stores: when it traded last [ns], and the ratio it is on its way to in chunks, if it is."""

    last_trade_ns: int = 0
    twap_ratio: Fraction | None = None


def allowed_action(rules: FliRules, memory: FliMemory, ratio: Fraction, t_ns: int) -> FliAction:
    """What may be called at an instant with this leverage ratio: ripcord, iterate, rebalance or none, in this order."""
    waited_ns = t_ns - memory.last_trade_ns
    if ratio >= rules.ripcord:
        return FliAction.RIPCORD if waited_ns > rules.ripcord_cooldown_ns else FliAction.NONE
    is_iteration = memory.twap_ratio is not None
    wait_ns = rules.cooldown_ns if is_iteration else rules.every_ns
    if waited_ns > wait_ns or rules.is_outside(ratio):
        return FliAction.ITERATE if is_iteration else FliAction.REBALANCE
    return FliAction.NONE


def is_advantageous(rules: FliRules, memory: FliMemory, ratio: Fraction) -> bool:
    """Whether the price alone has carried the ratio to the stored one or past it, so that no trade is needed."""
    stored = memory.twap_ratio
    if stored is None:
        return False
    return (stored < rules.target and ratio >= stored) or (stored > rules.target and ratio <= stored)


@dataclass(slots=True)
class FliRebalancing:
    """Policy `fli`: the state machine, with what it remembers. The first interval counts from the start of the run.

    An order is sized at the price of the oracle (`source`), to whole lots, at a border into the range. The reward of
    who pulls the ripcord is the issuer's own money and no part of the fund (`issuers/subsidy.py`).
    """

    rules: FliRules
    source: PriceSource
    looks: Looks
    memory: FliMemory = FliMemory()

    def next_due_ns(self, from_ns: int) -> int | None:
        """The first look after the interval, or after the cooldown of a trade in chunks."""
        rules, memory = self.rules, self.memory
        wait_ns = rules.every_ns if memory.twap_ratio is None else rules.cooldown_ns
        return self.looks.next_ns(max(memory.last_trade_ns + wait_ns, from_ns - 1))

    def decide_due(self, now: Situation) -> Decision | None:
        """What the rules allow now."""
        return self._step(now)

    def decide_watched(self, now: Situation) -> Decision | None:
        """What the rules allow now."""
        return self._step(now)

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """The first prices beyond minimum and maximum."""
        leg = single_leg(now.held)
        if leg is None:
            return ()
        found = border_triggers(now.held.cash_atoms, leg, (self.rules.minimum, self.rules.maximum))
        return tuple(trigger for trigger in found if trigger is not None)

    def aim(self, t_ns: int) -> Exact | None:
        """The ratio it is on its way to, if it is."""
        return self.memory.twap_ratio

    def _step(self, now: Situation) -> Decision | None:
        leg, ratio = single_leg(now.watched), now.watched.gross_leverage
        if leg is None or ratio is None:
            return None
        action = allowed_action(self.rules, self.memory, ratio, now.t_ns)
        if action is FliAction.NONE:
            return None
        is_ripcord = action is FliAction.RIPCORD
        if action is FliAction.ITERATE and is_advantageous(self.rules, self.memory, ratio):
            self.memory = FliMemory(now.t_ns)
            return None
        wished = self._wished(action, ratio)
        total = _order_to(now.left(now.watched), leg, wished, self.rules)
        most = self.rules.ripcord_max_trade_lots if is_ripcord else self.rules.max_trade_lots
        chunk = max(-most, min(most, total))
        self.memory = FliMemory(now.t_ns, self._stored(action, wished, chunk == total))
        return Decision(Occasion.RIPCORD if is_ripcord else Occasion.FLI, {leg.market: chunk} if chunk else {})

    def _wished(self, action: FliAction, ratio: Fraction) -> Fraction:
        if action is FliAction.RIPCORD:
            return self.rules.maximum
        stored = self.memory.twap_ratio
        return self.rules.recentred(ratio) if stored is None else stored

    def _stored(self, action: FliAction, wished: Fraction, is_complete: bool) -> Fraction | None:
        return None if is_complete or action is FliAction.RIPCORD else wished


def _order_to(held: Holding, leg: Leg, ratio: Fraction, rules: FliRules) -> int:
    """Signed order [lots] that brings the leg to an absolute ratio at the oracle's price."""
    rounding = Rounding.NEAREST
    if ratio == rules.maximum:
        rounding = Rounding.SMALLER
    elif ratio == rules.minimum:
        rounding = Rounding.LARGER
    signed = ratio if leg.target > 0 else -ratio
    wished = position_for(signed, held.equity_atoms, leg.price_ticks, leg.atoms_per_tick_lot, rounding)
    return wished - leg.position_lots


def rules_of(spec: FliSpec, gross: Fraction, lot: Fraction) -> FliRules:
    """The parameters of a declaration, for a token of this gross target; lot: size of a lot [units]."""
    chunk, ripcord_chunk = (floor(Fraction(size.amount) / lot) for size in (spec.max_trade, spec.ripcord_max_trade))
    return FliRules(
        Fraction(spec.min),
        Fraction(spec.max),
        gross if spec.target is None else Fraction(spec.target),
        Fraction(spec.speed),
        Fraction(spec.ripcord),
        spec.every,
        spec.cooldown,
        spec.ripcord_cooldown,
        chunk,
        ripcord_chunk,
    )


def fli_of(spec: FliSpec, gross: Fraction, lot: Fraction) -> FliRebalancing:
    """The policy of a declaration, for a token of this gross target; lot: size of a lot [units]."""
    return FliRebalancing(rules_of(spec, gross, lot), spec.source, looks_every(spec.poll))
