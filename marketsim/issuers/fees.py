"""The fund's own fees, which are paid out of its NAV."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor

from marketsim.spec import Duration, Rate, Spec, TimeOfDay
from marketsim.units import NS_PER_SECOND


class ManagementFeeSpec(Spec):
    """A share `rate` of equity per charge, every `every` counted from `at` (UTC)."""

    rate: Rate
    every: Duration = 86_400 * NS_PER_SECOND
    at: TimeOfDay = 0


NS_PER_DAY = 86_400 * NS_PER_SECOND


def management_fee_atoms(equity_atoms: int, rate: Decimal) -> int:
    """Fee of one charge [atoms]: rate x equity, rounded down to the atom; zero for a fund without equity.

    Source: Bybit, "Leveraged Tokens: Fees Explained" (NAV x quantity x rate, taken out of NAV).
    """
    return floor(max(equity_atoms, 0) * Fraction(rate))


def next_charge_ns(after_ns: int, start_ns: int, spec: ManagementFeeSpec) -> int:
    """First charge strictly after an instant [ns from the start], counted in steps of `every` through `at`.

    start_ns: the run's start [ns since 1970]. Charges stand at `at` of the day of the start, and every `every` before
    and after it.
    """
    first_ns = spec.at - start_ns % NS_PER_DAY
    return first_ns + ((after_ns - first_ns) // spec.every + 1) * spec.every
