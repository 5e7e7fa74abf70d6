"""What participants say to a venue or an issuer and hear from it: purposes, orders, fills, primary requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any, Literal

from marketsim.kernel import codes
from marketsim.units import ATOMS_PER_UNIT


class Purpose(IntEnum):
    """Why an order is sent; the words of `trades.taker_purpose`."""

    NORMAL = codes.P_NORMAL
    REBALANCE = codes.P_REBALANCE
    CREATION = codes.P_CREATION
    REDEMPTION = codes.P_REDEMPTION
    LIQUIDATION = codes.P_LIQUIDATION
    DELEVERAGING = codes.P_DELEVERAGING
    HEDGE = codes.P_HEDGE
    ARBITRAGE = codes.P_ARBITRAGE
    ANTICIPATION = codes.P_ANTICIPATION
    PLACEBO = codes.P_PLACEBO


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill: signed lots (+ bought), its price and fee (+ a cost), mark and index at that instant.

    other_account: the kernel's index of the counterparty, -1 outside the book.
    """

    t_ns: int
    price_ticks: int
    lots: int
    fee_atoms: int
    mark_ticks: int
    index_ticks: int
    other_account: int = -1


@dataclass(eq=False, slots=True)
class Order:
    """An order and what became of it. `done` fires once, when the order is final.

    status: `sent`, `resting`, `filled`, `cancelled` (an IOC's rest too) or `rejected`; reason: why it ended, a word of
    table `orders`. lots: signed, + buys; filled_lots: signed alike. record: the kernel's order record while it rests,
    -1 otherwise. tick: size of the market's tick. on_fill: called after each fill, at its instant, where somebody has
    to know before the end.
    """

    order_id: int
    account: int
    market: str
    lots: int
    done: Any
    status: str = "sent"
    reason: str = "none"
    filled_lots: int = 0
    fills: list[Fill] = field(default_factory=list)
    record: int = -1
    tick: Decimal | None = None
    on_fill: Callable[[], None] | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.status in ("filled", "cancelled", "rejected")

    @property
    def average_price_ticks(self) -> Fraction | None:
        """Average price of its fills [ticks], None without one."""
        if not self.filled_lots:
            return None
        return Fraction(sum(fill.price_ticks * fill.lots for fill in self.fills), self.filled_lots)

    @property
    def average_price(self) -> float | None:
        """Average price of its fills [quote currency], None without one."""
        ticks = self.average_price_ticks
        return None if ticks is None or self.tick is None else float(ticks * Fraction(self.tick))


@dataclass(eq=False, slots=True)
class PrimaryRequest:
    """A request to create or redeem tokens, and what became of it. `done` fires once, when it is settled or refused.

    side: `creation` of tokens for `cash_atoms`, or `redemption` of `units_lots`; status: `sent`, `queued`, `settled` or
    `refused`, with its reason. Once settled: units of the token's lot, gross cash and fee, and the price [currency per
    token]. lot: tokens in one lot. queue_ahead: tokens that waited before it on its side.
    """

    token: str
    side: Literal["creation", "redemption"]
    account: int
    cash_atoms: int
    units_lots: int
    done: Any
    lot: Fraction
    requested_ns: int = -1
    status: str = "sent"
    reason: str | None = None
    fee_atoms: int = 0
    price: float | None = None
    queue_ahead: float = 0.0

    @property
    def units(self) -> float:
        """Tokens created or redeemed, or asked to be redeemed."""
        return float(self.units_lots * self.lot)

    @property
    def cash(self) -> float:
        """Gross cash, fee included [currency]."""
        return self.cash_atoms / ATOMS_PER_UNIT
