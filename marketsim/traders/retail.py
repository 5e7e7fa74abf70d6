"""Levered retail traders: small margin, high leverage, mostly with the last move, out at a target or a stop."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal

import numpy as np

from marketsim.spec import QUOTE, Distribution, Duration, EventRate, LeverageDistribution, MoneyAmount, Rate, constant
from marketsim.streams import draw
from marketsim.traders.group import GroupRule, GroupTerms, TraderGroupSpec
from marketsim.units import NS_PER_SECOND, Money

_LEVERAGE = Distribution("pareto", {"min": Decimal(3), "alpha": Decimal(1), "max": Decimal(100)}, "1", "leverage")


class RetailSpec(TraderGroupSpec):
    """Puts `margin` at `leverage`, with probability `chase` in the direction of the last `lookback`.

    long_bias: added probability of long; target, stop: profit and loss, as shares of margin, at which it closes. On a
    spot market it only buys, and sells what it bought; there leverage is 1, and target and stop are as far away in
    price as at the median leverage of 6 on a perpetual (1.5 / 6, 0.9 / 6; decision D30).
    """

    on_spot: ClassVar[Mapping[str, Any]] = {
        "leverage": constant(Decimal(1), "leverage"),
        "target": Decimal("0.25"),
        "stop": Decimal("0.15"),
    }

    kind: Literal["retail"]
    rate: EventRate = Fraction(2, 3_600)
    margin: MoneyAmount = Money(Decimal(1_000), QUOTE)
    leverage: LeverageDistribution = _LEVERAGE
    chase: Rate = Decimal("0.75")
    lookback: Duration = 900 * NS_PER_SECOND
    long_bias: Rate = Decimal("0.05")
    target: Rate = Decimal("1.5")
    stop: Rate = Decimal("0.9")


_PROTECTION = 0.005  # how far behind the best price a market order may reach


def retail_rule(spec: RetailSpec, terms: GroupTerms) -> GroupRule:
    """The group as the kernel's retail rule takes it (CALIBRATION section 1)."""
    leverage = draw(spec.leverage, terms.draws("leverage"), np.arange(spec.count))
    parameters = {
        "margin_ticklots": terms.ticklots(spec.margin),
        "target": float(spec.target),
        "stop": float(spec.stop),
        "protection": _PROTECTION,
        "chase_threshold": round(spec.chase * 65_536),
        "long_threshold": round(spec.long_bias * 65_536),
        "lookback_steps": max(1, spec.lookback // terms.mark_every_ns),
    }
    return GroupRule("retail", parameters, {"leverage": leverage})
