"""Hours of the day: how much busier one hour, by UTC, is than another; the mean over the day is always 1."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, get_args

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, PlainSerializer, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import CoreSchema, no_info_before_validator_function

from marketsim.ranges import ZERO_OR_MORE
from marketsim.spec import Factor, Fault, Spec, refusal
from marketsim.units import NS_PER_SECOND, format_number

__all__ = ["FLAT", "HOURS", "HOUR_NS", "PROFILES", "Season", "SeasonSpec"]

Float64Array = npt.NDArray[np.float64]

HOURS = 24
HOUR_NS = 3_600 * NS_PER_SECOND
_DAY_NS = HOURS * HOUR_NS

_CRYPTO_UTC = (
    "1.06 1.11 0.98 0.76 0.74 0.68 0.87 0.85 0.83 0.72 0.72 0.71 "
    "0.85 1.27 1.74 1.57 1.16 1.28 1.14 1.16 1.04 1.00 0.99 0.79"
)
PROFILES = {"flat": (Decimal(1),) * HOURS, "crypto_utc": tuple(map(Decimal, _CRYPTO_UTC.split()))}
"""The profiles that have a name, by the hour from 00 UTC.

crypto_utc: the standard deviations of hourly returns of BTCUSDT by UTC hour, 730 days to 2025-12-27 (table "Hourly
Performance" of btcusdt_analytics_report.md in github.com/aerox0/trading-tests2, commit 5c41cfa1497e: 0.365 % at 05,
0.822 % at 14), to the power 1.16, which makes the largest over the smallest 2.6: mean UTC profiles of volume have
1.8-4.5, with their peak at 14-15 and their trough at 2-6 (nautilus_trader's btc-perp bars of January 2022: 3.35;
Binance spot 2021-2025: 1.8-4.5; Binance perps over a year: 2.2-2.3). Three session waves are also reported by Hansen,
Kim & Kimbrough 2021, arXiv:2109.12142.
"""

_ALLOWED = f"{', '.join(PROFILES)}, or a list of {HOURS} numbers, one an hour from 00 UTC"
_number = next(part.func for part in get_args(Factor) if isinstance(part, BeforeValidator))


def _profile(value: Any) -> str | tuple[Decimal, ...]:
    if isinstance(value, str):
        if value not in PROFILES:
            near = difflib.get_close_matches(value, PROFILES, 1)
            raise refusal("there is no such profile of the day", _ALLOWED, near[0] if near else "")
        return value
    if not isinstance(value, (list, tuple)):
        raise refusal("a profile of the day is due here", _ALLOWED)
    if len(value) != HOURS:
        raise refusal(f"a day has {HOURS} hours, this list has {len(value)} numbers", _ALLOWED)
    weights = []
    for hour, item in enumerate(value):
        try:
            weights.append(_number(item))  # type: ignore[call-arg]
        except PydanticCustomError as error:
            context = error.context or {}
            raise refusal(context["message"], context["allowed"], context["suggestion"], (hour,)) from error
    return tuple(weights)


def _profile_text(value: str | tuple[Decimal, ...]) -> Any:
    return value if isinstance(value, str) else [format_number(weight) for weight in value]


Profile = Annotated[
    str | tuple[Decimal, ...],
    BeforeValidator(_profile),
    PlainSerializer(_profile_text, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(PROFILES)},
                {"type": "array", "items": {"type": "number"}, "minItems": HOURS, "maxItems": HOURS},
            ],
            "description": "profile of the day by UTC hour: a name, or 24 weights, of which the proportions count",
        }
    ),
]


class SeasonSpec(Spec):
    """A `profile` of the day: its name, or 24 weights, one an hour from 00 UTC, of which only the proportions count."""

    profile: Annotated[Profile, ZERO_OR_MORE] = "flat"

    @property
    def weights(self) -> tuple[float, ...]:
        """How busy each hour is, from 00 UTC, over the mean of the day (24,)."""
        given = PROFILES[self.profile] if isinstance(self.profile, str) else self.profile
        mean = sum(given, Decimal(0)) / HOURS
        return tuple(float(weight / mean) for weight in given)

    @property
    def is_flat(self) -> bool:
        """Whether all hours are alike."""
        return len(set(self.weights)) == 1

    def faults(self) -> Iterator[Fault]:
        """A day in which nothing happens."""
        if not isinstance(self.profile, str) and not any(self.profile):
            yield Fault(("profile",), "nothing happens at any hour of this day", "a weight above zero")

    def words(self) -> str:
        """The profile as a sentence says it."""
        return f"the profile {self.profile}" if isinstance(self.profile, str) else "24 weights"

    def means(self, start_ns: int, first_ns: npt.NDArray[np.int64], length_ns: int) -> Float64Array:
        """Mean weight over the intervals [first, first + length) (n,).

        start_ns: what `first` counts from [ns since 1970]. An interval within one hour has exactly that hour's weight.
        """
        weights = np.array(self.weights)
        begin = first_ns + start_ns % _DAY_NS
        hour, last = begin // HOUR_NS, (begin + length_ns - 1) // HOUR_NS
        until = np.concatenate(([0.0], np.cumsum(weights)))

        def hours_until(t_ns: npt.NDArray[np.int64]) -> Float64Array:
            """Weights times hours from the first midnight."""
            days, of_day = np.divmod(t_ns, _DAY_NS)
            which, rest = np.divmod(of_day, HOUR_NS)
            return np.asarray(days * float(HOURS) + until[which] + weights[which] * (rest / HOUR_NS), np.float64)

        across = (hours_until(begin + length_ns) - hours_until(begin)) * (HOUR_NS / length_ns)
        return np.where(hour == last, weights[hour % HOURS], across)


FLAT = SeasonSpec()


@dataclass(frozen=True)
class _ShortForm:
    """Lets a profile alone stand for `{profile: ..}`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_before_validator_function(
            lambda value: {"profile": value} if isinstance(value, (str, list)) else value, handler(source)
        )

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(core), {"enum": list(PROFILES)}, {"type": "array", "items": {"type": "number"}}]}


Season = Annotated[SeasonSpec, _ShortForm()]
"""A season as files write it: `{profile: crypto_utc}`, or the profile alone."""
