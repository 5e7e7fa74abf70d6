"""How numbers are written for readers: k, M, G, basis points, UTC instants. The only rounding in the report.

Every function takes None for "there is no such number" and writes a dash for it.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from marketsim.units import ATOMS_PER_UNIT, NS_PER_SECOND

ABSENT = "–"
MINUS = "−"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DURATIONS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def _missing(value: float | None) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def plain(value: float | None, digits: int = 3) -> str:
    """A number with `digits` significant digits, without powers of ten, thousands separated: 12,345 or 0.00123."""
    if value is None or _missing(value):
        return ABSENT
    if value == 0:
        return "0"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])  # after rounding: 9.999 is 10.0
    decimals = max(0, digits - 1 - exponent)
    text = f"{abs(value):,.{min(decimals, 12)}f}"
    return (MINUS if value < 0 else "") + text


def resolved(value: float | None, width: float | None) -> str:
    """An estimate to the digits its interval resolves, three of the width: 1.00082 where it is 0.0011 wide."""
    if value is None or _missing(value) or width is None or _missing(width) or width <= 0:
        return plain(value)
    decimals = min(max(0, 2 - math.floor(math.log10(width))), 12)
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def with_interval(value: float | None, lo: float | None, hi: float | None, unit: str = "") -> str:
    """An estimate and its interval in the digits that half its width resolves: 28 bps [21, 35], 4.1 % [3.2, 5.0]."""
    written = f" {unit}" if unit else ""
    if value is None or _missing(value) or lo is None or hi is None or _missing(lo) or _missing(hi) or lo >= hi:
        return ABSENT if _missing(value) else f"{plain(value, 2)}{written}"
    decimals = min(max(0, -math.floor(math.log10((hi - lo) / 2))), 12)
    text, low, high = (f"{one + 0.0:,.{decimals}f}".replace("-", MINUS) for one in (value, lo, hi))
    return f"{text}{written} [{low}, {high}]"


def scaled(value: float | None, unit: str = "", digits: int = 3) -> str:
    """A number with its k, M, G or T, then the unit as scenario files write it: 12.3 MUSDT, 450 kUSDT, 0.25 USDT."""
    if value is None or _missing(value):
        return ABSENT
    for scale, letter in _SCALES:
        if abs(value) >= scale * (1 - 0.5 * 10.0**-digits):
            return f"{plain(value / scale, digits)} {letter}{unit}"
    return f"{plain(value, digits)} {unit}".rstrip()


def count(value: int | None) -> str:
    """A count of things: exact with thousands separated up to 99,999, then 1.23 M."""
    if value is None:
        return ABSENT
    return f"{value:,}".replace("-", MINUS) if abs(value) < 100_000 else scaled(value)


def money(atoms: int | None, asset: str, *, sign: bool = False) -> str:
    """Cash atoms (1e-8 of a currency) as an amount, below a cent in atoms; with `sign` a gain has its plus."""
    if atoms is None:
        return ABSENT
    cent = ATOMS_PER_UNIT // 100
    text = (
        f"{atoms:,} atoms".replace("-", MINUS)
        if 0 < abs(atoms) < cent
        else scaled(atoms / ATOMS_PER_UNIT, asset, digits=4)
    )
    return f"+{text}" if sign and atoms > 0 else text


def atoms(value: int | None) -> str:
    """A whole number of atoms, all digits shown, because checks are exact."""
    return ABSENT if value is None else f"{value:,}".replace("-", MINUS)


def short(value: float | None) -> str:
    """A number for a column of rates: three significant digits, two decimals at most, unless it would read as zero."""
    if value is None or _missing(value):
        return ABSENT
    decimals = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    return plain(value, 1) if 0 < abs(value) < 0.005 else f"{value:,.{decimals}f}".replace("-", MINUS)


def bps(rate: float | None) -> str:
    """A rate (1 = all) in basis points."""
    return ABSENT if rate is None or _missing(rate) else f"{short(rate * 1e4)} bps"


def percent(share: float | None) -> str:
    """A share (1 = all) in per cent."""
    return ABSENT if share is None or _missing(share) else f"{short(share * 100)} %"


def price(value: float | None, tick: float = 0.0) -> str:
    """A price with as many decimals as its tick, or six significant digits where the tick is not known."""
    if value is None or _missing(value):
        return ABSENT
    if tick <= 0:
        return plain(value, 6)
    decimals = max(0, math.ceil(-math.log10(tick) - 1e-9))
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def multiple(leverage: float | None, *, sign: bool = True) -> str:
    """A leverage: +3.02x, or without its sign 3.02x."""
    if leverage is None or _missing(leverage):
        return ABSENT
    return f"{leverage:+.2f}x".replace("-", MINUS) if sign else f"{abs(leverage):.1f}x"


def duration(ns: int | None) -> str:
    """A time span in its two largest units: 3 d, 1 d 12 h, 4 min 30 s, 250 ms."""
    if ns is None:
        return ABSENT
    if abs(ns) < NS_PER_SECOND:
        return "0 s" if ns == 0 else f"{plain(ns / 1e6)} ms"
    left, parts = round(ns / NS_PER_SECOND), []
    for seconds, name in _DURATIONS:
        whole, left = divmod(left, seconds)
        if whole:
            parts.append(f"{whole} {name}")
    return " ".join(parts[:2])


def instant(t_ns: int | None, start_ns: int | None) -> str:
    """An instant of the run: its UTC day and time where the clock's start is known, else the time since the start."""
    if t_ns is None or t_ns < 0:
        return ABSENT
    if start_ns is None:
        return duration(t_ns)
    when = _EPOCH + timedelta(microseconds=(start_ns + t_ns) // 1000)
    return f"{when.day} {_MONTHS[when.month - 1]} {when:%H:%M:%S}"
