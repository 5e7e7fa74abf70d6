"""Margin: how large a position an account may hold, and at which equity it is taken away."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer

from marketsim.spec import Factor, MoneyAmount, Rate, Spec


class TierSpec(Spec):
    """One bracket of notional: the largest leverage in it, and the maintenance margin rate."""

    up_to: MoneyAmount
    max_leverage: Factor
    maintenance: Rate


def _rows(value: Any) -> Any:
    return () if value == "none" else value


def _text(rows: tuple[TierSpec, ...]) -> Any:
    return [row.model_dump(mode="json") for row in rows] or "none"


Tiers = Annotated[tuple[TierSpec, ...], BeforeValidator(_rows), PlainSerializer(_text, when_used="json")]
"""Brackets in rising order of `up_to`; empty (`none` in a file) = unlimited. A file may name a table of the presets."""


class MarginSpec(Spec):
    """The tier table and whether positions share one pool (`cross`)."""

    tiers: Tiers = ()
    mode: Literal["cross"] = "cross"
