"""The whole document: a scenario as the composition of the Specs of all rooms."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer

from marketsim.issuers.token import TokenSpec
from marketsim.spec import (
    NONE_IN_WORDS,
    WORDS_FOR_NONE,
    Count,
    Duration,
    EventTime,
    Factor,
    Identifier,
    Instant,
    MoneyAmount,
    Rate,
    SizeAmount,
    Spec,
)
from marketsim.traders.fundamentalist import FundamentalistSpec
from marketsim.traders.market_maker import MarketMakerSpec
from marketsim.traders.noise import NoiseSpec
from marketsim.traders.retail import RetailSpec
from marketsim.traders.trend import TrendSpec
from marketsim.units import NS_PER_SECOND, format_duration
from marketsim.venues.contract import MarketSpec, UnderlyingSpec

TraderSpec = NoiseSpec | FundamentalistSpec | TrendSpec | MarketMakerSpec | RetailSpec


class ClockSpec(Spec):
    """When the run starts, how long it is, how much of it is warm-up, how often `model.step()` reports."""

    start: Instant = 1_704_067_200 * NS_PER_SECOND
    duration: Duration
    warmup: Duration = 0
    report_every: Duration = 60 * NS_PER_SECOND


class JumpEventSpec(Spec):
    """The index of `underlying` jumps by `size`."""

    at: EventTime
    kind: Literal["jump"]
    underlying: Identifier
    size: Rate


class OrderEventSpec(Spec):
    """An order from outside: signed `size`, + buys; `price` belongs to limit orders."""

    at: EventTime
    kind: Literal["order"]
    market: Identifier
    size: SizeAmount
    type: Literal["market", "limit"] = "market"
    price: MoneyAmount | None = None


EventSpec = JumpEventSpec | OrderEventSpec


def _cadence_text(value: int | str | None) -> str:
    return "none" if value is None else value if isinstance(value, str) else format_duration(value)


_Cadence = Annotated[Duration | None, NONE_IN_WORDS, PlainSerializer(_cadence_text, when_used="json")]


class DepthRecordSpec(Spec):
    """Cumulative sizes within so many basis points of the mid."""

    bps: tuple[Factor, ...]
    every: Duration


class BookRecordSpec(Spec):
    """The best `levels` price levels a side."""

    levels: Count
    every: Duration


class RecordSpec(Spec):
    """What is written down, and how often; none = not at all."""

    trades: Literal["all", "none"] = "all"
    orders: Literal["all", "none"] = "none"
    quotes: Annotated[
        Literal["change"] | Duration | None,
        NONE_IN_WORDS,
        PlainSerializer(_cadence_text, when_used="json"),
    ] = 10 * NS_PER_SECOND
    depth: Annotated[DepthRecordSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    book: Annotated[BookRecordSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    marks: _Cadence = 60 * NS_PER_SECOND
    tokens: _Cadence = 60 * NS_PER_SECOND
    cohorts: _Cadence = 3_600 * NS_PER_SECOND
    positions: _Cadence = 3_600 * NS_PER_SECOND


class Scenario(Spec):
    """A resolved scenario: explicit, complete, the thing that runs and is stored beside its rows."""

    schema_version: Literal["marketsim/1"] = Field(alias="schema")
    name: Identifier
    title: str = ""
    references: tuple[str, ...] = ()
    clock: ClockSpec
    seed: Count = 0
    underlyings: tuple[UnderlyingSpec, ...]
    markets: tuple[MarketSpec, ...]
    tokens: tuple[TokenSpec, ...] = ()
    traders: tuple[Annotated[TraderSpec, Field(discriminator="kind")], ...] = ()
    networks: tuple[Any, ...] = ()
    events: tuple[Annotated[EventSpec, Field(discriminator="kind")], ...] = ()
    record: RecordSpec = RecordSpec()
    study: dict[str, Any] | None = None
