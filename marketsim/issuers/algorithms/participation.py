"""Execution by the market's own volume: a share of it (pov), and the cap on that share other algorithms may have.

Volume counts from the decision on. An order that may be a share s of all volume may have traded s / (1 - s) of what
others have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Literal

from marketsim.issuers.algorithms.child import (
    Child,
    ExecutionKindSpec,
    ExecutionPlan,
    Progress,
    at_most,
    immediate_child,
)
from marketsim.spec import Duration, Rate
from marketsim.units import NS_PER_SECOND


class PovSpec(ExecutionKindSpec):
    """Immediate-or-cancel orders that keep its volume at `share` of the market's, for at most `over`.

    every: how often it sends one.
    """

    algorithm: Literal["pov"]
    share: Rate
    over: Duration
    every: Duration = 10 * NS_PER_SECOND


class CappedSpec(ExecutionKindSpec):
    """What an algorithm of several children may say: its volume is at most `max_participation` of the market's."""

    max_participation: Rate | None = None


@dataclass(frozen=True, slots=True)
class PovPlan:
    """Every `every_ns` what its share of the volume so far allows, within 2 % of the mid, until `over_ns` is over."""

    share: Fraction
    over_ns: int
    every_ns: int
    patience: int | None = None

    def opened(self, decided_ns: int, leg: int) -> ExecutionPlan:
        """The same for every order."""
        return self

    def due_ns(self, number: int) -> int | None:
        """Every `every_ns` from the decision on, ends included."""
        at_ns = number * self.every_ns
        return at_ns if at_ns <= self.over_ns else None

    def child(self, now: Progress) -> Child:
        """What is still free of its share."""
        lots = at_most(free_lots(self.share, now), now.remaining_lots)
        return replace(immediate_child(lots, now.price_ticks), is_held_back=lots != now.remaining_lots)


@dataclass(frozen=True, slots=True)
class CappedPlan:
    """Another plan, none of whose children takes its order beyond a share of the market's volume."""

    plan: ExecutionPlan
    share: Fraction

    @property
    def patience(self) -> int | None:
        """That of the other plan."""
        return self.plan.patience

    def opened(self, decided_ns: int, leg: int) -> ExecutionPlan:
        """The other plan for this order, capped."""
        return CappedPlan(self.plan.opened(decided_ns, leg), self.share)

    def due_ns(self, number: int) -> int | None:
        """When the other plan's is."""
        return self.plan.due_ns(number)

    def child(self, now: Progress) -> Child:
        """The other plan's, no larger than the cap allows."""
        wanted = self.plan.child(now)
        lots = at_most(free_lots(self.share, now), wanted.lots)
        return replace(wanted, lots=lots, is_held_back=lots != wanted.lots)


def free_lots(share: Fraction, now: Progress) -> int:
    """Lots an order may still trade now if its part of all volume since the decision may be `share` < 1."""
    return max(floor(share / (1 - share) * now.others_lots) - now.done_lots, 0)


def capped(plan: ExecutionPlan, share: Decimal | None) -> ExecutionPlan:
    """A plan with the cap its declaration asks for."""
    return plan if share is None else CappedPlan(plan, Fraction(share))
