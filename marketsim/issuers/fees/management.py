"""Management fees: what they are a share of, how large a charge is, and when the next one is due."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Annotated, Literal

from marketsim.issuers.fund.nav import Exact
from marketsim.ranges import ABOVE_ZERO, CHARGE
from marketsim.spec import Duration, Rate, Spec, TimeOfDay
from marketsim.units import NS_PER_DAY, NS_PER_YEAR, format_duration, format_rate, format_time_of_day


class ManagementFeeSpec(Spec):
    """A share `rate` per charge (or `per` year) `of` equity or gross notional, every `every` counted from `at` (UTC).

    `when: rebalance` charges before each rebalance instead, by the year for the time since the last charge. mode: taken
    out of the fund (`nav`), or as new units for the issuer (`dilution`).
    """

    rate: Annotated[Rate, CHARGE]
    every: Annotated[Duration, ABOVE_ZERO] = NS_PER_DAY
    at: TimeOfDay = 0
    per: Literal["charge", "year"] = "charge"
    of: Literal["equity", "notional"] = "equity"
    when: Literal["every", "rebalance"] = "every"
    mode: Literal["nav", "dilution"] = "nav"

    def words(self) -> str:
        """The fee as a part of a sentence: `a fee of 1 bps every 1d at 00:00`."""
        base = " of notional" if self.of == "notional" else ""
        text = f"a fee of {format_rate(self.rate)}{base}{', by the year,' if self.per == 'year' else ''}"
        if self.when == "rebalance":
            text += " charged before each rebalance"
        else:
            text += f"{' charged' if self.per == 'year' else ''} every {format_duration(self.every)}"
            text += f" at {format_time_of_day(self.at)}"
        return text + (" in new units for the issuer" if self.mode == "dilution" else "")


def rate_of_charge(spec: ManagementFeeSpec, elapsed_ns: int) -> Fraction:
    """Share that one charge takes: the rate, or the part of a yearly rate that falls on the time it is for [ns]."""
    rate = Fraction(spec.rate)
    return rate * elapsed_ns / NS_PER_YEAR if spec.per == "year" else rate


def management_fee_atoms(base_atoms: Exact, rate: Decimal | Fraction) -> int:
    """Fee of one charge [atoms]: rate x equity, or x notional, rounded down to the atom; zero of less than nothing.

    Sources: Bybit, "Leveraged Tokens: Fees Explained" (NAV x quantity x rate, taken out of NAV); of notional, TLX
    (docs/products.md#tlx).
    """
    return floor(max(base_atoms, 0) * Fraction(rate))


def dilution_lots(supply_lots: int, rate: Fraction) -> int:
    """New units [lots] that make the issuer own a share `rate` of the supply: N f / (1 - f), rounded down.

    Source: Set Protocol's StreamingFeeModule, as Index Coop's FLI tokens use it
    (docs/products.md#fees-inside-the-fund).
    """
    return floor(supply_lots * rate / (1 - rate))


def next_charge_ns(after_ns: int, start_ns: int, spec: ManagementFeeSpec) -> int:
    """First charge strictly after an instant [ns from the start], counted in steps of `every` through `at`.

    start_ns: the run's start [ns since 1970]. Charges stand at `at` of the day of the start, and every `every` before
    and after it.
    """
    first_ns = spec.at - start_ns % NS_PER_DAY
    return first_ns + ((after_ns - first_ns) // spec.every + 1) * spec.every
