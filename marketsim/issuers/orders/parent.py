"""A parent order: what one leg of a rebalance wanted, what it got, and what that cost; a row of table `rebalances`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from marketsim.issuers.algorithms.child import Child, ExecutionPlan
from marketsim.issuers.fund.nav import real
from marketsim.issuers.policies.decision import PriceSource, RebalanceTrigger
from marketsim.kernel import codes
from marketsim.messages import Purpose
from marketsim.units import NS_PER_SECOND

if TYPE_CHECKING:
    from marketsim.messages import Fill, Order

MIDS_AFTER = {"mid_1m": 60 * NS_PER_SECOND, "mid_10m": 600 * NS_PER_SECOND, "mid_1h": 3_600 * NS_PER_SECOND}
"""Columns of the mid some time after the last fill."""

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
    END_OF_RUN = "end_of_run"


@dataclass(slots=True)
class LiveOrder:
    """A child on its way or in the book: when it was sent, the mid then, and how many of its fills are entered."""

    parent: ParentOrder
    order: Order
    child: Child
    sent_ns: int
    mid: float | None
    entered: int = 0


@dataclass(slots=True)
class ParentOrder:
    """One order of a rebalance in one market, worked in children.

    Prices are in ticks, `tick` in money; `mid` columns are None where a side of the book was empty.
    `volume_before_lots` is what the market had traded before the instant of the decision, so that volume counts both
    ends of the window.
    """

    id: int
    token: str
    market: str
    tick: float
    plan: ExecutionPlan
    trigger: RebalanceTrigger | None
    price_source: PriceSource
    trigger_ticks: Fraction | None
    decided_ns: int
    leverage_before: Fraction | None
    equity_before_atoms: int
    target_lots: int
    arrival_mid: float | None
    volume_before_lots: int
    number: int = 0
    children: int = 0
    idle: int = 0
    filled_lots: int = 0
    filled_tick_lots: int = 0
    fees_atoms: int = 0
    first_ns: int = NO_INSTANT
    last_ns: int = NO_INSTANT
    last_mid: float | None = None
    volume_lots: int = 0
    measured_ns: int = NO_INSTANT
    booked_lots: int = 0
    cross_lots: int = 0
    resting: LiveOrder | None = None
    refusals: int = 0
    refusal: str | None = None
    not_before_ns: int = NO_INSTANT
    was_held_back: bool = False
    unfilled: Unfilled | None = None
    mids: dict[str, float | None] = field(default_factory=dict)
    leverage_after: Fraction | None = None
    is_over: bool = False
    is_followed: bool = False
    is_withheld: bool = False

    @property
    def purpose(self) -> Purpose:
        """Why its children are sent."""
        return Purpose.REBALANCE

    @property
    def remaining_lots(self) -> int:
        """What is still to be traded, signed."""
        return self.target_lots - self.filled_lots

    @property
    def has_given_up(self) -> bool:
        """Whether too many children in a row found nothing to trade with."""
        return self.plan.patience is not None and self.idle >= self.plan.patience

    @property
    def reason(self) -> Unfilled | None:
        """Why part of it was never traded; None where all was."""
        if self.remaining_lots == 0 or self.is_withheld:
            return None
        if self.unfilled is not None:
            return self.unfilled
        return Unfilled.PARTICIPATION if self.was_held_back else Unfilled.NO_LIQUIDITY

    def next_due_ns(self) -> int | None:
        """When the next child is due [ns from the start]; None when no more is to come."""
        is_over = self.remaining_lots == 0 or self.has_given_up or self.unfilled is not None
        offset_ns = None if is_over else self.plan.due_ns(self.number)
        return None if offset_ns is None else max(self.decided_ns + offset_ns, self.not_before_ns)

    def book(self, fills: list[Fill], *, in_book: bool, cross_lots: int, mid: float | None) -> None:
        """Enter fills; `in_book` ones are part of the market's volume, off-book ones are not.

        cross_lots: the part of them in which another token took the other side.
        """
        for fill in fills:
            self.filled_lots += fill.lots
            self.filled_tick_lots += fill.lots * fill.price_ticks
            self.fees_atoms += fill.fee_atoms
            self.booked_lots += abs(fill.lots) if in_book else 0
        self.cross_lots += cross_lots
        self.first_ns = fills[0].t_ns if self.first_ns == NO_INSTANT else self.first_ns
        self.last_ns = fills[-1].t_ns
        self.last_mid = mid

    def child_ended(self, *, got_something: bool, is_held_back: bool = False) -> None:
        """Hear that a child is final."""
        self.children += 1
        self.refusals = 0
        self.idle = 0 if got_something else self.idle + 1
        self.was_held_back = is_held_back

    def child_skipped(self, *, is_held_back: bool) -> None:
        """Hear that a child of no lots was not sent: its share rounds to nothing, or a participation cap held it."""
        self.was_held_back = is_held_back
        self.idle += is_held_back

    def child_refused(self, reason: str, t_ns: int) -> None:
        """Hear that the venue refused a child: it is sent again a second later, and given up after `RETRIES`."""
        self.children += 1
        self.refusals += 1
        self.refusal = reason
        self.number -= 1
        self.not_before_ns = t_ns + RETRY_NS
        if self.refusals > RETRIES:
            self.unfilled = Unfilled.REJECTED

    @property
    def vwap(self) -> float | None:
        """Average price of the fills [ticks]."""
        return self.filled_tick_lots / self.filled_lots if self.filled_lots else None

    @property
    def slippage_bps(self) -> float | None:
        """1e4 s (vwap / arrival - 1), s the sign of the target: a cost is positive (CONTRACT section 7)."""
        if self.vwap is None or self.arrival_mid is None:
            return None
        return self._cost_bps(self.vwap, self.arrival_mid)

    @property
    def shortfall_bps(self) -> float | None:
        """Slippage with the unfilled part valued at the mid of the last fill, or of the end where nothing filled."""
        if self.arrival_mid is None:
            return None
        missed_tick_lots = 0.0
        if self.remaining_lots:
            if self.last_mid is None:
                return None
            missed_tick_lots = self.remaining_lots * self.last_mid
        return self._cost_bps((self.filled_tick_lots + missed_tick_lots) / self.target_lots, self.arrival_mid)

    @property
    def status(self) -> str:
        """How it ended, a word of table `rebalances`."""
        if self.is_withheld:
            return "shadow"
        return "partial" if self.remaining_lots else "done"

    def _cost_bps(self, price: float, arrival: float) -> float:
        return (1e4 if self.target_lots > 0 else -1e4) * (price / arrival - 1)

    def row(self) -> dict[str, Any]:
        """The row of table `rebalances`."""
        return {
            "id": self.id,
            "cohort": self.token,
            "token": self.token,
            "market": self.market,
            "trigger": self.trigger.word if self.trigger is not None else None,
            "price_source": self.price_source,
            "trigger_price": self._price(self.trigger_ticks),
            "t_decide_ns": self.decided_ns,
            "t_first_ns": self.first_ns,
            "t_last_ns": self.last_ns,
            "leverage_before": real(self.leverage_before),
            "leverage_after": real(self.leverage_after),
            "equity_before_atoms": self.equity_before_atoms,
            "target_lots": self.target_lots,
            "filled_lots": self.filled_lots,
            "backlog_lots": self.remaining_lots,
            "arrival_mid": self._price(self.arrival_mid),
            "vwap": self._price(self.vwap),
            "slippage_bps": self.slippage_bps,
            "shortfall_bps": self.shortfall_bps,
            "fees_atoms": self.fees_atoms,
            "market_volume_lots": self.volume_lots,
            "participation": self.booked_lots / self.volume_lots if self.volume_lots else None,
            "cross_lots": self.cross_lots,
            **{column: self._price(self.mids.get(column)) for column in MIDS_AFTER},
            "children": self.children,
            "status": self.status,
        }

    def child_row(
        self, child: Child, t_ns: int, t_end_ns: int, filled_lots: int, mid: float | None, reason: str
    ) -> dict[str, Any]:
        """The row of table `children` of one child that is final."""
        return {
            "t_ns": t_ns,
            "t_end_ns": t_end_ns,
            "purpose": codes.PURPOSES[self.purpose],
            "parent": self.id,
            "child": self.children,
            "token": self.token,
            "market": self.market,
            "order_type": str(child.kind),
            "size_lots": child.lots,
            "filled_lots": filled_lots,
            "limit_price": self._price(child.limit_ticks),
            "mid_price": self._price(mid),
            "reason": reason,
        }

    def backlog(self) -> dict[str, Any]:
        """What was never traded and why, as event `backlog` tells it."""
        told = {"id": self.id, "market": self.market, "lots": self.remaining_lots, "reason": str(self.reason)}
        return {**told, "refusal": self.refusal} if self.unfilled is Unfilled.REJECTED else told

    def _price(self, ticks: float | Fraction | None) -> float | None:
        return None if ticks is None else float(ticks) * self.tick


@dataclass(slots=True)
class RebalanceRegister:
    """Numbers the parent orders of all tokens, and writes their rows in that order, each once it is complete.

    accounts: the tokens' accounts, by which an order knows that another token took the other side.
    """

    add_row: Callable[..., None]
    accounts: set[int] = field(default_factory=set)
    _next_id: int = 0
    _next_row: int = 0
    _complete: dict[int, ParentOrder] = field(default_factory=dict)

    def next_id(self) -> int:
        """A number for a new parent order."""
        self._next_id += 1
        return self._next_id - 1

    def complete(self, parent: ParentOrder) -> None:
        """Write the rows that are due now that this one is known."""
        self._complete[parent.id] = parent
        while (known := self._complete.pop(self._next_row, None)) is not None:
            self.add_row("rebalances", **known.row())
            self._next_row += 1
