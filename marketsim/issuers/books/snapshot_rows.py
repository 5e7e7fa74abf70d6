"""Snapshot rows of a token: its row of table `tokens` and its rows of table `token_legs`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.fund.nav import Direction, Exact, PriceTrigger, real
from marketsim.issuers.fund.token import LegTerms, Token
from marketsim.units import ATOMS_PER_UNIT


def token_row(
    books: TokenBooks, t_ns: int, triggers: Sequence[PriceTrigger], aim: Exact | None, published: Fraction
) -> dict[str, Any]:
    """The row of table `tokens` at an instant.

    aim: the absolute leverage its policy would return to, None for the basket's target. published: the quoted NAV
    [atoms per token]. Price and premium in its own market are left to whoever sees that market.
    """
    token, held = books.token, books.holding()
    leverage = held.leverage if _has_leverage(token) else None
    single = token.legs[0] if len(token.legs) == 1 else None
    return {
        "t_ns": t_ns,
        "token": token.id,
        "nav": float(books.nav() / ATOMS_PER_UNIT),
        "nav_published": float(published / ATOMS_PER_UNIT),
        "supply": float(token.supply),
        "equity_atoms": int(held.equity_atoms),
        "claims_atoms": books.claims_atoms(),
        "leverage": real(leverage),
        "target_leverage": None if single is None else _aimed(single.target, aim),
        "mid_price": None,
        "premium_to_nav": None,
        "trigger_up": _nearest(triggers, Direction.ABOVE, single),
        "trigger_down": _nearest(triggers, Direction.BELOW, single),
        "last_reset_price": None if single is None else _price(single, token.reset_ticks[single.market]),
        "state": str(token.state),
    }


def leg_rows(books: TokenBooks, t_ns: int) -> list[dict[str, Any]]:
    """The rows of table `token_legs` at an instant."""
    token, held = books.token, books.holding()
    return [
        {
            "t_ns": t_ns,
            "token": token.id,
            "market": leg.market,
            "position_lots": leg.position_lots,
            "notional_atoms": int(leg.notional_atoms),
            "leverage": real(held.leg_leverage(leg)) if _has_leverage(token) else None,
            "target_leverage": float(leg.target),
        }
        for leg in held.legs
    ]


def _has_leverage(token: Token) -> bool:
    return token.supply_lots > 0 and not token.is_over


def _price(leg: LegTerms, ticks: Exact) -> float:
    return float(ticks * Fraction(leg.tick))


def _aimed(target: Fraction, aim: Exact | None) -> float:
    """Signed leverage aimed at: the target, or a policy's own aim with the target's sign."""
    return float(target if aim is None else aim if target > 0 else -aim)


def _nearest(triggers: Sequence[PriceTrigger], direction: Direction, leg: LegTerms | None) -> float | None:
    """The first price in one direction [money] that any trigger waits for."""
    if leg is None:
        return None
    ticks = [trigger.ticks for trigger in triggers if trigger.direction is direction]
    if not ticks:
        return None
    return _price(leg, min(ticks) if direction is Direction.ABOVE else max(ticks))
