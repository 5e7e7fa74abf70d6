"""Fundamentalists: each trades against a deviation from the index that is beyond its own threshold."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal

import numpy as np

from marketsim.spec import QUOTE, EventRate, Factor, MoneyAmount, Rate, Spec
from marketsim.traders.group import HALF_IN_COIN, GroupRule, GroupTerms, TraderGroupSpec, spread_out
from marketsim.units import Money


class ThresholdSpec(Spec):
    """Each trader's threshold: offset + scale * u^exponent, u uniform on [0, 1)."""

    offset: Rate = Decimal("0.0006")
    scale: Rate = Decimal("0.008")
    exponent: Factor = Decimal("0.5")


class FundamentalistSpec(TraderGroupSpec):
    """Opens to `capacity` of notional beyond its threshold, closes at `close` from the index.

    On a spot market closed is what it opened with.
    """

    on_spot: ClassVar[Mapping[str, Any]] = {"start": HALF_IN_COIN}

    kind: Literal["fundamentalist"]
    rate: EventRate = Fraction(60, 3_600)
    threshold: ThresholdSpec = ThresholdSpec()
    capacity: MoneyAmount = Money(Decimal(60_000), QUOTE)
    close: Rate = Decimal(0)


def fundamentalist_rule(spec: FundamentalistSpec, terms: GroupTerms) -> GroupRule:
    """The group as the kernel's fundamentalist rule takes it (CALIBRATION section 1)."""
    own = terms.draws("threshold").uniform(np.arange(spec.count), 0)
    threshold = spread_out(spec.threshold.scale, spec.threshold.offset, spec.threshold.exponent, own)
    parameters = {"capacity_ticklots": terms.ticklots(spec.capacity), "close": float(spec.close)}
    return GroupRule("fundamentalist", parameters, {"threshold": threshold, "base_lots": 0}, counts_from="base_lots")
