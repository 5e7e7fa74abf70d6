"""Hyperliquid's order of deleveraging."""

from __future__ import annotations

from fractions import Fraction

from marketsim.venues.payoffs import Exact


def hyperliquid_index(mark: Exact, entry: Exact, notional: Exact, account_value: Exact) -> Fraction:
    """Hyperliquid's priority of a long, highest first: `(mark / entry) * (notional / account value)`.

    Source: https://docs.hyperodd.com/trading/adl; docs/venues.md#deleveraging.
    """
    return Fraction(mark) / Fraction(entry) * Fraction(notional) / Fraction(account_value)
