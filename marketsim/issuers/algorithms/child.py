"""What an execution plan sees of its order, and the child it answers with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import Protocol

PROTECTION = Fraction(2, 100)
"""How far from the mid a child may trade: FTX let no order move its price by more than 2 % (help.ftx 360027946651)."""


class ChildKind(StrEnum):
    """How a child trades: market order, immediate-or-cancel or resting limit order, or at the mark with `outside`."""

    MARKET = "market"
    IOC = "ioc"
    RESTING = "resting"
    OFF_BOOK = "off_book"


@dataclass(frozen=True, slots=True)
class Child:
    """One order of a plan: signed lots, and the worst price [ticks] a limit order may trade at.

    is_held_back: a participation cap left it smaller than the plan wanted.
    """

    kind: ChildKind
    lots: int
    limit_ticks: int | None = None
    is_held_back: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an order has come when its child `number` is due.

    remaining_lots: signed; done_lots: traded so far, unsigned. price_ticks: the mid, or the mark without one.
    opposite_ticks: the best price of the side it trades against, the mark without one. others_lots: what others have
    traded in the market since the decision.
    """

    number: int
    remaining_lots: int
    price_ticks: Fraction
    atoms_per_tick_lot: int
    done_lots: int = 0
    others_lots: int = 0
    opposite_ticks: int = 1


class ExecutionPlan(Protocol):
    """How one parent order is worked: when child n is due and what it is."""

    @property
    def patience(self) -> int | None:
        """Children in a row that may find nothing before the plan gives up; None for any number."""
        ...

    def opened(self, decided_ns: int, leg: int) -> ExecutionPlan:
        """The plan for an order of leg 0, 1, ... of a basket, decided at an instant [ns from the start of the run]."""
        ...

    def due_ns(self, number: int) -> int | None:
        """Time from the decision to child `number` (0, 1, ...) [ns]; None when there is no such child."""
        ...

    def child(self, now: Progress) -> Child:
        """The child that is due; perhaps of zero lots."""
        ...


def at_most(most_lots: int, remaining_lots: int) -> int:
    """Signed lots of what remains, at most so many."""
    return max(-most_lots, min(most_lots, remaining_lots))


def immediate_child(lots: int, price_ticks: Fraction) -> Child:
    """An immediate-or-cancel order within 2 % of a price."""
    return Child(ChildKind.IOC, lots, worst_price_ticks(lots, price_ticks, PROTECTION))


def worst_price_ticks(lots: int, price_ticks: Fraction, protection: Fraction) -> int:
    """Limit [ticks >= 1] a share `protection` beyond a price, rounded towards it: above to buy, below to sell."""
    if lots > 0:
        return floor(price_ticks * (1 + protection))
    return max(ceil(price_ticks * (1 - protection)), 1)
