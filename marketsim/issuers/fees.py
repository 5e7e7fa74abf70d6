"""The fund's own fees, which are paid out of its NAV."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Literal

from marketsim.spec import Duration, Rate, Spec, TimeOfDay
from marketsim.units import NS_PER_SECOND


class ManagementFeeSpec(Spec):
    """A share `rate` of equity per charge (or `per` year), every `every` counted from `at` (UTC).

    mode: taken out of the fund (`nav`), or as new units for the issuer (`dilution`).
    """

    rate: Rate
    every: Duration = 86_400 * NS_PER_SECOND
    at: TimeOfDay = 0
    per: Literal["charge", "year"] = "charge"
    mode: Literal["nav", "dilution"] = "nav"


NS_PER_DAY = 86_400 * NS_PER_SECOND
NS_PER_YEAR = 365 * NS_PER_DAY


def rate_of_charge(spec: ManagementFeeSpec) -> Fraction:
    """Share of equity that one charge takes: the rate, or the part of a yearly rate that falls on its interval."""
    rate = Fraction(spec.rate)
    return rate * spec.every / NS_PER_YEAR if spec.per == "year" else rate


def management_fee_atoms(equity_atoms: int, rate: Decimal | Fraction) -> int:
    """Fee of one charge [atoms]: rate x equity, rounded down to the atom; zero for a fund without equity.

    Source: Bybit, "Leveraged Tokens: Fees Explained" (NAV x quantity x rate, taken out of NAV).
    """
    return floor(max(equity_atoms, 0) * Fraction(rate))


def dilution_lots(supply_lots: int, rate: Fraction) -> int:
    """New units [lots] that make the issuer own a share `rate` of the supply: N f / (1 - f), rounded down.

    Source: Set Protocol's StreamingFeeModule, as Index Coop's FLI tokens use it (RULES A.7).
    """
    return floor(supply_lots * rate / (1 - rate))


def next_charge_ns(after_ns: int, start_ns: int, spec: ManagementFeeSpec) -> int:
    """First charge strictly after an instant [ns from the start], counted in steps of `every` through `at`.

    start_ns: the run's start [ns since 1970]. Charges stand at `at` of the day of the start, and every `every` before
    and after it.
    """
    first_ns = spec.at - start_ns % NS_PER_DAY
    return first_ns + ((after_ns - first_ns) // spec.every + 1) * spec.every
