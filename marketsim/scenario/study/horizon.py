"""Horizons: when after a reset's last fill a price is looked at, and the words for it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer

from marketsim.errors import UnitError
from marketsim.spec import refusal
from marketsim.units import duration_ns, format_duration

NEXT: Literal["next"] = "next"
"""The horizon that ends just before the next reset of the same token."""


def _horizon(value: Any) -> Any:
    if value == NEXT:
        return value
    try:
        return duration_ns(value) if isinstance(value, str) else value
    except UnitError as error:
        raise refusal(error.message, f"{error.allowed}, or {NEXT}", error.suggestion) from error


def horizon_word(horizon: int | str) -> str:
    """A horizon as the names of measures end in it: `0s`, `2min`, `next`."""
    return horizon if isinstance(horizon, str) else format_duration(horizon)


Horizon = Annotated[
    int | Literal["next"],
    BeforeValidator(_horizon, json_schema_input_type=str),
    PlainSerializer(horizon_word, when_used="json"),
]
"""A time after a reset's last fill [ns], or `next`, just before the token's next reset."""


def horizon_ns(word: str) -> int:
    """The time that a horizon's word names [ns]; `next` names none."""
    return duration_ns(word)


def horizon_in_words(word: str) -> str:
    """When that is, as a sentence ends."""
    if word == NEXT:
        return "just before the next reset"
    spaced = re.sub(r"(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)", " ", word)
    return "at the end of the resets" if horizon_ns(word) == 0 else f"{spaced} after the resets"
