"""Fundamentalists: each trades against a deviation from the index that is beyond its own threshold."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from marketsim.ranges import ABOVE_ZERO, ANY, SHARE, ZERO_OR_MORE
from marketsim.spec import OMITTED_AT_DEFAULT, QUOTE, EventRate, Factor, Flag, MoneyAmount, Rate, Spec
from marketsim.traders.group import HALF_IN_COIN, TRADERS, TraderGroupSpec
from marketsim.traders.rule import GroupRule, GroupTerms, spread_out
from marketsim.units import Money, format_money, format_rate


class ThresholdSpec(Spec):
    """Each trader's threshold: offset + scale * u^exponent, u uniform on [0, 1)."""

    offset: Annotated[Rate, SHARE] = Decimal("0.0006")
    scale: Annotated[Rate, SHARE] = Decimal("0.008")
    exponent: Annotated[Factor, ABOVE_ZERO] = Decimal("0.5")


@TRADERS.register
class FundamentalistSpec(TraderGroupSpec):
    """Opens to `capacity` of notional beyond its threshold, closes at `close` from the index.

    on_index: look at every update of the index too, so that quotes which it has left behind are taken at the group's
    latency. On a spot market closed is what it opened with.
    """

    on_spot: ClassVar[Mapping[str, Any]] = {"start": HALF_IN_COIN}

    kind: Literal["fundamentalist"]
    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(60, 3_600)
    threshold: ThresholdSpec = ThresholdSpec()
    capacity: Annotated[MoneyAmount, ABOVE_ZERO] = Money(Decimal(60_000), QUOTE)
    close: Annotated[Rate, ANY] = Decimal(0)
    on_index: Annotated[Flag, OMITTED_AT_DEFAULT] = False

    def sentence(self) -> str:
        """What each of them does, in words."""
        close = f"{format_rate(self.close)} from" if self.close else "at"
        looks = " They look at every update of the index." if self.on_index else ""
        return (
            f"They trade towards the index, with up to {format_money(self.capacity)} each, once the price is beyond a "
            f"threshold of their own ({format_rate(self.threshold.offset)} or more away), and close {close} the "
            f"index.{looks}"
        )

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel's fundamentalist rule takes it (docs/calibration.md#fundamentalists)."""
        own = terms.draws("threshold").uniform(np.arange(self.count), 0)
        threshold = spread_out(self.threshold.scale, self.threshold.offset, self.threshold.exponent, own)
        parameters = {"capacity_ticklots": terms.ticklots(self.capacity), "close": float(self.close)}
        counts_from = "base_lots" if terms.is_of_coin else ""
        return GroupRule(
            "fundamentalist",
            parameters,
            {"threshold": threshold, "base_lots": 0},
            on_index=self.on_index,
            counts_from=counts_from,
        )
