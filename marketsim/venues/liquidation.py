"""Liquidation: what happens to an account whose equity falls under its maintenance margin."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from marketsim.spec import Rate, Spec


class LiquidationSpec(Spec):
    """The engine, and the fee on the liquidated amount."""

    engine: Literal["binance"] = "binance"
    fee: Rate = Decimal("0.0125")
