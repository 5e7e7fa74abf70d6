"""Deleveraging rule `bitmex`: by profit and effective leverage."""

from __future__ import annotations

from fractions import Fraction

from marketsim.venues.deleveraging.family import DELEVERAGING_RULES, Counterparty, DeleveragingRule
from marketsim.venues.payoffs import Exact

LEVERAGE_WITHOUT_EQUITY = 10**9
"""Effective leverage of an account that owns nothing at mark: beyond any other's, and finite."""


@DELEVERAGING_RULES.register
class BitmexDeleveraging(DeleveragingRule):
    """Profit share times effective leverage; losers' is divided by it."""

    name = "bitmex"

    @staticmethod
    def priority(one: Counterparty) -> Fraction:
        """BitMEX's score; see `DeleveragingRule`."""
        return bitmex_score(one.mark_value_atoms, one.mark_value_atoms - one.equity_atoms, one.entry_value_atoms)

    @staticmethod
    def sentence() -> str:
        """See `DeleveragingRule`."""
        return "those with the largest profit times effective leverage first"


def bitmex_score(mark_value: Exact, bankrupt_value: Exact, entry_value: Exact) -> Fraction:
    """BitMEX's priority, highest first: profit share times effective leverage; losers' is divided by it.

    `PNL% = (MV - AEV) / |AEV|`; `PNL% * leverage` if positive, else `PNL% / leverage`; `leverage = |MV| / (MV - BV)`,
    where MV - BV is the equity behind the position; values signed as the position. Without equity
    `LEVERAGE_WITHOUT_EQUITY`; without entry value 0.
    Source: https://www.bitmex.com/app/autoDeleveraging; docs/venues.md#deleveraging.
    """
    marked, entered = Fraction(mark_value), Fraction(entry_value)
    equity = marked - Fraction(bankrupt_value)
    if entered == 0:
        return Fraction(0)
    profit = (marked - entered) / abs(entered)
    leverage = abs(marked) / equity if equity > 0 else Fraction(LEVERAGE_WITHOUT_EQUITY)
    return profit * leverage if profit > 0 else profit / leverage
