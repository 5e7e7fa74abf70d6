"""Order flow without intelligence: Poisson rates of limit orders by price, of market orders, of cancels by order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from marketsim.ranges import ABOVE_ZERO, ZERO_OR_MORE, Range
from marketsim.spec import (
    OMITTED_AT_DEFAULT,
    Count,
    EventRate,
    Factor,
    Fault,
    KeyPath,
    MoneyAmount,
    Spec,
    constant,
)
from marketsim.streams import power_
from marketsim.traders.group import HALF_IN_COIN, TRADERS, MarketSort, Surroundings, TraderGroupSpec
from marketsim.traders.rule import GroupRule, GroupTerms
from marketsim.units import NS_PER_SECOND, format_event_rate, format_money, format_number

_MOST_TICKS = 10_000
_TICKS = Range(f"1 to {_MOST_TICKS}", least=1, most=_MOST_TICKS)
_MOST_RESTING = 1_000_000  # orders that rest at once on average
_DRAWS = 2.0**32


class LimitFlowSpec(Spec):
    """Limit orders that arrive on each side at 1, 2, .. ticks from the best opposite price.

    `rate` is that of each of `levels` ticks; with an exponent it falls, to rate / i^exponent at i ticks. Or `rates`
    lists them, the first at one tick.
    """

    rate: Annotated[EventRate | None, ZERO_OR_MORE, OMITTED_AT_DEFAULT] = None
    levels: Annotated[Count | None, _TICKS, OMITTED_AT_DEFAULT] = None
    exponent: Annotated[Factor, Range("0 to 5", least=0, most=5), OMITTED_AT_DEFAULT] = Decimal(0)
    rates: Annotated[tuple[EventRate, ...], ZERO_OR_MORE, OMITTED_AT_DEFAULT] = ()

    def faults(self) -> Iterator[Fault]:
        """Rates that are said twice or not at all."""
        if self.rates:
            for key, given in (("rate", self.rate), ("levels", self.levels), ("exponent", self.exponent)):
                if given:
                    yield Fault((key,), "the rates of the levels are listed", "left out, or no `rates`")
            if len(self.rates) > _MOST_TICKS:
                yield Fault(("rates",), "these are too many levels", f"at most {_MOST_TICKS}")
        elif self.rate is None or self.levels is None:
            yield Fault((), "these limit orders have no rates", "`rate` and `levels`, or a list of `rates`")

    def by_level(self) -> NDArray[np.float64]:
        """Limit orders a second on each side at 1, 2, .. ticks from the best opposite price, shape (levels,)."""
        if self.rates:
            return np.array([float(rate) for rate in self.rates])
        away = np.arange(1.0, (self.levels or 0) + 1.0)
        return float(self.rate or 0) * power_(away, -float(self.exponent))

    def total(self) -> Fraction:
        """Limit orders a second on each side."""
        if self.rates or self.exponent:
            return Fraction(float(self.by_level().sum()))
        return (self.rate or Fraction(0)) * (self.levels or 0)

    def sentence(self) -> str:
        """Where limit orders arrive, and how often, in words."""
        if self.rates:
            listed = ", ".join(format_event_rate(rate) for rate in self.rates[:5])
            more = f", .. ({len(self.rates)} in all)" if len(self.rates) > 5 else ""
            return f"limit orders at 1, 2, .. ticks from the best opposite price at rates of {listed}{more}"
        falling = f" / i^{format_number(self.exponent)} at i ticks" if self.exponent else ""
        each = f"{format_event_rate(self.rate or Fraction(0))}{falling}"
        return f"limit orders at each of the {self.levels} ticks from the best opposite price ({each})"


@TRADERS.register
class OrderFlowSpec(TraderGroupSpec):
    """Flow without intelligence: `limits` by distance, `market_rate` on each side, `cancel_rate` of each resting order.

    The whole group is one flow, its rates are the flow's, and every order has the notional `size`, in whole lots at the
    index. Half of the accounts rest the orders that the other half's market orders meet. While the opposite side is
    empty, distances count from one tick beyond the best price of the own side, and from the index where both are.
    """

    market_sorts: ClassVar[tuple[MarketSort, ...]] = ("perpetual", "spot")
    on_spot: ClassVar[Mapping[str, Any]] = {"start": HALF_IN_COIN}

    kind: Literal["order_flow"]
    count: Annotated[Count, ZERO_OR_MORE] = 2
    rate: Annotated[EventRate, ZERO_OR_MORE, OMITTED_AT_DEFAULT] = Fraction(0)
    size: Annotated[MoneyAmount, ABOVE_ZERO]
    limits: LimitFlowSpec
    market_rate: Annotated[EventRate, ZERO_OR_MORE]
    cancel_rate: Annotated[EventRate, ABOVE_ZERO]

    def mean_rate(self) -> Fraction:
        """Orders a second of the whole flow over its accounts."""
        return 2 * (self.limits.total() + self.market_rate) / max(self.count, 1)

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the market."""
        yield from super().faults(around)
        limits = list(self.limits.faults())
        yield from (fault.below("limits") for fault in limits)
        if self.rate:
            message = "how often this flow acts follows from `limits` and `market_rate`"
            yield Fault(("rate",), message, "left out", is_key=True)
        if self.count % 2:
            message = "half of the accounts rest orders, the other half takes them"
            yield Fault(("count",), message, "an even number")
        if self.latency != constant(0, "duration"):
            yield Fault(("latency",), "the orders of a flow are at the venue at once", "left out", is_key=True)
        if not limits and not self.mean_rate():
            yield Fault(("market_rate",), "this flow sends nothing", "a rate above zero here or in `limits`")
        if 2 * self.limits.total() > _MOST_RESTING * self.cancel_rate:
            message = f"more than {_MOST_RESTING:,} orders would rest in the book"
            yield Fault(("cancel_rate",), message, f"2 x all limit rates / cancel_rate of at most {_MOST_RESTING:,}")

    def resting_key(self) -> KeyPath | None:
        """Its limit orders."""
        return ("limits",)

    def sentence(self) -> str:
        """What the flow is, in words."""
        rhythm = self._rhythm()
        return (
            f"Together they are a flow of orders of {format_money(self.size)} each that looks at no price but the best"
            f"{f', arriving{rhythm}' if rhythm else ''}. On each side: {self.limits.sentence()}, and market orders "
            f"({format_event_rate(self.market_rate)}). Each resting order is cancelled at a rate of "
            f"{format_event_rate(self.cancel_rate)}."
        )

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel's order-flow rule takes it."""
        by_level = np.cumsum(self.limits.by_level())
        limits, markets = float(self.limits.total()), float(self.market_rate)
        rising = by_level / by_level[-1] if limits else np.ones(len(by_level))
        parameters = {
            "limit_threshold": round(2**31 * limits / (limits + markets)),
            "size_ticklots": terms.ticklots(self.size),
            "life_ns": float(NS_PER_SECOND / self.cancel_rate),
            "levels": len(by_level),
            "level_table": np.rint(rising * _DRAWS).astype(np.int64),
        }
        return GroupRule("order_flow", parameters)
