"""Execution: all algorithms a scenario may declare, and the plan a declaration asks for.

A plan says when child number n is due and, given what remains and the price then, what it is; the families are in
`algorithms`, the one who sends the children is `dealer`.
"""

from __future__ import annotations

from fractions import Fraction

from marketsim.issuers.algorithms.child import (
    Child,
    ChildKind,
    ExecutionKindSpec,
    ExecutionPlan,
    Progress,
    worst_price_ticks,
)
from marketsim.issuers.algorithms.immediate import MarketExecutionSpec, OffBookSpec, SinglePlan
from marketsim.issuers.algorithms.ladder import IocLadderSpec, LadderPlan
from marketsim.issuers.algorithms.participation import CappedPlan, CappedSpec, PovPlan, PovSpec, capped
from marketsim.issuers.algorithms.passive import PassivePlan, PassiveSpec
from marketsim.issuers.algorithms.slices import HiddenPlan, HiddenSpec, ListedPlan, TwapPlan, TwapSpec
from marketsim.streams import Stream
from marketsim.units import to_atoms

__all__ = [
    "CappedPlan",
    "CappedSpec",
    "Child",
    "ChildKind",
    "ExecutionKindSpec",
    "ExecutionPlan",
    "ExecutionSpec",
    "HiddenPlan",
    "HiddenSpec",
    "IocLadderSpec",
    "LadderPlan",
    "ListedPlan",
    "MarketExecutionSpec",
    "OffBookSpec",
    "PassivePlan",
    "PassiveSpec",
    "PovPlan",
    "PovSpec",
    "Progress",
    "SinglePlan",
    "TwapPlan",
    "TwapSpec",
    "plan_of",
    "worst_price_ticks",
]

ExecutionSpec = MarketExecutionSpec | IocLadderSpec | TwapSpec | PovSpec | PassiveSpec | HiddenSpec | OffBookSpec


def plan_of(spec: ExecutionSpec, stream: Stream) -> ExecutionPlan:
    """The plan a declaration asks for; stream: the token's own luck."""
    match spec:
        case MarketExecutionSpec():
            return SinglePlan(ChildKind.MARKET)
        case OffBookSpec():
            return SinglePlan(ChildKind.OFF_BOOK)
        case IocLadderSpec():
            return capped(LadderPlan(to_atoms(spec.slice.amount), spec.every), spec.max_participation)
        case TwapSpec():
            return capped(TwapPlan(spec.over, spec.slices), spec.max_participation)
        case PovSpec():
            return PovPlan(Fraction(spec.share), spec.over, spec.every)
        case PassiveSpec():
            return PassivePlan(Fraction(spec.offset), spec.timeout, spec.reprice)
        case HiddenSpec():
            return capped(HiddenPlan(spec.window, spec.slices, stream), spec.max_participation)
