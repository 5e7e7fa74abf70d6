"""Numbers of a data file, exactly: text with a decimal point and perhaps an exponent, or a column's own values."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np

from marketsim.errors import UnitError
from marketsim.units import number

MOST_DIGITS = 18
"""What an int64 holds."""

_LONGEST = 80  # characters of a number; Decimal is exact for any of them
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_ALLOWED = "a number with a decimal point, such as 67412.5 or 6.74125e4"


def looks_like_number(text: str) -> bool:
    """Whether a cell of text is a number."""
    stripped = text.strip()
    return len(stripped) <= _LONGEST and _NUMBER.fullmatch(stripped) is not None


def exact(value: object) -> Decimal:
    """The number in a cell, as it is written or as its shortest decimal; raises UnitError for what is none."""
    if isinstance(value, str):
        text = value.strip()
        if len(text) <= _LONGEST and _NUMBER.fullmatch(text):
            return Decimal(text)
        return _refused(text)
    if isinstance(value, Decimal):
        found = value
    elif isinstance(value, int) and not isinstance(value, bool):
        found = Decimal(value)
    elif isinstance(value, (float, np.floating)):
        found = Decimal(repr(float(value)) if isinstance(value, float) else str(value))
    else:
        raise UnitError("" if value is None else str(value), "there is no number here", _ALLOWED)
    if not found.is_finite():
        raise UnitError(str(value), "there is no number here", _ALLOWED)
    return found


def _refused(text: str) -> Decimal:
    """Say why a text is no number, and what was perhaps meant where that is beyond doubt."""
    try:
        number(text)
    except UnitError as error:
        raise UnitError(text[:_LONGEST], error.message, _ALLOWED, error.suggestion) from error
    raise UnitError(text[:_LONGEST], "this number has too many digits", _ALLOWED)


def scaled(value: Decimal) -> tuple[int, int]:
    """A number as whole number and decimal places; UnitError where an int64 does not hold these."""
    sign, digits, exponent = value.as_tuple()
    if value and not -MOST_DIGITS <= value.adjusted() < MOST_DIGITS:
        raise _too_long(value)
    mantissa, places = int("".join(map(str, digits))), -int(exponent)
    if places < 0:
        mantissa, places = mantissa * 10**-places, 0
    while places and mantissa % 10 == 0 and (places > MOST_DIGITS or mantissa >= 10**MOST_DIGITS):
        mantissa, places = mantissa // 10, places - 1
    if places > MOST_DIGITS or mantissa >= 10**MOST_DIGITS:
        raise _too_long(value)
    return -mantissa if sign else mantissa, places


def scaled_text(text: str) -> tuple[int, int] | None:
    """The same of plain text such as 67412.50, which almost all prices are; None for any other."""
    whole, _, part = text.partition(".")
    digits = whole + part
    if len(digits) <= MOST_DIGITS and digits.isascii() and digits.isdigit() and whole:
        return int(digits), len(part)
    return None


def _too_long(value: Decimal) -> UnitError:
    return UnitError(str(value), "this number has too many digits", f"{MOST_DIGITS} digits")
