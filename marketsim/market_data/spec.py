"""What a scenario says of a file of market data; what it leaves out is told by the file's content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from marketsim.errors import UnitError
from marketsim.market_data.times import zone_named
from marketsim.ranges import ANY
from marketsim.spec import NONE_IN_WORDS, OMITTED_AT_DEFAULT, Fault, FileSpec, refusal
from marketsim.units import format_instant, instant_ns

FormatName = Literal[
    "auto",
    "plain",
    "binance_klines",
    "binance_agg_trades",
    "tardis_trades",
    "tardis_quotes",
    "tardis_book",
    "cryptodatadownload",
    "kraken_trades",
    "ccxt_ohlcv",
    "lobster_message",
    "lobster_orderbook",
]
TimeUnit = Literal["instant", "s", "ms", "us", "ns"]


def _header(value: Any) -> Any:
    if value in (None, "auto", "none"):
        return None
    if not isinstance(value, bool):
        raise refusal("true, false or auto is due here", "auto, true (the first line names the columns), false")
    return value


def _day(value: Any) -> Any:
    if not isinstance(value, str):
        raise refusal("a day is due here", "a day such as 2012-06-21")
    try:
        return instant_ns(f"{value.strip()}T00:00:00Z")
    except UnitError as error:
        raise refusal("there is no such day", "a day such as 2012-06-21") from error


def _conditions(value: Any) -> Any:
    """Values of columns as text, whatever YAML takes them for."""
    if isinstance(value, dict):
        return {key: str(each) if isinstance(each, (int, float)) else each for key, each in value.items()}
    return value


Day = Annotated[
    int,
    BeforeValidator(_day),
    PlainSerializer(lambda value: format_instant(value)[:10], when_used="json"),
    WithJsonSchema({"type": "string", "description": "a day", "examples": ["2012-06-21"]}),
]
"""A day, as its midnight in UTC [ns since 1970]."""


class DataFileSpec(FileSpec):
    """A file of market data: CSV, Parquet or Feather, each also gzipped or zipped; known by its content.

    format: one of the known ones, `plain` for any other table, or `auto`. time: its column of instants. columns: names
    by place, for a file whose first line names none; header: whether it does. time_unit: `instant` for text, and for
    epochs whose unit is told by their size. time_zone: of text without an offset. where: values that columns must have,
    for a file of several assets. date: the day that times are seconds of (LOBSTER).
    """

    format: Annotated[FormatName, OMITTED_AT_DEFAULT] = "auto"
    time: str | None = None
    columns: Annotated[tuple[str, ...], OMITTED_AT_DEFAULT] = ()
    header: Annotated[bool | None, BeforeValidator(_header), OMITTED_AT_DEFAULT] = None
    time_unit: TimeUnit = "instant"
    time_zone: Annotated[str | None, NONE_IN_WORDS, OMITTED_AT_DEFAULT] = None
    where: Annotated[dict[str, str], BeforeValidator(_conditions), OMITTED_AT_DEFAULT] = {}  # noqa: RUF012
    date: Annotated[Day | None, NONE_IN_WORDS, OMITTED_AT_DEFAULT, ANY] = None

    def file_faults(self) -> Iterator[Fault]:
        """What is wrong between what is said of the file; not what is wrong with the file."""
        if self.time_zone is not None and zone_named(self.time_zone) is None:
            allowed = "UTC, an offset such as +08:00, or a name such as America/New_York that this machine knows"
            yield Fault(("time_zone",), "there is no such time zone", allowed)
        if len(set(self.columns)) < len(self.columns):
            twice = next(name for name in self.columns if self.columns.count(name) > 1)
            yield Fault(("columns",), f"two columns are called {twice!r}", "each name once")
