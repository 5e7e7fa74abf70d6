"""Execution: how a rebalance becomes orders."""

from __future__ import annotations

from typing import Literal

from marketsim.spec import Count, Duration, MoneyAmount, Spec


class MarketExecutionSpec(Spec):
    """One market order."""

    algorithm: Literal["market"]


class IocLadderSpec(Spec):
    """Immediate-or-cancel orders of at most `slice` of notional, one every `every`, until done."""

    algorithm: Literal["ioc_ladder"]
    slice: MoneyAmount
    every: Duration


class TwapSpec(Spec):
    """`slices` equal market orders, evenly over `over`."""

    algorithm: Literal["twap"]
    over: Duration
    slices: Count


class OffBookSpec(Spec):
    """At the mark price against `outside`, never in the book; pays the taker fee unless `off_book_fees` is false."""

    algorithm: Literal["off_book"]
    off_book_fees: bool = True


ExecutionSpec = MarketExecutionSpec | IocLadderSpec | TwapSpec | OffBookSpec
