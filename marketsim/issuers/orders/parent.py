"""A parent order: what was decided, how far its children have come, and what they got."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from marketsim.issuers.algorithms.child import Child, ExecutionPlan
from marketsim.kernel import codes
from marketsim.messages import Fill, Order, Purpose
from marketsim.units import NS_PER_SECOND

if TYPE_CHECKING:
    from marketsim.clock import Event

NO_INSTANT = -1

RETRY_NS = NS_PER_SECOND
"""How long after a venue's refusal the same child is sent again."""

RETRIES = 5
"""Refusals in a row after which an order is given up (our choice, as is the second between them)."""


class Unfilled(StrEnum):
    """Why part of an order was never traded; the words of `reason` in events `backlog`."""

    NO_LIQUIDITY = "no_liquidity"
    PARTICIPATION = "participation"
    REJECTED = "rejected"
    SEIZED = "seized"
    WIPED = "wiped"
    SUPERSEDED = "superseded"
    CAP = "cap"
    EMPTY = "empty"
    END_OF_RUN = "end_of_run"

    @property
    def words(self) -> str:
        """The reason in words, after `because`."""
        return _WORDS[self]


_WORDS = {
    Unfilled.NO_LIQUIDITY: "the book had nothing left at the prices that its children allowed",
    Unfilled.PARTICIPATION: "its share of the market's volume was used up",
    Unfilled.REJECTED: "the venue refused its children again and again",
    Unfilled.SEIZED: "the venue took the account's position over",
    Unfilled.WIPED: "the fund had no equity left",
    Unfilled.SUPERSEDED: "an emergency cancelled it and was decided in its place",
    Unfilled.CAP: "it met the most children or time that its execution allows",
    Unfilled.EMPTY: "the last units were redeemed",
    Unfilled.END_OF_RUN: "the run ended while it was worked",
}


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What was decided: signed lots of one market at one instant, and the plan by which they are traded.

    tick: in money. arrival_mid: in ticks, None where a side of the book was empty. volume_before_lots: what the market
    had traded before the instant of the decision, so that volume counts both ends of the window.
    """

    id: int
    token: str
    market: str
    tick: float
    plan: ExecutionPlan
    decided_ns: int
    target_lots: int
    arrival_mid: float | None
    volume_before_lots: int


@dataclass(slots=True)
class FillTotals:
    """What an order has got so far. Prices are in ticks; last_mid: None where a side of the book was empty.

    lots, tick_lots: signed; an order that is sized anew may trade both ways, and gross_lots and gross_tick_lots count
    both. in_book_lots: unsigned, without off-book fills. cross_lots: of them, those with another token on the other
    side.
    """

    lots: int = 0
    tick_lots: int = 0
    gross_lots: int = 0
    gross_tick_lots: int = 0
    fees_atoms: int = 0
    in_book_lots: int = 0
    cross_lots: int = 0
    first_ns: int = NO_INSTANT
    last_ns: int = NO_INSTANT
    last_mid: float | None = None

    def add(self, fills: list[Fill], *, in_book: bool, cross_lots: int, mid: float | None) -> None:
        """Add up fills of one instant."""
        for fill in fills:
            self.lots += fill.lots
            self.tick_lots += fill.lots * fill.price_ticks
            self.gross_lots += abs(fill.lots)
            self.gross_tick_lots += abs(fill.lots) * fill.price_ticks
            self.fees_atoms += fill.fee_atoms
            self.in_book_lots += abs(fill.lots) if in_book else 0
        self.cross_lots += cross_lots
        self.first_ns = fills[0].t_ns if self.first_ns == NO_INSTANT else self.first_ns
        self.last_ns = fills[-1].t_ns
        self.last_mid = mid

    @property
    def vwap(self) -> float | None:
        """Average price of the fills [ticks]."""
        return self.gross_tick_lots / self.gross_lots if self.gross_lots else None


@dataclass(slots=True)
class ChildProgress:
    """How far the children of an order have come.

    number: of the next child of the plan; sent: children so far. idle: children in a row that found nothing to trade
    with. refusals: of the venue in a row, with the last reason; not_before_ns: when the next child may be sent.
    resting: the one in the book; on_its_way: the one at the venue whose end is awaited.
    """

    number: int = 0
    sent: int = 0
    idle: int = 0
    refusals: int = 0
    refusal: str | None = None
    not_before_ns: int = NO_INSTANT
    was_held_back: bool = False
    resting: OpenOrder | None = None
    on_its_way: OpenOrder | None = None


@dataclass(slots=True, eq=False)
class ParentOrder(ABC):
    """One order of a fund in one market, worked in children. over: fires at its end, where somebody waits for that.

    rest: sizes what is left anew, signed lots; None for an order sized once. wanted_lots: what it is to trade in all,
    signed: as decided, or what it has and what was left of it when that was last sized.
    """

    terms: OrderTerms
    fills: FillTotals = field(default_factory=FillTotals)
    children: ChildProgress = field(default_factory=ChildProgress)
    unfilled: Unfilled | None = None
    is_over: bool = False
    over: Event | None = None
    rest: Callable[[], int] | None = None
    wanted_lots: int = field(init=False)

    def __post_init__(self) -> None:
        """Begin with what was decided."""
        self.wanted_lots = self.terms.target_lots

    @property
    @abstractmethod
    def purpose(self) -> Purpose:
        """Why its children are sent."""

    @property
    def market(self) -> str:
        """The market it trades in."""
        return self.terms.market

    @property
    def remaining_lots(self) -> int:
        """What is still to be traded, signed."""
        return self.wanted_lots - self.fills.lots

    def resize(self) -> None:
        """Size what is left anew, where that is done."""
        if self.rest is not None:
            self.wanted_lots = self.fills.lots + self.rest()

    @property
    def has_given_up(self) -> bool:
        """Whether too many children in a row found nothing to trade with."""
        patience = self.terms.plan.patience
        return patience is not None and self.children.idle >= patience

    def next_due_ns(self) -> int | None:
        """When the next child is due [ns from the start]; None when no more is to come."""
        is_over = self.remaining_lots == 0 or self.has_given_up or self.unfilled is not None
        offset_ns = None if is_over else self.terms.plan.due_ns(self.children.number)
        return None if offset_ns is None else max(self.terms.decided_ns + offset_ns, self.children.not_before_ns)

    def book(self, fills: list[Fill], *, in_book: bool, cross_lots: int, mid: float | None) -> None:
        """Enter fills; `in_book` ones are part of the market's volume, off-book ones are not.

        cross_lots: the part of them in which another token took the other side.
        """
        self.fills.add(fills, in_book=in_book, cross_lots=cross_lots, mid=mid)

    def child_ended(self, *, got_something: bool, is_held_back: bool = False) -> None:
        """Note that a child is final."""
        children = self.children
        children.sent += 1
        children.refusals = 0
        children.idle = 0 if got_something else children.idle + 1
        children.was_held_back = is_held_back

    def child_skipped(self, *, is_held_back: bool) -> None:
        """Note that a child of no lots was not sent: its share rounds to nothing, or a participation cap held it."""
        self.children.was_held_back = is_held_back
        self.children.idle += is_held_back

    def child_refused(self, reason: str, t_ns: int) -> None:
        """Note that the venue refused a child: it is sent again a second later, and given up after `RETRIES`."""
        children = self.children
        children.sent += 1
        children.refusals += 1
        children.refusal = reason
        children.number -= 1
        children.not_before_ns = t_ns + RETRY_NS
        if children.refusals > RETRIES:
            self.unfilled = Unfilled.REJECTED

    def price(self, ticks: float | Fraction | None) -> float | None:
        """A price [ticks] in money."""
        return None if ticks is None else float(ticks) * self.terms.tick

    def child_row(
        self, child: Child, t_ns: int, t_end_ns: int, filled_lots: int, mid: float | None, reason: str
    ) -> dict[str, Any]:
        """The row of table `children` of one child that is final."""
        return {
            "t_ns": t_ns,
            "t_end_ns": t_end_ns,
            "purpose": codes.PURPOSES[self.purpose],
            "parent": self.terms.id,
            "child": self.children.sent,
            "token": self.terms.token,
            "market": self.market,
            "order_type": str(child.kind),
            "size_lots": child.lots,
            "filled_lots": filled_lots,
            "limit_price": self.price(child.limit_ticks),
            "mid_price": self.price(mid),
            "reason": reason,
        }


@dataclass(slots=True, eq=False)
class OpenOrder:
    """A child on its way or in the book: when it was sent, the mid then, and how many of its fills are entered."""

    parent: ParentOrder
    order: Order
    child: Child
    sent_ns: int
    mid: float | None
    entered: int = 0
