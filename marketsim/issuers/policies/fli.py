"""Policy `fli`: recentre a little every day, clip to a range, pull the ripcord (Index Coop's flexible leverage).

The rules are those of `FlexibleLeverageStrategyExtension.sol` (IndexCoop/index-coop-smart-contracts@c852c02) with a
perpetual as collateral: no borrowing limit, chunks in units of the underlying. A plain twin written from the published
rules decides alike in `tests/reference/fli.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import floor
from typing import Annotated, ClassVar, Literal

from marketsim.issuers.fund.nav import Exact, Holding, Leg, PriceTrigger, Rounding, position_for
from marketsim.issuers.policies.borders import border_triggers
from marketsim.issuers.policies.decision import (
    Decision,
    Goal,
    PriceSource,
    RebalanceTrigger,
    RebalancingPolicy,
    Situation,
    single_leg,
)
from marketsim.issuers.policies.family import POLICIES, FundTerms, KeeperReward, PolicySpec
from marketsim.issuers.policies.looks import Looks, looks_every
from marketsim.issuers.policies.reset_facts import ResetFacts
from marketsim.ranges import ABOVE_ZERO, ANY, POLL, SHARE_ABOVE_ZERO, ZERO_OR_MORE
from marketsim.spec import Duration, Fault, Leverage, MoneyOrNone, Rate, SizeAmount, whole_atoms_faults
from marketsim.units import NS_PER_SECOND, Size, format_duration, format_money, format_number, format_rate

FLI = RebalanceTrigger("fli")
RIPCORD = RebalanceTrigger("ripcord", is_rewarded=True, is_urgent=True)


@POLICIES.register
class FliSpec(PolicySpec):
    """Every `every` a share `speed` of the way to `target`, clipped to `min` and `max`; above `ripcord` down to `max`.

    target: absolute; absent, the basket's. Trades are cut into chunks of `max_trade`, `cooldown` apart
    (`ripcord_max_trade`, `ripcord_cooldown` above the ripcord). Who pulls the ripcord gets `ripcord_reward` of the
    issuer, while `reward_balance` lasts (none: always). poll: how often its keepers look (0s: always).
    """

    rebalance_triggers: ClassVar[tuple[RebalanceTrigger, ...]] = (FLI, RIPCORD)

    policy: Literal["fli"]
    min: Annotated[Leverage, ABOVE_ZERO]
    max: Annotated[Leverage, ABOVE_ZERO]
    target: Annotated[Leverage | None, ABOVE_ZERO] = None
    speed: Annotated[Rate, SHARE_ABOVE_ZERO]
    every: Annotated[Duration, ABOVE_ZERO]
    ripcord: Annotated[Leverage, ABOVE_ZERO]
    max_trade: Annotated[SizeAmount, ABOVE_ZERO]
    cooldown: Annotated[Duration, ANY]
    ripcord_max_trade: Annotated[SizeAmount, ABOVE_ZERO]
    ripcord_cooldown: Annotated[Duration, ANY]
    ripcord_reward: Annotated[MoneyOrNone, ZERO_OR_MORE] = None
    reward_balance: Annotated[MoneyOrNone, ZERO_OR_MORE] = None
    source: PriceSource = "mark"
    poll: Annotated[Duration, POLL] = NS_PER_SECOND

    def faults(self, basket: Mapping[str, Decimal], lots: Mapping[str, Size]) -> Iterator[Fault]:
        """The constraints under which the contract would revert; its one leg is the market its chunks are in."""
        if len(basket) != 1:
            yield Fault((), "this policy keeps one leg at its target", "a basket of one market")
            return
        ((market, leg),) = basket.items()
        yield from self._leverage_faults(abs(leg))
        yield from self._time_faults()
        if self.reward_balance is not None and self.ripcord_reward is None:
            allowed = "left out, or a ripcord_reward"
            yield Fault(("reward_balance",), "there is no reward to pay out of it", allowed)
        for key in ("ripcord_reward", "reward_balance"):
            yield from whole_atoms_faults(getattr(self, key), key)
        lot = lots.get(market)
        for key, size in (("max_trade", self.max_trade), ("ripcord_max_trade", self.ripcord_max_trade)):
            if lot is not None and lot.underlying == size.underlying and 0 < size.amount < lot.amount:
                yield Fault((key,), "less than one lot", f"{lot} or more")

    def sentence(self, target: Decimal) -> str:
        """How it recentres, and what the ripcord does."""
        goal = format_number(abs(target) if self.target is None else self.target)
        low, high, ripcord = (format_number(value) for value in (self.min, self.max, self.ripcord))
        reward = ""
        if self.ripcord_reward is not None:
            lasts = "" if self.reward_balance is None else f", {format_money(self.reward_balance)} in all"
            reward = f" Who pulls that ripcord gets {format_money(self.ripcord_reward)} of the issuer{lasts}."
        return (
            f"Every {format_duration(self.every)} it goes {format_rate(self.speed)} of the way to {goal}, and at once "
            f"back into {low} to {high}, in chunks of {self.max_trade} {format_duration(self.cooldown)} apart; from "
            f"{ripcord} on it falls back to {high} in chunks of {self.ripcord_max_trade} "
            f"{format_duration(self.ripcord_cooldown)} apart.{reward}"
        )

    def reasons(self, facts: ResetFacts) -> Iterator[str]:
        """The ratio that it saw, where it is on its way to, and the chunk that may be traded at once."""
        ratio = facts.seen_leverage
        if ratio is None:
            yield from super().reasons(facts)
            return
        at = f"at the {facts.source} of {facts.money(facts.seen_price)}"
        if facts.trigger == RIPCORD.word:
            ripcord, most = format_number(self.ripcord), format_number(self.max)
            yield f"The leverage ratio was {ratio:.4f} {at}, at or above the ripcord {ripcord}: it goes to {most}."
            yield f"One chunk is at most {self.ripcord_max_trade}."
            return
        goal = float(facts.gross if self.target is None else self.target)
        speed, low, high = float(self.speed), float(self.min), float(self.max)
        recentred = max(low, min(high, ratio * (1 - speed) + goal * speed))
        yield f"The leverage ratio was {ratio:.4f} {at}."
        yield (
            f"Recentred it is {ratio:.4f} x (1 - {speed:.4g}) + {goal:.4g} x {speed:.4g}, within {low:.4g} to "
            f"{high:.4g}: {recentred:.4f}; a trade in chunks goes on to the ratio that it began with."
        )
        yield f"One chunk is at most {self.max_trade}; this one leads to {abs(facts.goal):.4f}."

    def formula(self, facts: ResetFacts) -> Iterator[str]:
        """Sized at the price of the oracle."""
        yield from facts.sized_at(facts.seen_price, facts.seen_equity, f"{facts.source} price")

    def policy_for(self, terms: FundTerms) -> RebalancingPolicy:
        """The policy for a token of one leg."""
        rules = rules_of(self, terms.gross, terms.lots[0])
        return FliRebalancing(rules, source=self.source, looks=looks_every(self.poll))

    @property
    def keeper_reward(self) -> KeeperReward | None:
        """What who pulls the ripcord gets."""
        return None if self.ripcord_reward is None else KeeperReward(self.ripcord_reward, self.reward_balance)

    def _leverage_faults(self, basket_target: Decimal) -> Iterator[Fault]:
        target = basket_target if self.target is None else self.target
        if target != basket_target:
            yield Fault(("target",), "the basket has another target", format_number(basket_target))
        if self.min > target:
            yield Fault(("min",), "the minimum is above the target", f"at most {format_number(target)}")
        if self.max < target:
            yield Fault(("max",), "the maximum is below the target", f"at least {format_number(target)}")
        if self.ripcord < self.max:
            yield Fault(("ripcord",), "the ripcord is below the maximum", f"at least {format_number(self.max)}")

    def _time_faults(self) -> Iterator[Fault]:
        if self.cooldown > self.every:
            yield Fault(("cooldown",), "longer than the interval", f"at most {format_duration(self.every)}")
        if self.ripcord_cooldown > self.cooldown:
            allowed = f"at most {format_duration(self.cooldown)}"
            yield Fault(("ripcord_cooldown",), "longer than the cooldown without the ripcord", allowed)


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
class FliRebalancing(RebalancingPolicy):
    """Policy `fli`: the state machine, with what it remembers. The first interval counts from the start of the run.

    An order is sized at the price of the oracle (`source`), to whole lots, at a border into the range. The reward of
    who pulls the ripcord is the issuer's own money and no part of the fund (`KeeperReward`).
    """

    rules: FliRules
    looks: Looks = field(kw_only=True)
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
        goals = {leg.market: _goal_of(now.watched, leg, chunk)}
        return Decision(RIPCORD if is_ripcord else FLI, {leg.market: chunk} if chunk else {}, goals)

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


def _goal_of(watched: Holding, leg: Leg, lots: int) -> Goal:
    """Where an order of so many lots leads at the oracle's price."""
    worth = (leg.position_lots + lots) * leg.price_ticks * leg.atoms_per_tick_lot
    return Goal(Fraction(worth) / watched.equity_atoms)


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
