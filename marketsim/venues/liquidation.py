"""Liquidation: what happens to an account whose equity falls under its maintenance margin.

The engine `binance` (RULES B.6, "smart liquidation") goes in this order, and no further than needed. All of the
account's orders are cancelled. One IOC order, limited at the bankruptcy price, cuts the position a tier down (in the
lowest tier: closes it) and pays the liquidation fee out of what equity is left. An account that filled it and is
still below maintenance is cut again. Else the insurance fund takes the rest over at the bankruptcy price
(`insurance`); what it cannot bear is closed at that price against the other side (`deleveraging`), in the last resort
against `outside`.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import Literal

from marketsim.spec import Rate, Spec
from marketsim.units import RATE_ONE
from marketsim.venues.margin import TierTable


class LiquidationSpec(Spec):
    """The engine, and the fee on the liquidated amount."""

    engine: Literal["binance"] = "binance"
    fee: Rate = Decimal("0.0125")


class Stage(StrEnum):
    """How far a liquidation went; each stage is entered only when the one before left the account below maintenance."""

    REDUCED = "reduced"
    """Orders cancelled, and an IOC order limited at the bankruptcy price sold (bought) what was needed, or all."""
    TAKEN_OVER = "taken_over"
    """The insurance fund took the rest over, cash and all, which is the bankruptcy price exactly."""
    DELEVERAGED = "deleveraged"
    """The rest was closed at the bankruptcy price against the first in the queue of the other side, or `outside`."""


def liquidation_order_lots(position_lots: int, mark_ticks: int, atoms_per_tick_lot: int, tiers: TierTable) -> int:
    """Size of the IOC order of a liquidation, signed as an order [lots, - sells a long].

    The position is cut to the cap of the next lower tier at mark; in the lowest tier all of it goes. An account that
    filled the whole order and is still below maintenance is cut again, so it takes at most one order per tier.
    Source: RULES B.6 (Binance "smart liquidation": one large IOC, stop if compliant; BitMEX: sized to fall one tier).
    """
    side, held = (1 if position_lots > 0 else -1), abs(position_lots)
    lot_atoms = mark_ticks * atoms_per_tick_lot
    below = [tier.cap_atoms for tier in tiers[:-1] if tier.cap_atoms is not None and tier.cap_atoms < held * lot_atoms]
    kept = below[-1] // lot_atoms if below else 0
    return side * (kept - held)


def liquidation_limit_ticks(cash_atoms: int, position_lots: int, atoms_per_tick_lot: int) -> int:
    """Worst price of the IOC order, and price of deleveraging [ticks]: bankruptcy, rounded to leave no debt.

    A long sells at or above it, a short buys at or below it; never under one tick, so a short that every price ruins
    does leave a debt. `position_lots` must not be 0. Source: RULES B.6 (Binance, BitMEX: limit at the bankruptcy
    price).
    """
    bankruptcy = Fraction(-cash_atoms, position_lots * atoms_per_tick_lot)
    return max(1, ceil(bankruptcy) if position_lots > 0 else floor(bankruptcy))


def liquidation_fee_atoms(notional_atoms: int, fee_parts: int, equity_atoms: int) -> int:
    """Fee on the liquidated notional, to the insurance fund [atoms]; at most the equity left at mark.

    `min(floor(notional * fee), equity)`, `fee_parts` of 1e8. Source: RULES B.6 (Binance: only on the liquidated
    amount; about 1.25% for BTC).
    """
    return max(0, min(notional_atoms * fee_parts // RATE_ONE, equity_atoms))
