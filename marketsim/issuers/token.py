"""The leveraged token: a fund, its basket of signed target leverages, and its rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import floor
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from marketsim.issuers.execution import ExecutionSpec, MarketExecutionSpec
from marketsim.issuers.fees import ManagementFeeSpec
from marketsim.issuers.nav import Exact, nav_per_token, position_for
from marketsim.issuers.rebalancing import RebalanceSpec
from marketsim.spec import NONE_IN_WORDS, WORDS_FOR_NONE, Duration, Identifier, Leverage, MoneyAmount, Spec
from marketsim.units import ATOMS_PER_UNIT, NS_PER_SECOND, to_atoms
from marketsim.venues.margin import Tiers


class TokenStartSpec(Spec):
    """The opening state: signed `leverage` (absent: each leg at its target), price of the last reset (absent: mark)."""

    leverage: Leverage | None = None
    last_reset: MoneyAmount | None = None


class TokenAccountSpec(Spec):
    """The issuer's account at the venue: its margin tiers; none = unlimited size."""

    tiers: Tiers = ()


class NavQuoteSpec(Spec):
    """The NAV the primary market deals at."""

    source: Literal["mark"] = "mark"
    every: Duration = NS_PER_SECOND
    delay: Duration = 0


class TokenSpec(Spec):
    """A leveraged token: `basket` maps market ids to signed targets; `aum`, `nav`: equity, of one unit.

    `disclosure`, `primary`, `market`, `reverse_split` hold their default, none.
    """

    id: Identifier
    issuer: Identifier
    basket: dict[str, Leverage]
    aum: MoneyAmount
    nav: MoneyAmount
    start: TokenStartSpec = TokenStartSpec()
    rebalance: Annotated[RebalanceSpec, Field(discriminator="policy")]
    execution: Annotated[ExecutionSpec, Field(discriminator="algorithm")] = MarketExecutionSpec(algorithm="market")
    management_fee: Annotated[ManagementFeeSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    account: TokenAccountSpec = TokenAccountSpec()
    nav_quote: NavQuoteSpec = NavQuoteSpec()
    disclosure: Literal["none"] = "none"
    primary: Annotated[
        Literal["none"], BeforeValidator(lambda value: "none" if value == {"mode": "none"} else value)
    ] = "none"
    reverse_split: Literal["none"] = "none"
    market: Literal["none"] = "none"


TOKEN_LOTS_PER_TOKEN = 10**8
"""Tokens outstanding are counted in hundred-millionths of a token while it has no market, and so no lot, of its own."""


class TokenState(StrEnum):
    """What a token does: trade as it is, work a rebalance, or be gone, its equity at zero or less."""

    TRADING = "TRADING"
    REBALANCING = "REBALANCING"
    WIPED = "WIPED"


@dataclass(frozen=True, slots=True)
class LegTerms:
    """One market of a basket: signed target leverage, tick [money], atoms of one lot moving one tick."""

    market: str
    target: Fraction
    tick: Decimal
    atoms_per_tick_lot: int

    @property
    def lot(self) -> Fraction:
        """Size of one lot [units of the underlying]."""
        return Fraction(self.atoms_per_tick_lot, ATOMS_PER_UNIT) / Fraction(self.tick)


@dataclass(slots=True)
class Token:
    """A token in a run: its terms, its account, and what it remembers of its last reset.

    Position and cash are never kept here: the venue may change them at any instant. reset_ticks: by market, the price
    of the last reset; reset_nav: its NAV [atoms per token].
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

    @property
    def supply(self) -> Fraction:
        """Tokens outstanding."""
        return Fraction(self.supply_lots, TOKEN_LOTS_PER_TOKEN)

    @property
    def target(self) -> Fraction:
        """Signed target leverage of the whole basket, net."""
        return sum((leg.target for leg in self.legs), Fraction(0))

    def nav(self, equity_atoms: Exact) -> Fraction:
        """NAV [atoms per token]: equity over supply; as declared without supply, nothing once wiped out."""
        if self.state is TokenState.WIPED:
            return Fraction(0)
        return nav_per_token(equity_atoms, self.supply) if self.supply_lots else self.declared_nav


def opening_lots(spec: TokenSpec, legs: Sequence[LegTerms], mark_ticks: Mapping[str, int]) -> dict[str, int]:
    """Positions a token opens with, by market: its start leverage at the opening marks, to the nearest lot.

    `start.leverage` scales every leg of a basket alike; absent, each leg opens at its target. Cash is then
    `aum - sum(position x mark)`. Raises `ValueError` for a start leverage of a basket whose net target is zero.
    """
    net = sum((leg.target for leg in legs), Fraction(0))
    scale = Fraction(1)
    if spec.start.leverage is not None:
        if net == 0:
            raise ValueError(f"{spec.id}: start.leverage has no meaning for a basket whose targets sum to zero")
        scale = Fraction(spec.start.leverage) / net
    equity = to_atoms(spec.aum.amount)
    if equity == 0:
        return {leg.market: 0 for leg in legs}
    return {
        leg.market: position_for(scale * leg.target, equity, mark_ticks[leg.market], leg.atoms_per_tick_lot)
        for leg in legs
    }


def open_token(spec: TokenSpec, account: int, legs: Sequence[LegTerms], mark_ticks: Mapping[str, int]) -> Token:
    """A token at the start of a run.

    The last reset is at `start.last_reset` or, absent, at the opening mark.
    """
    nav = Fraction(to_atoms(spec.nav.amount))
    last = spec.start.last_reset
    resets: dict[str, Exact] = {
        leg.market: mark_ticks[leg.market] if last is None else Fraction(last.amount) / Fraction(leg.tick)
        for leg in legs
    }
    supply_lots = floor(to_atoms(spec.aum.amount) * TOKEN_LOTS_PER_TOKEN / nav)
    return Token(spec.id, spec.issuer, account, tuple(legs), supply_lots, nav, resets, nav)
