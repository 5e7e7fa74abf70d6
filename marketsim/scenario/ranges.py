"""What each number of a scenario may be: one table, by Spec and key, with the words a message uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from marketsim import units
from marketsim.issuers.disclosure.spec import DisclosureSpec
from marketsim.issuers.fees.management import ManagementFeeSpec
from marketsim.issuers.life_cycle.unit_conversion import ReverseSplitSpec
from marketsim.issuers.primary_market.caps import SAMPLE_NS, DailyCapSpec, VolatileCapSpec
from marketsim.issuers.primary_market.nav_quote import NavQuoteSpec
from marketsim.issuers.primary_market.terms import PrimarySpec
from marketsim.issuers.token_spec import TokenSpec, TokenStartSpec
from marketsim.scenario.nodes import Path
from marketsim.scenario.schema import (
    BookRecordSpec,
    ClockSpec,
    DepthRecordSpec,
    RecordSpec,
)
from marketsim.scenario.study import ForkSpec, PerpetualPositionSpec, ProbeSpec
from marketsim.spec import Spec
from marketsim.units import NS_PER_SECOND, Money, Size

_DAY = 86_400 * NS_PER_SECOND


@dataclass(frozen=True)
class Range:
    """The numbers a key may hold, and with `or_zero` zero; `parts` asks for whole parts of 1e8, in which rates go."""

    words: str
    least: Decimal | int | None = None
    most: Decimal | int | None = None
    above: Decimal | int | None = None
    below: Decimal | int | None = None
    parts: bool = False
    or_zero: bool = False

    def holds(self, value: Decimal | int | Fraction) -> bool:
        """Whether a number is one of them."""
        exact = Fraction(value)
        return (self.or_zero and exact == 0) or (
            (self.least is None or exact >= Fraction(self.least))
            and (self.most is None or exact <= Fraction(self.most))
            and (self.above is None or exact > Fraction(self.above))
            and (self.below is None or exact < Fraction(self.below))
            and (not self.parts or (exact * units.RATE_ONE).denominator == 1)
        )


_ABOVE_ZERO = Range("more than zero", above=0)
_ZERO_OR_MORE = Range("zero or more", least=0)
_SHARE = Range("0% to 100%", least=0, most=1)
_AT_LEAST_ONE = Range("at least 1", least=1)
_CADENCE = Range("1ms or longer", least=NS_PER_SECOND // 1_000)
_POLL = Range("0s (always), or 1ms or longer", least=NS_PER_SECOND // 1_000, or_zero=True)
_UP_TO_TENTH = Range("0% to 10%", least=0, most=Decimal("0.1"))
_PART = Range("more than 0%, below 100%", above=0, below=1)
_WITHIN_A_DAY = Range("more than 0s, at most 1d", above=0, most=_DAY)
_CHARGED = Range("0% to 10%, in steps of 0.0001 bps", least=0, most=Decimal("0.1"), parts=True)
_SIGNED_CHARGE = Range("-10% to 10%, in steps of 0.0001 bps", least=Decimal("-0.1"), most=Decimal("0.1"), parts=True)
_RATIO = Range("2 to 1,000,000", least=2, most=1_000_000)
_SLICES = Range("1 to 10000", least=1, most=10_000)
_NOISE = Range("0% to 300%", least=0, most=3)
_TEN_YEARS = Range("more than 0s, at most 3660d", above=0, most=3_660 * _DAY)

RANGES: dict[type[Spec], dict[str, Range]] = {
    ClockSpec: {"duration": _TEN_YEARS, "report_every": _ABOVE_ZERO},
    TokenSpec: {"aum": _ZERO_OR_MORE, "nav": _ABOVE_ZERO, "rebalance_fee": _ZERO_OR_MORE},
    TokenStartSpec: {"last_reset": _ABOVE_ZERO},
    NavQuoteSpec: {"every": _CADENCE},
    PrimarySpec: {
        "create_fee": _CHARGED,
        "redeem_fee": _CHARGED,
        "minimum": _ZERO_OR_MORE,
        "daily_cap": _ZERO_OR_MORE,
        "account_cap": _ZERO_OR_MORE,
        "supply_cap": _ZERO_OR_MORE,
    },
    DailyCapSpec: {"base": _ZERO_OR_MORE, "window": Range("10min to 30d", least=2 * SAMPLE_NS, most=30 * _DAY)},
    VolatileCapSpec: {"above": _ZERO_OR_MORE, "cap": _ZERO_OR_MORE},
    ReverseSplitSpec: {"below": _ABOVE_ZERO, "ratio": _RATIO},
    ManagementFeeSpec: {"rate": _CHARGED, "every": _ABOVE_ZERO},
    DisclosureSpec: {"noise": _NOISE, "every": _CADENCE},
    DepthRecordSpec: {"bps": _ABOVE_ZERO, "every": _CADENCE},
    BookRecordSpec: {"levels": Range("1 to 1000", least=1, most=1_000), "every": _CADENCE},
    ForkSpec: {"at": _ZERO_OR_MORE, "before": _ZERO_OR_MORE, "horizon": _ABOVE_ZERO},
    ProbeSpec: {
        "count": Range("2 to 10000", least=2, most=10_000),
        "sizes": _ABOVE_ZERO,
        "over": _ZERO_OR_MORE,
        "slices": _AT_LEAST_ONE,
        "horizons": _ABOVE_ZERO,
    },
    PerpetualPositionSpec: {"leverage": _ABOVE_ZERO, "stop_loss": _PART},
    RecordSpec: dict.fromkeys(("quotes", "marks", "tokens", "cohorts", "positions"), _CADENCE),
}


def out_of_range(spec: Spec, path: Path) -> Iterator[tuple[Path, Range]]:
    """Every number of a Spec, and of the Specs inside it, that it may not be: its path and its range."""
    ranges: dict[str, Range] = {}
    for kind in type(spec).__mro__:
        ranges = {**RANGES.get(kind, {}), **ranges}
    for name, field in type(spec).model_fields.items():
        value, key = getattr(spec, name), field.alias or name
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Spec):
                yield from out_of_range(part, (*path, key))
        if name in ranges and not all(ranges[name].holds(number) for number in _numbers(value)):
            yield (*path, key), ranges[name]


def _numbers(value: Any) -> list[Decimal | int | Fraction]:
    if isinstance(value, (Money, Size)):
        return [value.amount]
    if isinstance(value, tuple):
        return [number for item in value for number in _numbers(item)]
    return [value] if isinstance(value, (Decimal, int, Fraction)) and not isinstance(value, bool) else []
