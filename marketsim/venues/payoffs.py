"""What a position is worth: payoffs of linear, inverse and quanto contracts, and the arithmetic of linear accounts.

Money in atoms is exact: an account is `cash + position x price`, so no fill ever rounds. Formulas in currency take and
give `Fraction`s. What is traded and what trading costs is in `contract`.
"""

from __future__ import annotations

from fractions import Fraction

Exact = Fraction | int
"""A number of the exact formulas: never a float, whose rounding would decide who is liquidated."""


def position_value_atoms(position_lots: int, price_ticks: int, atoms_per_tick_lot: int) -> int:
    """Value a linear position at a price, signed as the position [atoms].

    `q * P` in the settlement currency; linear payoff of docs/venues.md#payoffs (Binance USDT-M, Bybit, OKX, dYdX,
    Hyperliquid).
    """
    return position_lots * price_ticks * atoms_per_tick_lot


def notional_atoms(size_lots: int, price_ticks: int, atoms_per_tick_lot: int) -> int:
    """Measure how large a position or an order is in money, whatever its side [atoms]."""
    return abs(position_value_atoms(size_lots, price_ticks, atoms_per_tick_lot))


def equity_atoms(cash_atoms: int, position_lots: int, mark_ticks: int, atoms_per_tick_lot: int) -> int:
    """Value an account with one linear position at mark [atoms]: `cash + q * mark`, exactly."""
    return cash_atoms + position_value_atoms(position_lots, mark_ticks, atoms_per_tick_lot)


def cash_after_fill_atoms(cash_atoms: int, lots: int, price_ticks: int, atoms_per_tick_lot: int) -> int:
    """Settle a fill of signed `lots` (+ buys): cash falls by what was bought at its price, fees apart [atoms]."""
    return cash_atoms - position_value_atoms(lots, price_ticks, atoms_per_tick_lot)


def linear_profit(size: Exact, entry: Exact, price: Exact) -> Fraction:
    """Profit of a linear position of signed `size` [coins] from `entry` to `price` [quote]: `q * (X - E)`.

    Source: docs/venues.md#payoffs;
    https://support.flipster.io/hc/en-us/articles/7352962731663-Margin-Trading-Explained.
    """
    return Fraction(size) * (Fraction(price) - Fraction(entry))


def inverse_value(contracts: Exact, price: Exact, contract_size: Exact = 1) -> Fraction:
    """Worth in coins of inverse `contracts` of `contract_size` [USD] each: `N * m / P`.

    Source: docs/venues.md#payoffs, https://www.bitmex.com/app/inversePerpetualsGuide (m = 1 USD; Deribit 10 USD).
    """
    return Fraction(contracts) * Fraction(contract_size) / Fraction(price)


def inverse_profit(contracts: Exact, entry: Exact, price: Exact, contract_size: Exact = 1) -> Fraction:
    """Profit in coins of signed inverse `contracts`: `N * m * (1 / E - 1 / X)`.

    Source: docs/venues.md#payoffs, https://www.bitmex.com/app/inversePerpetualsGuide.
    """
    return inverse_value(contracts, entry, contract_size) - inverse_value(contracts, price, contract_size)


def quanto_profit(contracts: Exact, multiplier: Exact, entry: Exact, price: Exact) -> Fraction:
    """Profit of signed quanto `contracts`, in the settlement coin: `N * mult * (X - E)`.

    Source: docs/venues.md#payoffs, BitMEX series guide (ETHUSD, mult = 1e-6 XBT per USD).
    """
    return Fraction(contracts) * Fraction(multiplier) * (Fraction(price) - Fraction(entry))
