"""Instants of a data file: epochs whose unit is told by their size, text with or without an offset, days."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

from marketsim.errors import UnitError
from marketsim.market_data.numbers import exact
from marketsim.units import NS_PER_DAY, NS_PER_SECOND

NS_OF = {"s": NS_PER_SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1}
LARGEST_NS = 2**62
"""Instants stay within this, the year 2116, so that differences of two stay in an int64."""

_FIRST_EPOCH_S = 10**8
"""Seconds below this, March 1973, are no epochs: they count from the run's start."""

_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9})[0-9]*)?)?)?"
    r"\s*(?:(Z|UTC)|([+-])([0-9]{2}):?([0-9]{2})?)?"
)
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
_ALLOWED = "an instant such as 2024-01-01T00:00:00Z, or whole numbers since 1970 in s, ms, us or ns"


def unit_of(epoch: Fraction) -> str:
    """The unit of an epoch by its size: seconds below the year 5138, milliseconds, microseconds, nanoseconds."""
    size = abs(epoch)
    return "s" if size < 10**11 else "ms" if size < 10**14 else "us" if size < 10**17 else "ns"


def looks_like_instant(text: str) -> bool:
    """Whether a cell of text is an instant or a day."""
    return _INSTANT.fullmatch(text.strip()) is not None


def zone_named(name: str) -> tzinfo | None:
    """A time zone by name (`America/New_York`) or offset (`+08:00`); None where there is none of that name."""
    found = _OFFSET.fullmatch(name)
    if found is not None:
        minutes = int(found[2]) * 60 + int(found[3])
        return timezone(timedelta(minutes=minutes if found[1] == "+" else -minutes)) if minutes < 24 * 60 else None
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None


class TimeReader:
    """Reads the time column of one file, and remembers how.

    unit: `s ms us ns`, or `instant`: text, and epochs whose unit is told by their size. zone: of text without offset.
    midnight_ns: the day that times are seconds of, if they are (LOBSTER) [ns since 1970]. start_ns: the run's start,
    which small numbers count from.
    """

    def __init__(self, unit: str, zone: tzinfo, midnight_ns: int | None, start_ns: int) -> None:
        self.unit, self.zone, self.midnight_ns, self.start_ns = unit, zone, midnight_ns, start_ns
        self.units: set[str] = set()
        self.has_naive = False
        self._from_start: bool | None = None

    def read(self, value: object) -> int:
        """An instant [ns since 1970]; raises UnitError for what is none."""
        found = self._instant(value) if isinstance(value, str) else self._number(value)
        if abs(found) >= LARGEST_NS:
            raise UnitError(str(value)[:80], "this is not an instant", _ALLOWED)
        return found

    def _instant(self, value: str) -> int:
        text = value.strip()
        if text.isascii() and text.isdigit() and len(text) <= 20:
            return self._number(int(text))
        found = _INSTANT.fullmatch(text)
        return self._number(value) if found is None else self._of_text(found, text)

    def _number(self, value: object) -> int:
        if isinstance(value, int) and self.unit == "instant" and value >= 10**10 and self.midnight_ns is None:
            unit = "s" if value < 10**11 else "ms" if value < 10**14 else "us" if value < 10**17 else "ns"
            self.units.add(unit)
            return value * NS_OF[unit]  # almost all there is, so without fractions
        try:
            number = Fraction(exact(value))
        except UnitError as error:
            raise UnitError(error.text, "this is not an instant", _ALLOWED) from error
        if self.midnight_ns is not None:
            self.has_naive = True
            return (
                self.midnight_ns + round(number * NS_PER_SECOND) - _offset_ns(self.zone, self.midnight_ns, int(number))
            )
        if self._from_start is None:
            self._from_start = self.unit == "instant" and 0 <= number < _FIRST_EPOCH_S
        if self._from_start:
            self.units.add("seconds from the start")
            return self.start_ns + round(number * NS_PER_SECOND)
        unit = unit_of(number) if self.unit == "instant" else self.unit
        self.units.add(unit)
        return round(number * NS_OF[unit])

    def _of_text(self, found: re.Match[str], text: str) -> int:
        try:
            day_ns = _day_ns(found[1], found[2], found[3])
            hour, minute, second = int(found[4] or 0), int(found[5] or 0), int(found[6] or 0)
            if hour > 23 or minute > 59 or second > 59:
                raise ValueError
        except ValueError as error:
            raise UnitError(text[:80], "there is no such instant", _ALLOWED) from error
        seconds = hour * 3_600 + minute * 60 + second
        at_ns = day_ns + seconds * NS_PER_SECOND + int((found[7] or "").ljust(9, "0"))
        if found[8]:
            return at_ns
        if found[9]:
            offset = int(found[10]) * 3_600 + int(found[11] or 0) * 60
            return at_ns - (offset if found[9] == "+" else -offset) * NS_PER_SECOND
        self.has_naive = True
        return at_ns - _offset_ns(self.zone, day_ns, seconds)


@cache
def _day_ns(year: str, month: str, day: str) -> int:
    return (date(int(year), int(month), int(day)) - date(1970, 1, 1)).days * NS_PER_DAY


def _offset_ns(zone: tzinfo, day_ns: int, seconds: int) -> int:
    """What a zone's clocks are ahead of UTC at one of their own times [ns]."""
    if zone is UTC:
        return 0
    there = datetime(1970, 1, 1) + timedelta(days=day_ns // NS_PER_DAY, seconds=seconds)  # noqa: DTZ001
    ahead = there.replace(tzinfo=zone).utcoffset() or timedelta(0)
    return round(Decimal(ahead.total_seconds())) * NS_PER_SECOND
