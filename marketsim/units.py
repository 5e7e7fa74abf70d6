"""The border post between what people write and the integers of the market: units in, whole numbers out, nothing lost.

Time is whole nanoseconds, prices whole ticks, sizes whole lots, money whole atoms (1 atom = 1e-8 of a currency), rates
whole parts of 1e8. Every parser is exact (decimal, never float) and raises `UnitError` with what was there and what is
allowed; every `format_*` writes the canonical text, which its parser reads back to the same value.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction

from marketsim.errors import UnitError

NS_PER_SECOND = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_SECOND
NS_PER_YEAR = 365 * NS_PER_DAY
ATOMS_PER_UNIT = 10**8
RATE_ONE = 100_000_000
"""One, in the parts the kernel counts rates in; 1 bp = 10_000 parts."""

# Sixty digits hold any product of two numbers a file may contain; what would not fit raises instead of rounding.
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])
_MAX_DIGITS = 25
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_INSTANT = r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?Z"
_DIGITS = r"([+-]?[0-9.,_]+(?:[eE][+-]?[0-9]+)?)"
_AMOUNT = _DIGITS + r"\s*(?:([kMG])\s+)?([A-Za-z][A-Za-z0-9_-]*)?"
_AMOUNT_OF_1INCH = _DIGITS + r"\s+(?:([kMG])\s+)?([0-9]+[A-Za-z][A-Za-z0-9_-]*)"
"""A name that begins with digits stands apart from the number."""
_NS_OF = {
    "d": 86_400 * NS_PER_SECOND,
    "h": 3_600 * NS_PER_SECOND,
    "min": 60 * NS_PER_SECOND,
    "s": NS_PER_SECOND,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
_SECONDS_OF = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_PREFIX = {"k": 3, "M": 6, "G": 9}
_WELL_KNOWN = frozenset({"USDT", "USDC", "USD", "EUR", "BUSD", "FDUSD", "DAI", "BTC", "ETH"})
"""Currencies that a prefix is read before without being told (`MUSDT` is a million USDT)."""

LONGEST_NS = 2**63 - 1
_DURATION_ALLOWED = "a duration such as 250ms, 5s, 2min, 8h, 3d, 1d12h"
_RATE_ALLOWED = "a rate such as 5 bps, 0.05% or 0"
_MONEY_ALLOWED = "money such as 0.1 USDT, 25 kUSDT, 50 MUSDT"
_SIZE_ALLOWED = "a size such as 0.001 BTC"


@dataclass(frozen=True)
class Money:
    """An amount of a currency [units of the currency]; an empty currency stands for the market's own quote currency."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return format_money(self)


@dataclass(frozen=True)
class Size:
    """A signed amount of an underlying [coins]; an empty underlying stands for the market's own."""

    amount: Decimal
    underlying: str

    def __str__(self) -> str:
        return format_size(self)


def number(text: str) -> Decimal:
    """Read a plain decimal number such as 3, -0.5 or +10, exactly."""
    stripped = text.strip()
    if not re.fullmatch(r"[+-]?" + _NUMBER, stripped):
        raise _not_a_number(text, "this is not a plain decimal number", "a number such as 3 or 0.25")
    if len(stripped.lstrip("+-").replace(".", "")) > _MAX_DIGITS:
        raise UnitError(text, f"this number has more than {_MAX_DIGITS} digits", "a number such as 3 or 0.25")
    return _EXACT.create_decimal(stripped)


def duration_ns(text: str) -> int:
    """Read a duration such as 250ms, 2min or 1d12h as whole nanoseconds [ns], at most `LONGEST_NS`."""
    compact = re.sub(r"\s+", "", text)
    parts = re.findall(rf"({_NUMBER})([A-Za-z]+)", compact)
    if not parts or "".join(value + unit for value, unit in parts) != compact:
        raise _not_a_duration(text)
    total = Fraction(0)
    last_ns = None
    for value, unit in parts:
        if unit not in _NS_OF:
            raise _unknown_duration_unit(text, unit)
        if last_ns is not None and _NS_OF[unit] >= last_ns:
            raise UnitError(text, "the parts of a duration go from long to short, each unit once", _DURATION_ALLOWED)
        last_ns = _NS_OF[unit]
        total += Fraction(number(value)) * last_ns
    if total.denominator != 1:
        raise UnitError(text, "this is not a whole number of nanoseconds", _DURATION_ALLOWED)
    if total > LONGEST_NS:
        raise UnitError(text, "this duration is out of range", "at most 106751d, which 64 bits hold in nanoseconds")
    return int(total)


