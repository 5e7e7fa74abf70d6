"""Trend followers: they go with the return over their look-back when it is large against the volatility."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal

import numpy as np

from marketsim.spec import QUOTE, AnnualRate, Distribution, DurationDistribution, EventRate, Factor, MoneyAmount
from marketsim.streams import draw
from marketsim.traders.group import GroupRule, GroupTerms, TraderGroupSpec
from marketsim.units import NS_PER_SECOND, Money

_LOOKBACK = Distribution("uniform", {"lo": 60 * NS_PER_SECOND, "hi": 1_800 * NS_PER_SECOND}, "ns", "duration")


class TrendSpec(TraderGroupSpec):
    """Enters beyond `enter`, leaves inside `exit`, both in volatility * sqrt(lookback).

    volatility: absent = the index's own, else 70%/yr; written in when a scenario loads.
    """

    kind: Literal["trend"]
    rate: EventRate = Fraction(12, 3_600)
    lookback: DurationDistribution = _LOOKBACK
    enter: Factor = Decimal("1.5")
    exit: Factor = Decimal("0.3")
    size: MoneyAmount = Money(Decimal(5_000), QUOTE)
    volatility: AnnualRate | None = None


class ContrarianSpec(TrendSpec):
    """Buys after a fall and sells after a rise: the trend rule with the opposite sign."""

    kind: Literal["contrarian"]  # type: ignore[assignment]


YEAR_NS = 365 * 86_400 * NS_PER_SECOND
_PLAIN_VOLATILITY = 0.7  # of an index that declares none
_PROTECTION = 0.005  # how far behind the best price a market order may reach


def trend_rule(spec: TrendSpec, terms: GroupTerms) -> GroupRule:
    """The group as the kernel's trend rule takes it: entry beyond `enter` x volatility x sqrt(look-back)."""
    lookback_ns = draw(spec.lookback, terms.draws("lookback"), np.arange(spec.count))
    volatility = float(spec.volatility) if spec.volatility is not None else terms.volatility or _PLAIN_VOLATILITY
    entry = float(spec.enter) * volatility * np.sqrt(lookback_ns / YEAR_NS)
    steps = np.maximum(1, np.floor(lookback_ns / terms.mark_every_ns)).astype(np.int64)
    parameters = {
        "direction": -1.0 if isinstance(spec, ContrarianSpec) else 1.0,
        "exit_share": float(spec.exit) / float(spec.enter) if spec.enter else 0.0,
        "size_ticklots": terms.ticklots(spec.size),
        "protection": _PROTECTION,
    }
    return GroupRule("trend", parameters, {"entry": entry, "lookback_steps": steps})
