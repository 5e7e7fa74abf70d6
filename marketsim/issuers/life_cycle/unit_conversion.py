"""Unit conversion of reverse splits and merges: few tokens for many, at the same worth, by exact formulas.

Units / ratio, NAV x ratio, value unchanged (MEXC, KuCoin, Pionex, Gate, Binance, docs/products.md#reverse-splits). What
a holder has beyond whole lots of the new token is paid in cash at NAV, down to the atom; or nothing is lost at all
where the lot itself becomes `ratio` times smaller. Derived: with v the NAV per old lot, a holder of n old lots gets
n // R new lots of worth R v each and (n mod R) v in cash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import floor
from typing import Annotated, Literal

from marketsim.issuers.fund.nav import Exact
from marketsim.ranges import ABOVE_ZERO, SPLIT_RATIO
from marketsim.spec import Count, Duration, Fault, MoneyAmount, Spec
from marketsim.units import NS_PER_SECOND, Money, format_duration, format_money

HALT_NS = 600 * NS_PER_SECOND
"""How long trading rests around a split where nothing is said: minutes at MEXC and Pionex, a day at Binance."""


class ReverseSplitSpec(Spec):
    """`ratio` tokens become one whenever NAV is `below`; primary and own market rest for `halt`.

    fractions: paid in `cash` at NAV, or kept `exact` by a smaller lot.
    """

    below: Annotated[MoneyAmount, ABOVE_ZERO]
    ratio: Annotated[Count, SPLIT_RATIO]
    halt: Duration = HALT_NS
    fractions: Literal["cash", "exact"] = "cash"

    def faults(self, nav: Money, *, has_market: bool) -> Iterator[Fault]:
        """What contradicts the token: nav, at which it opens; has_market: whether it has a market of its own."""
        if self.below.amount > nav.amount:
            message = f"the token opens at {format_money(nav)}, beneath the threshold"
            yield Fault(("below",), message, f"at most {format_money(nav)}")
        if has_market and self.fractions == "exact":
            yield Fault(("fractions",), "the lot of a token's own market cannot become smaller", "cash")

    def sentence(self) -> str:
        """When it splits, in words."""
        text = f"Below a NAV of {format_money(self.below)}, {self.ratio} tokens become one."
        return text + (f" The primary market then rests for {format_duration(self.halt)}." if self.halt else "")


@dataclass(frozen=True, slots=True)
class UnitConversion:
    """What a split does to holders: new lots and cash in lieu [atoms] by account, and what the fund pays in all.

    `rounding_atoms` is what the fund pays and no holder gets, less than an atom each.
    """

    lots: Mapping[int, int]
    cash_atoms: Mapping[int, int]
    paid_atoms: int

    @property
    def supply_lots(self) -> int:
        """The new supply."""
        return sum(self.lots.values())

    @property
    def rounding_atoms(self) -> int:
        """Paid by the fund, and nobody's."""
        return self.paid_atoms - sum(self.cash_atoms.values())


def convert_units(units_lots: Mapping[int, int], ratio: int, lot_value: Exact) -> UnitConversion:
    """Old units for new ones, by account; lot_value: NAV of an old lot [atoms].

    The fund pays for all fractions together, rounded down; each holder gets its own, rounded down.
    """
    new = {account: lots // ratio for account, lots in units_lots.items()}
    left = {account: lots % ratio for account, lots in units_lots.items()}
    cash = {account: floor(lots * lot_value) for account, lots in left.items()}
    return UnitConversion(new, cash, floor(sum(left.values()) * lot_value))
