"""Execution: how a rebalance becomes orders.

A plan is pure: it says when child number n is due and, given what remains and the price then, what it is. Lots a child
could not fill stay in what remains, so a plan never loses any; what remains at the end is the parent's backlog.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import Literal, Protocol

from marketsim.spec import Count, Duration, Flag, MoneyAmount, Spec
from marketsim.units import to_atoms


class MarketExecutionSpec(Spec):
    """One market order."""

    algorithm: Literal["market"]


class IocLadderSpec(Spec):
    """Immediate-or-cancel orders of at most `slice` of notional, one every `every`, until done."""

    algorithm: Literal["ioc_ladder"]
    slice: MoneyAmount
    every: Duration


class TwapSpec(Spec):
    """`slices` equal market orders, evenly over `over`."""

    algorithm: Literal["twap"]
    over: Duration
    slices: Count


class OffBookSpec(Spec):
    """At the mark price against `outside`, never in the book; pays the taker fee unless `off_book_fees` is false."""

    algorithm: Literal["off_book"]
    off_book_fees: Flag = True


ExecutionSpec = MarketExecutionSpec | IocLadderSpec | TwapSpec | OffBookSpec


LADDER_PROTECTION = Fraction(2, 100)
"""How far from the mid a child may trade: FTX let no order move its price by more than 2 % (help.ftx 360027946651)."""

LADDER_PATIENCE = 6
"""Children in a row that find nothing to trade with before a ladder gives up (our choice: a minute of FTX's ladder)."""


class ChildKind(StrEnum):
    """How a child trades: market order, immediate-or-cancel limit order, or against `outside` at the mark."""

    MARKET = "market"
    IOC = "ioc"
    OFF_BOOK = "off_book"


@dataclass(frozen=True, slots=True)
class Child:
    """One order of a plan: signed lots, and the worst price [ticks] an immediate-or-cancel order may trade at."""

    kind: ChildKind
    lots: int
    limit_ticks: int | None = None


class ExecutionPlan(Protocol):
    """How one parent order is worked: when child n is due and what it is."""

    @property
    def patience(self) -> int | None:
        """Children in a row that may find nothing before the plan gives up; None for any number."""
        ...

    def due_ns(self, number: int) -> int | None:
        """Time from the decision to child `number` (0, 1, ...) [ns]; None when there is no such child."""
        ...

    def child(self, number: int, remaining_lots: int, price_ticks: Fraction, atoms_per_tick_lot: int) -> Child:
        """The child of that number for what remains [signed lots] at a price [ticks]; perhaps of zero lots."""
        ...


@dataclass(frozen=True, slots=True)
class SinglePlan:
    """All at once, as one child."""

    kind: ChildKind
    patience: int | None = None

    def due_ns(self, number: int) -> int | None:
        """At the decision, and never again."""
        return 0 if number == 0 else None

    def child(self, number: int, remaining_lots: int, price_ticks: Fraction, atoms_per_tick_lot: int) -> Child:
        """Everything that remains."""
        return Child(self.kind, remaining_lots)


@dataclass(frozen=True, slots=True)
class LadderPlan:
    """At most `slice_atoms` of notional every `every_ns`, immediate or cancel, within 2 % of the mid, until done.

    Source: FTX's rebalances of at most 4 M USD per 10 s in its own book. A slice is rounded down to lots, but is never
    less than one.
    """

    slice_atoms: int
    every_ns: int
    patience: int | None = LADDER_PATIENCE

    def due_ns(self, number: int) -> int | None:
        """Every `every_ns` from the decision on."""
        return number * self.every_ns

    def child(self, number: int, remaining_lots: int, price_ticks: Fraction, atoms_per_tick_lot: int) -> Child:
        """One slice of what remains."""
        most = max(floor(self.slice_atoms / (price_ticks * atoms_per_tick_lot)), 1)
        lots = max(-most, min(most, remaining_lots))
        return Child(ChildKind.IOC, lots, worst_price_ticks(lots, price_ticks, LADDER_PROTECTION))


@dataclass(frozen=True, slots=True)
class TwapPlan:
    """`slices` market orders, the first at the decision, one every `over_ns / slices`."""

    over_ns: int
    slices: int
    patience: int | None = None

    def due_ns(self, number: int) -> int | None:
        """At number / slices of the way."""
        return number * self.over_ns // self.slices if number < self.slices else None

    def child(self, number: int, remaining_lots: int, price_ticks: Fraction, atoms_per_tick_lot: int) -> Child:
        """An equal share of what remains, to the nearest lot (ties to even); the last takes all."""
        return Child(ChildKind.MARKET, round(Fraction(remaining_lots, self.slices - number)))


def worst_price_ticks(lots: int, price_ticks: Fraction, protection: Fraction) -> int:
    """Limit [ticks >= 1] a share `protection` beyond a price, rounded towards it: above to buy, below to sell."""
    if lots > 0:
        return floor(price_ticks * (1 + protection))
    return max(ceil(price_ticks * (1 - protection)), 1)


def plan_of(spec: ExecutionSpec) -> ExecutionPlan:
    """The plan a declaration asks for."""
    match spec:
        case MarketExecutionSpec():
            return SinglePlan(ChildKind.MARKET)
        case OffBookSpec():
            return SinglePlan(ChildKind.OFF_BOOK)
        case IocLadderSpec():
            return LadderPlan(to_atoms(spec.slice.amount), spec.every)
        case TwapSpec():
            return TwapPlan(spec.over, spec.slices)
