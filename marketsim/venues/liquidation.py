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

from marketsim.ranges import ABOVE_ZERO, CHARGE, ONE_OR_MORE, UP_TO_A_DAY
from marketsim.spec import OMITTED_AT_DEFAULT, Count, Duration, MoneyOrNone, Rate, Spec
from marketsim.units import NS_PER_SECOND, RATE_ONE, format_duration, format_money
from marketsim.venues.engines.family import LIQUIDATION_ENGINES


class LiquidationSpec(Spec):
    """The engine, the fee on the liquidated amount, its orders' way to the book, and how much it does at one mark step.

    `delay` is the time from the mark step at which the engine decides to the arrival of its order, among the messages
    of others: quotes and takers with a shorter way to the venue come first, those with a longer one later, and what
    arrives with it at one nanosecond stands in an order drawn for it. With none (`0s`) it trades within the mark step,
    before anybody else does. Who is not taken up waits for the next step, first in
    first out.
    `slice` is the largest notional of one order: an account then has one slice a step until it meets its margin.
    `max_per_step` is the largest notional of all orders of a step together, a cap on the engine's rate.
    """

    engine: Annotated[str, LIQUIDATION_ENGINES] = "binance"
    fee: Annotated[Rate, CHARGE] = Decimal("0.0125")
    delay: Annotated[Duration, UP_TO_A_DAY, OMITTED_AT_DEFAULT] = NS_PER_SECOND // 100
    per_step: Annotated[Literal["all"] | Count, ONE_OR_MORE, OMITTED_AT_DEFAULT] = "all"
    slice: Annotated[MoneyOrNone, ABOVE_ZERO, OMITTED_AT_DEFAULT] = None
    max_per_step: Annotated[MoneyOrNone, ABOVE_ZERO, OMITTED_AT_DEFAULT] = None

    @property
    def is_sliced(self) -> bool:
        """Whether an order may close less than the engine would."""
        return self.slice is not None or self.max_per_step is not None

    def sentence(self) -> str:
        """What `delay` and the limits of one step say, in words."""
        text = ", which trade within the mark step"
        if self.delay:
            text = f", which reach the book {format_duration(self.delay)} after the mark step"
        if self.slice is not None:
            text += f", in slices of at most {format_money(self.slice)}, one of an account at a mark step"
        if self.max_per_step is not None:
            text += f", {format_money(self.max_per_step)} of all accounts together at one step"
        if self.per_step == "all":
            return text
        accounts = "one account" if self.per_step == 1 else f"{self.per_step:,} accounts"
        return f"{text}, and the engine takes up at most {accounts} at one mark step"


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
