"""The token as it stands in a run: its basket, supply, state and last reset."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Literal

from marketsim.issuers.fund.nav import Exact, nav_per_token
from marketsim.units import ATOMS_PER_UNIT, NS_PER_SECOND

TOKEN_LOTS_PER_TOKEN = 10**8
"""Tokens outstanding are counted in hundred-millionths of a token while it has no market, and so no lot, of its own."""


Part = Literal["primary", "market", "rebalance"]
"""What of a token may be suspended: creation and redemption, trading in its own market, rebalances."""

ALL_PARTS: tuple[Part, ...] = ("primary", "market", "rebalance")


class TokenState(StrEnum):
    """What a token does.

    It trades as it is, works a rebalance, is suspended in part, exchanges its units, was ended at NAV, or is gone, its
    equity at zero or less.
    """

    TRADING = "TRADING"
    REBALANCING = "REBALANCING"
    SUSPENDED = "SUSPENDED"
    SPLITTING = "SPLITTING"
    DELISTED = "DELISTED"
    WIPED = "WIPED"


@dataclass(frozen=True, slots=True)
class LegTerms:
    """One market of a basket: signed target leverage, tick [money], atoms of one lot moving one tick, mark cadence."""

    market: str
    target: Fraction
    tick: Decimal
    atoms_per_tick_lot: int
    mark_every_ns: int = NS_PER_SECOND

    @property
    def lot(self) -> Fraction:
        """Size of one lot [units of the underlying]."""
        return Fraction(self.atoms_per_tick_lot, ATOMS_PER_UNIT) / Fraction(self.tick)


@dataclass(slots=True)
class Token:
    """A token in a run: its terms, its account, and what it remembers of its last reset.

    Position and cash are never kept here: the venue may change them at any instant. lots_per_token: lots in one token.
    reset_ticks: by market, the price of the last reset; reset_nav: its NAV [atoms per token]. suspended: the parts that
    rest. is_closing: whether a delisting has begun; final_nav: at which a delisted token was paid out.
    """

    id: str
    issuer: str
    account: int
    legs: tuple[LegTerms, ...]
    supply_lots: int
    declared_nav: Fraction
    reset_ticks: dict[str, Exact]
    reset_nav: Fraction
    state: TokenState = TokenState.TRADING
    lots_per_token: int = TOKEN_LOTS_PER_TOKEN
    suspended: set[Part] = field(default_factory=set)
    is_splitting: bool = False
    is_closing: bool = False
    final_nav: Fraction = Fraction(0)

    @property
    def lot(self) -> Fraction:
        """Tokens in one lot of supply."""
        return Fraction(1, self.lots_per_token)

    @property
    def supply(self) -> Fraction:
        """Tokens outstanding."""
        return Fraction(self.supply_lots, self.lots_per_token)

    @property
    def target(self) -> Fraction:
        """Signed target leverage of the whole basket, net."""
        return sum((leg.target for leg in self.legs), Fraction(0))

    @property
    def gross_target(self) -> Fraction:
        """Target leverage of the whole basket without signs."""
        return sum((abs(leg.target) for leg in self.legs), Fraction(0))

    @property
    def is_over(self) -> bool:
        """Whether it will never trade again."""
        return self.state in (TokenState.WIPED, TokenState.DELISTED)

    @property
    def may_rebalance(self) -> bool:
        """Whether there is something to rebalance, and neither a suspension nor a delisting forbids it."""
        is_resting = self.is_closing or "rebalance" in self.suspended
        return self.supply_lots > 0 and not self.is_over and not is_resting

    @property
    def resting_state(self) -> TokenState:
        """What it does while it does not rebalance."""
        if self.is_over:
            return self.state
        if self.is_splitting:
            return TokenState.SPLITTING
        return TokenState.SUSPENDED if self.suspended else TokenState.TRADING

    def nav(self, equity_atoms: Exact) -> Fraction:
        """NAV [atoms per token]: equity over supply; as declared without supply, final once it is over."""
        if self.is_over:
            return self.final_nav
        return nav_per_token(equity_atoms, self.supply) if self.supply_lots else self.declared_nav