def rate(text: str) -> Decimal:
    """Read a rate such as 5 bps, 0.05% or 0 as a plain fraction of one."""
    found = re.fullmatch(r"([+-]?\s*[0-9.,_]+)\s*(bps|%)?", text.strip())
    if found is None:
        hint = re.fullmatch(r"([+-]?[0-9.]+)\s*(bp|BPS|Bps|pct|percent)", text.strip())
        suggestion = f"{hint[1]} bps" if hint and hint[2].lower().startswith("bp") else f"{hint[1]}%" if hint else ""
        raise UnitError(text, "this is not a rate", _RATE_ALLOWED, suggestion)
    value = _amount(found[1], text, _RATE_ALLOWED)
    if found[2] is None and value != 0:
        raise UnitError(text, "a bare number where a rate with its unit is due", _RATE_ALLOWED)
    return _plain(value.scaleb({"bps": -4, "%": -2, None: 0}[found[2]], _EXACT))


def annual_rate(text: str) -> Decimal:
    """Read a yearly rate such as 70%/yr as a plain fraction per year."""
    allowed = "a yearly rate such as 70%/yr"
    found = re.fullmatch(r"([+-]?[0-9.,_]+)\s*%\s*/\s*yr", text.strip())
    if found is None:
        bare = re.fullmatch(r"([+-]?[0-9.]+)\s*%", text.strip())
        raise UnitError(text, "this is not a yearly rate", allowed, f"{bare[1]}%/yr" if bare else "")
    return _plain(_amount(found[1], text, allowed).scaleb(-2, _EXACT))


def event_rate(text: str) -> Fraction:
    """Read an event rate such as 6/h as events per second [1/s]."""
    allowed = "an event rate such as 6/h (per s, min, h or d)"
    found = re.fullmatch(rf"({_NUMBER})\s*/\s*([A-Za-z]+)", text.strip())
    if found is None or found[2] not in _SECONDS_OF:
        raise UnitError(text, "this is not an event rate", allowed)
    return Fraction(number(found[1])) / _SECONDS_OF[found[2]]


def money(text: str, known: Collection[str] = ()) -> Money:
    """Read money such as 25 kUSDT; `known` are names a prefix must not be cut from (an underlying called GALA)."""
    amount, currency = _amount_of(text, known, "money", _MONEY_ALLOWED)
    return Money(amount, currency)


def size(text: str, known: Collection[str] = ()) -> Size:
    """Read a signed size such as 0.001 BTC; the currency is the underlying's id."""
    amount, underlying = _amount_of(text, known, "a size", _SIZE_ALLOWED)
    return Size(amount, underlying)


def time_of_day_ns(text: str) -> int:
    """Read a time of day such as "00:02" or "23:59:30" (UTC) as nanoseconds since midnight [ns]."""
    found = re.fullmatch(r"([0-9][0-9]):([0-9][0-9])(?::([0-9][0-9]))?", text.strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3] or 0) > 59:
        raise UnitError(text, "this is not a time of day", 'a time of day such as "00:02" or "23:59:30", UTC')
    return (int(found[1]) * 3_600 + int(found[2]) * 60 + int(found[3] or 0)) * NS_PER_SECOND


def instant_ns(text: str) -> int:
    """Read an instant such as 2024-01-01T00:00:00Z as nanoseconds since 1970 [ns]."""
    allowed = "an instant in UTC such as 2024-01-01T00:00:00Z"
    found = re.fullmatch(
        r"([0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9])(?:\.([0-9]{1,9}))?Z", text.strip()
    )
    if found is None:
        day = re.fullmatch(r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]", text.strip())
        raise UnitError(text, "this is not an instant", allowed, f"{text.strip()}T00:00:00Z" if day else "")
    try:
        moment = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError as error:
        raise UnitError(text, "there is no such instant", allowed) from error
    whole = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (whole.days * 86_400 + whole.seconds) * NS_PER_SECOND + int((found[2] or "").ljust(9, "0"))


