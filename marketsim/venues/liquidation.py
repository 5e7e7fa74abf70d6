"""Liquidation: what happens to an account whose equity falls under its maintenance margin.

All of the account's orders are cancelled, and the venue's engine (`engines`) sends orders limited at the bankruptcy
price. Where these do not suffice the insurance fund takes the rest over at that price (`insurance`); what it cannot
bear is closed at the same price against the other side (`deleveraging`), in the last resort against `outside`.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Annotated, Literal

from marketsim.ranges import CHARGE, ONE_OR_MORE, UP_TO_A_DAY
from marketsim.spec import OMITTED_AT_DEFAULT, Count, Duration, Rate, Spec
from marketsim.units import NS_PER_SECOND, RATE_ONE, format_duration
from marketsim.venues.engines.family import LIQUIDATION_ENGINES


class LiquidationSpec(Spec):
    """The engine, the fee on the liquidated amount, its orders' way to the book, how many accounts a step takes up.

    `delay` is the time from the mark step at which the engine decides to the arrival of its order, among the messages
    of others: quotes and takers with a shorter way to the venue come first, those with a longer one later, and what
    arrives with it at one nanosecond stands in an order drawn for it. With none (`0s`) it trades within the mark step,
    before anybody else does. Who is not taken up waits for the next step, first in
    first out.
    """

    engine: Annotated[str, LIQUIDATION_ENGINES] = "binance"
    fee: Annotated[Rate, CHARGE] = Decimal("0.0125")
    delay: Annotated[Duration, UP_TO_A_DAY, OMITTED_AT_DEFAULT] = NS_PER_SECOND // 100
    per_step: Annotated[Literal["all"] | Count, ONE_OR_MORE, OMITTED_AT_DEFAULT] = "all"

    def sentence(self) -> str:
        """What `delay` and `per_step` say, in words."""
        delay = ", which trade within the mark step"
        if self.delay:
            delay = f", which reach the book {format_duration(self.delay)} after the mark step"
        if self.per_step == "all":
            return delay
        accounts = "one account" if self.per_step == 1 else f"{self.per_step:,} accounts"
        return f"{delay}, and the engine takes up at most {accounts} at one mark step"


def liquidation_limit_ticks(cash_atoms: int, position_lots: int, atoms_per_tick_lot: int) -> int:
    """Worst price of the IOC order, and price of deleveraging [ticks]: bankruptcy, rounded to leave no debt.

    A long sells at or above it, a short buys at or below it; never under one tick, so a short that every price ruins
    does leave a debt. `position_lots` must not be 0. Source: docs/venues.md#liquidation-engines (Binance, BitMEX: limit
    at the bankruptcy price).
    """
    bankruptcy = Fraction(-cash_atoms, position_lots * atoms_per_tick_lot)
    return max(1, ceil(bankruptcy) if position_lots > 0 else floor(bankruptcy))


def liquidation_fee_atoms(notional_atoms: int, fee_parts: int, equity_atoms: int) -> int:
    """Fee on the liquidated notional, to the insurance fund [atoms]; at most the equity left at mark.

    `min(floor(notional * fee), equity)`, `fee_parts` of 1e8. Source: docs/venues.md#liquidation-engines (Binance: only
    on the liquidated amount; about 1.25% for BTC).
    """
    return max(0, min(notional_atoms * fee_parts // RATE_ONE, equity_atoms))
