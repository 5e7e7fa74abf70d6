"""The view that the makers of a market share: what its taker orders, its index and its mid say it is worth."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import numpy as np

from marketsim.ranges import ABOVE_ZERO, BELOW_ONE, SHARE, UP_TO_TENTH, ZERO_OR_MORE, Range
from marketsim.spec import OMITTED_AT_DEFAULT, QUOTE, AnnualRate, Duration, Factor, MoneyAmount, Rate, Spec
from marketsim.streams.elementary import left_after, power_
from marketsim.traders.rule import GroupTerms
from marketsim.units import NS_PER_SECOND, NS_PER_YEAR, Money, format_money, format_number, format_rate

OCTAVES, EFFECTS_EACH = 64, 16  # of the table of effects: doublings of an order's value, entries to each
LARGEST_EFFECT = 30.0
IMPACT_RANGE = 0.3, 3.0  # of the impact stated, what it may come to mean
RETURN_NS = 10 * NS_PER_SECOND  # of the returns that volatility is taken from
PLAIN_VOLATILITY = 0.7  # per year, where the index states none
MINUTE, HALF_HOUR, HOUR = 60, 1_800, 3_600  # half-lives of the view's memories of volatility [s]

SMALL_RATE = Range("0 to 0.1", least=0, most=Decimal("0.1"))
IMPACT = Range("more than 0 bps, at most 10 bps", above=0, most=Decimal("0.001"))
EXPONENT = Range("more than 0, at most 1", above=0, most=1)
HORIZON = Range("10s to 1h", least=10 * NS_PER_SECOND, most=3_600 * NS_PER_SECOND)


class ViewSpec(Spec):
    """What makers make of orders. A market has one view; all groups that quote by it state the same.

    A taker order of value c moves the view by impact x ((c / unit)^exponent - predicted x what was predicted of it), in
    its direction. prediction: how fast the prediction learns. feedback: how far the impact follows the view's own
    volatility, against `volatility` (absent: of the index, else 70%/yr). learning: how fast the impact is corrected by
    what the price did in the `horizon` after orders (0: never); shade: share of that which is taken for orders that
    were to be expected. mid: share of its distance from the mid that it goes in a second; index: share of every move of
    the index that it makes too; anchor: share of its distance from the index that it goes in a second (without one
    nothing but takers brings a view back whose makers hold all that they may, and their side of the book stays empty).
    """

    impact: Annotated[Rate, IMPACT] = Decimal("0.000015")
    unit: Annotated[MoneyAmount, ABOVE_ZERO] = Money(Decimal(1_500), QUOTE)
    exponent: Annotated[Factor, EXPONENT] = Decimal("0.45")
    predicted: Annotated[Rate, SHARE] = Decimal("0.9")
    prediction: Annotated[Factor, SMALL_RATE] = Decimal("0.0005")
    feedback: Annotated[Factor, ZERO_OR_MORE] = Decimal("0.75")
    volatility: Annotated[AnnualRate | None, ABOVE_ZERO] = None
    learning: Annotated[Factor, SMALL_RATE] = Decimal("0.0001")
    shade: Annotated[Rate, BELOW_ONE] = Decimal("0.2")
    horizon: Annotated[Duration, HORIZON] = 300 * NS_PER_SECOND
    mid: Annotated[Rate, UP_TO_TENTH] = Decimal("0.006")
    index: Annotated[Rate, SHARE] = Decimal("0.6")
    anchor: Annotated[Rate, UP_TO_TENTH, OMITTED_AT_DEFAULT] = Decimal(0)

    def sentence(self) -> str:
        """What makers make of orders, in words."""
        anchored = f", and go {format_rate(self.anchor)} of the way to it in a second" if self.anchor else ""
        learns = f"learn from what follows within {self.horizon // NS_PER_SECOND}s" if self.learning else "never doubt"
        return (
            f"They take an order of {format_money(self.unit)} that nobody expected to be worth "
            f"{format_rate(self.impact)} of the price (power {format_number(self.exponent)} of its value), which they "
            f"{learns}; they discount {format_rate(self.predicted)} of what they predicted of it and follow "
            f"{format_rate(self.index)} of the index{anchored}."
        )

    def kernel_fields(self, terms: GroupTerms) -> dict[str, Any]:
        """The view's record in the kernel. It steps once a second, or at the marks' cadence where that is slower."""
        every = terms.mark_every_ns
        step_ns = max(1, -(-NS_PER_SECOND // every)) * every
        seconds = step_ns / NS_PER_SECOND
        volatility = float(self.volatility or terms.volatility or PLAIN_VOLATILITY)
        usual = volatility / float(np.sqrt(NS_PER_YEAR / NS_PER_SECOND))
        impact = float(self.impact)
        return_steps = max(1, RETURN_NS // step_ns)
        prior = HOUR / seconds
        return {
            "index_share": float(self.index),
            "mid_share": 1.0 - float(power_(1.0 - float(self.mid), seconds)),
            "anchor_share": 1.0 - float(power_(1.0 - float(self.anchor), seconds)),
            "step_ns": step_ns,
            "next_ns": step_ns,
            "impact": impact,
            "least_impact": IMPACT_RANGE[0] * impact,
            "most_impact": IMPACT_RANGE[1] * impact,
            "effects": self.effects(terms.ticklots(self.unit)),
            "discount": float(self.predicted),
            "prediction_rate": float(self.prediction),
            "horizon": max(self.horizon // step_ns, return_steps),
            "learning": float(self.learning) * seconds,
            "shade": float(self.shade),
            "return_steps": return_steps,
            "feedback": float(self.feedback),
            "factor": 1.0,
            "usual": usual,
            **dict.fromkeys(("square", "minute", "half_hour", "hour"), usual * usual),
            "minute_weight": 1.0 - left_after(seconds / MINUTE),
            "half_hour_weight": 1.0 - left_after(seconds / HALF_HOUR),
            "hour_weight": 1.0 - left_after(seconds / HOUR),
            "day_sum": prior * usual,
            "day_steps": prior,
            "prior_steps": prior,
        }

    def effects(self, unit: float) -> np.ndarray[Any, Any]:
        """Effects of orders by value [tick-lots]: (value / unit)^exponent at 16 values to a doubling, from 1 on.

        Shape (1025,); at most 30. The kernel takes straight lines between them (off by at most 0.02 % at the exponent
        0.45).
        """
        octave, part = np.divmod(np.arange(OCTAVES * EFFECTS_EACH + 1), EFFECTS_EACH)
        values = np.ldexp(1.0 + part / EFFECTS_EACH, octave)
        return np.minimum(power_(values / unit, float(self.exponent)), LARGEST_EFFECT)