def to_ticks(price: Decimal, tick: Decimal) -> int:
    """Count the ticks in a price that lies on the price grid [ticks]."""
    return _whole(price, tick, "the price is not a whole number of ticks", "a multiple of the tick")


def nearest_ticks(price: Decimal, tick: Decimal) -> int:
    """Round a price to the nearest tick, a half upwards [ticks]."""
    return int((Fraction(price) / Fraction(tick) + Fraction(1, 2)).__floor__())


def to_lots(amount: Decimal, lot: Decimal) -> int:
    """Count the lots in a signed size that lies on the size grid [lots]."""
    return _whole(amount, lot, "the size is not a whole number of lots", "a multiple of the lot")


def to_atoms(amount: Decimal) -> int:
    """Count the atoms in an amount of a currency [atoms of 1e-8]."""
    return _whole(amount, Decimal("1e-8"), "the amount is not a whole number of atoms", "a multiple of 0.00000001")


def atoms_per_tick_lot(tick: Decimal, lot: Decimal) -> int:
    """Value of one tick on one lot of a linear contract [atoms]; whole, or the market cannot exist."""
    value = Fraction(tick) * Fraction(lot) * ATOMS_PER_UNIT
    if value.denominator != 1 or value <= 0:
        raise UnitError(f"{tick} x {lot}", "tick x lot is not a whole number of atoms", "tick x lot = n x 0.00000001")
    return int(value)


def rate_parts(value: Decimal) -> int:
    """Turn a rate into the whole parts of 1e8 the kernel counts in [1e-8]; 1 bp = 10_000."""
    return _whole(value, Decimal("1e-8"), "the rate is finer than 0.0001 bps", "a multiple of 0.0001 bps")


def format_number(value: Decimal | int) -> str:
    """Write a number plainly: no exponent, no trailing zeros."""
    text = format(Decimal(value), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def format_duration(ns: int) -> str:
    """Write a duration from long units to short: 1d12h, 250ms, 0s."""
    text, rest = "", ns
    for unit, unit_ns in _NS_OF.items():
        count, rest = divmod(rest, unit_ns)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def format_rate(value: Decimal) -> str:
    """Write a rate in percent: 0.05%."""
    return format_number(value.scaleb(2, _EXACT)) + "%"


def format_annual_rate(value: Decimal) -> str:
    """Write a yearly rate in percent: 70%/yr."""
    return format_rate(value) + "/yr"


def format_event_rate(per_second: Fraction) -> str:
    """Write an event rate in the unit that makes it shortest: 30/h."""
    texts = []
    for unit, seconds in _SECONDS_OF.items():
        value = per_second * seconds
        if _is_decimal(value):
            exact = _EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))
            texts.append(f"{format_number(exact)}/{unit}")
    if not texts:
        raise UnitError(str(per_second), "this rate is no finite decimal in any unit", "a rate per s, min, h or d")
    return min(texts, key=len)


def format_money(value: Money) -> str:
    """Write money without prefixes: 25000 USDT."""
    return f"{format_number(value.amount)} {value.currency}".rstrip()


def format_size(value: Size) -> str:
    """Write a size without prefixes: 0.001 BTC."""
    return f"{format_number(value.amount)} {value.underlying}".rstrip()


def format_time_of_day(ns: int) -> str:
    """Write a time of day: 00:02, or 23:59:30 where there are seconds."""
    hours, rest = divmod(ns // NS_PER_SECOND, 3_600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours:02d}:{minutes:02d}" + (f":{seconds:02d}" if seconds else "")


def format_instant(ns: int) -> str:
    """Write an instant: 2024-01-01T00:00:00Z, with a fraction where there is one."""
    seconds, fraction = divmod(ns, NS_PER_SECOND)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    digits = f".{fraction:09d}".rstrip("0") if fraction else ""
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}{digits}Z"


def _whole(value: Decimal, step: Decimal, message: str, allowed: str) -> int:
    count = Fraction(value) / Fraction(step)
    if count.denominator != 1:
        raise UnitError(f"{format_number(value)} in steps of {format_number(step)}", message, allowed)
    return int(count)


