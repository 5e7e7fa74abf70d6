"""A value of any unit as an exact number, and back: what the continuous axis of a study needs.

| kind | text | amount |
|---|---|---|
| `number` | `3`, `0.25` | the number |
| `duration` | `30min` | seconds |
| `time of day` | `"00:02"` | seconds since midnight UTC |
| `instant` | `2024-01-01T00:00:00Z` | seconds since 1970 |
| `rate` | `5 bps` | fraction of one |
| `yearly rate` | `70%/yr` | fraction per year |
| `event rate` | `30/h` | events per second |
| `amount` | `25 kUSDT`, `0.1 BTC` | units of the currency |
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

from marketsim import units
from marketsim.errors import UnitError
from marketsim.units import NS_PER_SECOND, Money

DIGITS = 6
"""Significant digits of a value that was sampled and is written as a text."""

_EVENT_UNITS = {"/s": 1, "/min": 60, "/h": 3_600, "/d": 86_400}
_FINEST = {
    "number": Fraction(1, 10**12),
    "duration": Fraction(1, NS_PER_SECOND),
    "time of day": Fraction(1),
    "instant": Fraction(1),
    "rate": Fraction(1, units.RATE_ONE),
    "yearly rate": Fraction(1, units.RATE_ONE),
    "event rate": Fraction(1, 10**12),
    "amount": Fraction(1, units.ATOMS_PER_UNIT),
}
_PLENTY = Context(prec=60, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Quantity:
    """An exact amount of one kind; `unit` is the currency of an amount, and how an event rate was written."""

    kind: str
    amount: Fraction
    unit: str = ""

    @property
    def dimension(self) -> tuple[str, str]:
        """What two quantities must share to lie on one axis: the kind, and the currency of amounts."""
        return self.kind, self.unit if self.kind == "amount" else ""

    def rewritten(self, amount: Fraction, scale: Fraction) -> str:
        """The text of another amount of this kind and unit, rounded to `DIGITS` significant digits of `scale`."""
        factor = _EVENT_UNITS.get(self.unit, 1) if self.kind == "event rate" else 1
        step = max(_FINEST[self.kind], _step(abs(scale) * factor))
        return _WRITERS[self.kind](round(amount * factor / step) * step, self.unit)


def read_quantity(value: Any, known: Collection[str] = ()) -> Quantity | None:
    """A value of a scenario file as a quantity; None where it is none (a word, a map, a list).

    `known` are the names of currencies that no prefix is cut from.
    """
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        value = units.format_number(value)
    if not isinstance(value, str):
        return None
    for read in _READERS:
        try:
            return read(value)
        except UnitError:
            continue
    try:
        money = units.money(value, known)
    except UnitError:
        return None
    return Quantity("amount", Fraction(money.amount), money.currency)


def _event_rate(text: str) -> Quantity:
    return Quantity("event rate", units.event_rate(text), "/" + text.partition("/")[2].strip())


_READERS: tuple[Callable[[str], Quantity], ...] = (
    lambda text: Quantity("number", Fraction(units.number(text))),
    lambda text: Quantity("duration", Fraction(units.duration_ns(text), NS_PER_SECOND)),
    lambda text: Quantity("time of day", Fraction(units.time_of_day_ns(text), NS_PER_SECOND)),
    lambda text: Quantity("instant", Fraction(units.instant_ns(text), NS_PER_SECOND)),
    lambda text: Quantity("rate", Fraction(units.rate(text))),
    lambda text: Quantity("yearly rate", Fraction(units.annual_rate(text))),
    _event_rate,
)

_WRITERS: dict[str, Callable[[Fraction, str], str]] = {
    "number": lambda amount, _: units.format_number(_decimal(amount)),
    "duration": lambda amount, _: units.format_duration(int(amount * NS_PER_SECOND)),
    "time of day": lambda amount, _: units.format_time_of_day(int(amount) * NS_PER_SECOND),
    "instant": lambda amount, _: units.format_instant(int(amount) * NS_PER_SECOND),
    "rate": lambda amount, _: units.format_rate(_decimal(amount)),
    "yearly rate": lambda amount, _: units.format_annual_rate(_decimal(amount)),
    "event rate": lambda amount, unit: units.format_number(_decimal(amount)) + unit,
    "amount": lambda amount, unit: units.format_money(Money(_decimal(amount), unit)),
}


def _step(scale: Fraction) -> Fraction:
    """The value of the last of `DIGITS` digits of a number of this size."""
    if scale == 0:
        return Fraction(0)
    return Fraction(10) ** (_decimal(scale).adjusted() - DIGITS + 1)


def _decimal(value: Fraction) -> Decimal:
    return _PLENTY.divide(Decimal(value.numerator), Decimal(value.denominator))
