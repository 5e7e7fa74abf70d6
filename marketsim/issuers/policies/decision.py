"""What a rebalance policy sees of a token, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from marketsim.issuers.fund.nav import Exact, Holding, Leg, PriceTrigger, Rounding, rebalance_lots
from marketsim.issuers.policies.looks import Looks

PriceSource = Literal["mark", "index", "last", "mid"]
"""The price a trigger is measured on."""

Side = Literal["delever", "both", "losing"]
"""Which rebalances are made: only those that lower leverage, all, or only those after a loss."""


@dataclass(frozen=True, slots=True)
class RebalanceTrigger:
    """What sets a rebalance off; `word` is its value in column `trigger` of table `rebalances`.

    is_scheduled: a time sets it off, whatever prices do. is_rewarded: who sets it off is paid for it
    (`family.KeeperReward`). is_urgent: it does not wait for an order in work, but ends it.
    """

    word: str
    is_scheduled: bool = False
    is_rewarded: bool = False
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """What a policy sees of a token at one instant, t_ns from the start of the run.

    held: its holding at the marks, which sizes the order. watched: the same at the prices of the policy's source, which
    decide whether one is due. reset_ticks: by market, the price of the last reset. reset_equity_atoms: what its tokens
    were worth then. fees_atoms: what the fund pays before the order of a rebalance now is sized.
    """

    held: Holding
    watched: Holding
    reset_ticks: Mapping[str, Exact]
    reset_equity_atoms: Exact
    t_ns: int = 0
    fees_atoms: int = 0

    def left(self, held: Holding) -> Holding:
        """A holding once the fees of a rebalance are paid."""
        return replace(held, cash_atoms=held.cash_atoms - self.fees_atoms) if self.fees_atoms else held

    @property
    def has_lost(self) -> bool:
        """Whether the token has lost since its last reset."""
        return self.held.equity_atoms < self.reset_equity_atoms


@dataclass(frozen=True, slots=True)
class Goal:
    """Where an order brings its leg: signed leverage, how it becomes lots, and whether it may only lower leverage."""

    leverage: Exact
    rounding: Rounding = Rounding.NEAREST
    only_reduces: bool = False

    def lots(self, held: Holding, leg: Leg) -> int:
        """Signed order [lots] at the price that a leg is valued at; none for a fund without equity."""
        if held.equity_atoms <= 0:
            return 0
        lots = order_to(held, leg, self.leverage, self.rounding)
        return lots if reduces(leg.position_lots, lots) or not self.only_reduces else 0


@dataclass(frozen=True, slots=True)
class Decision:
    """A reset: why, and the signed lots to trade by market (none at all where every leg is at its target).

    goals: where the orders lead, by market, for orders that are sized anew while they are worked; a leg that has none
    goes to its target.
    """

    trigger: RebalanceTrigger
    lots: Mapping[str, int]
    goals: Mapping[str, Goal] = field(default_factory=dict, compare=False)


@dataclass(slots=True, kw_only=True)
class RebalancingPolicy:
    """When a token trades, and how much: state in, signed lots out. As it stands here it lets the position drift.

    A policy overrides what it does. One that remembers (FLI's last trade) changes its memory in `decide_due` and
    `decide_watched` alone; what a reset would be is asked on a copy. source: the price its triggers are measured on.
    looks: the instants at which it looks at that price; None for never. draws_target: whether the target is drawn at
    the reset, so that nobody can know the size of an order before.
    """

    draws_target: ClassVar[bool] = False

    source: PriceSource = "mark"
    looks: Looks | None = None

    def next_due_ns(self, from_ns: int) -> int | None:
        """First instant at or after another at which it decides whatever prices do [ns from the start]; None: never."""
        return None

    def decide_due(self, now: Situation) -> Decision | None:
        """The reset at such an instant; None when it is skipped."""
        return None

    def decide_watched(self, now: Situation) -> Decision | None:
        """The reset that the present prices ask for; None when they ask for none."""
        return None

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """Prices of the one leg at which `decide_watched` should be asked next; none for a basket of several."""
        return ()

    def aim(self, t_ns: int) -> Exact | None:
        """Absolute leverage it would return to at an instant; None where that is the basket's target."""
        return None


def order_to(held: Holding, leg: Leg, leverage: Exact, rounding: Rounding) -> int:
    """Signed order [lots] that brings one leg to a leverage at its mark."""
    return rebalance_lots(
        leverage, held.equity_atoms, leg.position_lots, leg.price_ticks, leg.atoms_per_tick_lot, rounding
    )


def orders_to_targets(held: Holding) -> dict[str, int]:
    """Signed orders [lots], by market, that bring every leg to its target, without those of no lot."""
    orders = {leg.market: order_to(held, leg, leg.target, Rounding.NEAREST) for leg in held.legs}
    return {market: lots for market, lots in orders.items() if lots}


def single_leg(held: Holding) -> Leg | None:
    """The one leg of a basket of one, None for several."""
    return held.legs[0] if len(held.legs) == 1 else None


def reduces(position_lots: int, order_lots: int) -> bool:
    """Whether an order makes a position smaller."""
    return abs(position_lots + order_lots) < abs(position_lots)