def _plain(value: Decimal) -> Decimal:
    """The same number without an exponent or trailing zeros, so that it prints as people write it."""
    return Decimal(format_number(value))


def _is_decimal(value: Fraction) -> bool:
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def _amount(digits: str, text: str, allowed: str) -> Decimal:
    compact = digits.replace(" ", "")
    if not re.fullmatch(r"[+-]?" + _NUMBER, compact):
        raise _not_a_number(text, "the number is not a plain decimal number", allowed)
    try:
        return number(compact)
    except UnitError as error:
        raise UnitError(text, error.message, allowed) from error


def _amount_of(text: str, known: Collection[str], what: str, allowed: str) -> tuple[Decimal, str]:
    found = re.fullmatch(_AMOUNT, text.strip()) or re.fullmatch(_AMOUNT_OF_1INCH, text.strip())
    if found is None:
        raise UnitError(text, f"this is not {what}", allowed)
    digits, prefix, name = found[1], found[2], found[3]
    if name is None or (len(name) == 1 and name not in known):
        raise UnitError(text, "a bare number where a unit is due", allowed)
    value = _amount(digits, text, allowed)
    if prefix is None:
        prefix, name = _split_prefix(name, known, text, allowed)
    return _plain(value.scaleb(_PREFIX.get(prefix, 0), _EXACT)), name


def _split_prefix(name: str, known: Collection[str], text: str, allowed: str) -> tuple[str, str]:
    """Cut a prefix off a currency; a name that can be read both ways is refused, not guessed."""
    first, rest = name[0], name[1:]
    names = _WELL_KNOWN | set(known)
    if name in names:
        return "", name
    if rest in names and first in _PREFIX:
        return first, rest
    if rest in names and first in "mKg":
        wanted = {"m": "M", "K": "k", "g": "G"}[first] + rest
        meant = text.replace(name, wanted)
        raise UnitError(text, f"{first!r} is no prefix here", f"{allowed}; prefixes k, M, G", meant)
    if first in _PREFIX and re.fullmatch(r"[A-Z][A-Z0-9]{2,}", rest):
        message = f"{name!r} can be read as {first} {rest} or as a currency {name}, and neither is known here"
        raise UnitError(text, message, f"{allowed}; or a prefix written apart, as in 5 {first} {rest}")
    return "", name


def _not_a_number(text: str, message: str, allowed: str) -> UnitError:
    if "," in text or "_" in text:
        return UnitError(text, "a comma or underscore inside a number is ambiguous", allowed, _without_commas(text))
    return UnitError(text, message, allowed)


def _without_commas(text: str) -> str:
    """The text with a number as it was surely meant; nothing where it can be read in two ways (`1,234`)."""
    found = re.search(r"[0-9][0-9.,_]*", text)
    written = found[0] if found else ""
    if re.fullmatch(r"[0-9]+,[0-9]+", written) and not re.fullmatch(r"[0-9]{1,3},[0-9]{3}", written):
        meant = written.replace(",", ".")
    elif re.fullmatch(r"[0-9]{1,3}(?:(?:,[0-9]{3}){2,}|(?:,[0-9]{3})+\.[0-9]+|(?:_[0-9]{3})+(?:\.[0-9]+)?)", written):
        meant = re.sub("[,_]", "", written)
    else:
        return ""
    return text.replace(written, meant)


def _not_a_duration(text: str) -> UnitError:
    bare = re.fullmatch(r"\s*[+-]?[0-9.]+\s*", text)
    message = "a bare number where a duration with its unit is due" if bare else "this is not a duration"
    return UnitError(text, message, _DURATION_ALLOWED)


def _unknown_duration_unit(text: str, unit: str) -> UnitError:
    meant = {"m": "min", "M": "min", "mins": "min", "minute": "min", "minutes": "min", "sec": "s", "seconds": "s"}
    meant |= {"hr": "h", "hours": "h", "hour": "h", "H": "h", "day": "d", "days": "d", "D": "d", "S": "s"}
    why = " (it could be minutes or months)" if unit == "m" else ""
    suggestion = re.sub(rf"{unit}$", meant[unit], text.strip()) if unit in meant else ""
    return UnitError(text, f"{unit!r} is no unit of time{why}", _DURATION_ALLOWED, suggestion)
