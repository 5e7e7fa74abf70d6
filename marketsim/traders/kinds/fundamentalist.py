"""Fundamentalists: each trades against a deviation from its reference that is beyond its own threshold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from marketsim.ranges import ABOVE_ZERO, ANY, SHARE, ZERO_OR_MORE
from marketsim.spec import (
    OMITTED_AT_DEFAULT,
    QUOTE,
    Duration,
    EventRate,
    Factor,
    Fault,
    Flag,
    MoneyDistribution,
    MoneyOrNone,
    Rate,
    Spec,
    constant,
    distribution_words,
)
from marketsim.streams import normal_quantile, power_
from marketsim.traders.group import HALF_IN_COIN, TRADERS, Surroundings, TraderGroupSpec, positive_faults, unseen_faults
from marketsim.traders.rule import MOST_TICKLOTS, GroupRule, GroupTerms, middle_quantiles, spread_out
from marketsim.units import NS_PER_SECOND, Money, format_duration, format_money, format_number, format_rate


class ThresholdSpec(Spec):
    """Each trader's threshold: offset + scale * u^exponent, u uniform on [0, 1).

    With `alpha` the law has a Pareto tail, scale * u^exponent * (1 - u)^(-1 / alpha), which reaches the largest moves.
    """

    offset: Annotated[Rate, SHARE] = Decimal("0.0006")
    scale: Annotated[Rate, SHARE] = Decimal("0.008")
    exponent: Annotated[Factor, ABOVE_ZERO] = Decimal("0.5")
    alpha: Annotated[Factor | None, ABOVE_ZERO, OMITTED_AT_DEFAULT] = None

    def of(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """The threshold of each trader, whose place among all is u in (0, 1), as a fraction."""
        if self.alpha is None:
            return spread_out(self.scale, self.offset, self.exponent, u)
        body, tail = power_(u, float(self.exponent)), power_(1.0 - u, -1.0 / float(self.alpha))
        return float(self.offset) + float(self.scale) * body * tail


@TRADERS.register
class FundamentalistSpec(TraderGroupSpec):
    """Opens to `capacity` of notional beyond its threshold, closes at `close` from its reference, the index.

    reference: what lies at the middle of it, the index or the latent fundamental; reference_error: how far each is
    wrong about that (standard deviation). slice: largest order. refill_over: mean time after which a trader takes the
    position it has as given and counts its capacity from there, with a new error and `adopts` of the price's deviation
    in its reference. on_index: look at every update of the index too, so that quotes which it has left behind are taken
    at the group's latency. On a spot market closed is what it opened with.
    """

    on_spot: ClassVar[Mapping[str, Any]] = {"start": HALF_IN_COIN}

    kind: Literal["fundamentalist"]
    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(60, 3_600)
    threshold: ThresholdSpec = ThresholdSpec()
    capacity: MoneyDistribution = constant(Money(Decimal(60_000), QUOTE), "money")
    close: Annotated[Rate, ANY] = Decimal(0)
    reference: Annotated[Literal["index", "latent"], OMITTED_AT_DEFAULT] = "index"
    reference_error: Annotated[Rate, SHARE, OMITTED_AT_DEFAULT] = Decimal(0)
    slice: Annotated[MoneyOrNone, ABOVE_ZERO, OMITTED_AT_DEFAULT] = None
    refill_over: Annotated[Duration | None, ABOVE_ZERO, OMITTED_AT_DEFAULT] = None
    adopts: Annotated[Rate, SHARE, OMITTED_AT_DEFAULT] = Decimal(0)
    on_index: Annotated[Flag, OMITTED_AT_DEFAULT] = False

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the market."""
        yield from super().faults(around)
        yield from positive_faults(("capacity",), self.capacity)
        if self.reference == "latent":
            yield from unseen_faults(("reference",), self.market, around)
        if self.adopts and self.refill_over is None:
            yield Fault(("adopts",), "the price is taken over at a refill, and there is none", "0%, or `refill_over`")
        if self.refill_over is not None and self.rate * self.refill_over < NS_PER_SECOND:
            allowed = "longer than the time between two wake-ups" if self.rate else "left out, or a rate above zero"
            yield Fault(("refill_over",), "nobody wakes often enough to refill in this time", allowed)

    def sentence(self) -> str:
        """What each of them does, in words."""
        name = "index" if self.reference == "index" else "latent fundamental"
        close = f"{format_rate(self.close)} from" if self.close else "at"
        looks = " They look at every update of the index." if self.on_index else ""
        tail = f", with a Pareto tail of index {format_number(self.threshold.alpha)}" if self.threshold.alpha else ""
        text = (
            f"They trade towards the {name}, with up to {distribution_words(self.capacity)} each, once the price is "
            f"beyond a threshold of their own ({format_rate(self.threshold.offset)} or more away{tail}), and close "
            f"{close} the {name}.{looks}"
        )
        if self.slice is not None:
            text += f" An order has at most {format_money(self.slice)}."
        if self.reference_error:
            text += f" Each is wrong about the {name} by {format_rate(self.reference_error)} (standard deviation)."
        if self.refill_over is not None:
            adopted = f", with {format_rate(self.adopts)} of the price's deviation in it" if self.adopts else ""
            text += (
                f" After {format_duration(self.refill_over)} on average each takes its position as given, has its "
                f"whole capacity again, and thinks anew where the price belongs{adopted}."
            )
        return text

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel's fundamentalist rule takes it (docs/calibration.md#fundamentalists)."""
        who = np.arange(self.count)
        error = float(self.reference_error)
        refills = 0 if self.refill_over is None else round(2**32 * NS_PER_SECOND / (self.rate * self.refill_over))
        parameters = {
            "close": float(self.close),
            "slice_ticklots": MOST_TICKLOTS if self.slice is None else terms.ticklots(self.slice),
            "refill_threshold": refills,
            "adopts": float(self.adopts),
            "sees_latent": int(self.reference == "latent"),
            "threshold_table": self.threshold.of(terms.draws("threshold").uniform(who, 0)),
            "capacity_table": terms.ticklots_drawn(self.capacity, "capacity", who),
            "error_table": error * normal_quantile(middle_quantiles()),
        }
        reference = error * terms.draws("reference").normal(who, 0)
        counts_from = "base_lots" if terms.is_of_coin else ""
        return GroupRule(
            "fundamentalist",
            parameters,
            {"reference": reference, "base_lots": 0},
            on_index=self.on_index,
            counts_from=counts_from,
        )
