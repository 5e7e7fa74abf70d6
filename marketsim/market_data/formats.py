"""Formats of market data that are known by their content: by the names of columns, or by the shape of bare rows.

| format | source |
|---|---|
| binance_klines, binance_agg_trades | github.com/binance/binance-public-data |
| tardis_trades, tardis_quotes, tardis_book | docs.tardis.dev/downloadable-csv-files |
| cryptodatadownload | cryptodatadownload.com/data |
| kraken_trades | support.kraken.com, downloadable historical market data (time and sales) |
| ccxt_ohlcv | docs.ccxt.com, OHLCV structure |
| lobster_message, lobster_orderbook | lobsterdata.com/info/DataStructure.php |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from marketsim.errors import UnitError
from marketsim.market_data.numbers import exact, looks_like_number
from marketsim.market_data.times import looks_like_instant

Sort = Literal["bars", "trades", "quotes", "table"]
Row = Sequence[object]

_LARGEST_EXPONENT = 40

MID = "mid"
"""Stands for the middle of the best bid and ask, where the price is no column of its own."""

ASSETS = ("symbol", "pair", "instrument", "ticker", "asset", "coin")
"""Columns that tell several assets in one file apart."""


@dataclass(frozen=True)
class Format:
    """A format: what its columns are called, and which of them has what.

    header: names that a header of it has, in lower case. bare: names by place, where files of it have no header; fits:
    whether a row without header is one of it. sides: columns of ask and bid that `mid` is made of. price: what is taken
    if nothing else is asked for. scale: what its prices are to be divided by. only: values a column must have.
    is_of_a_day: whether times are seconds after midnight.
    """

    name: str
    sort: Sort
    time: tuple[str, ...]
    price: str
    header: frozenset[str] = frozenset()
    bare: tuple[str, ...] = ()
    fits: Callable[[Row], bool] | None = None
    sides: tuple[str, str] | None = None
    scale: int = 1
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_of_a_day: bool = False


def _numbers(cells: Row) -> list[Decimal]:
    """The numbers in some cells, none of them absurdly large or small; nothing where one is no number."""
    found = []
    for cell in cells:
        try:
            number = exact(cell)
        except UnitError:
            return []
        if abs(number.adjusted()) > _LARGEST_EXPONENT:
            return []
        found.append(number)
    return found


def _is_epoch(number: Decimal) -> bool:
    """Whether a number may be an instant: from 1973 on, in s, ms, us or ns."""
    return 10**8 <= number < 10**20


def _is_bar(numbers: Sequence[Decimal]) -> bool:
    """Whether numbers are open, high, low and close: no other order fits."""
    start, high, low, close = numbers
    return low <= min(start, close) and max(start, close) <= high


def _is_kline(row: Row) -> bool:
    n = _numbers(row[:7]) if len(row) in (11, 12) else []
    return len(n) == 7 and _is_epoch(n[0]) and _is_epoch(n[6]) and _is_bar(n[1:5])


def _is_agg_trade(row: Row) -> bool:
    n = _numbers(row[:6]) if len(row) in (7, 8) else []
    return len(n) == 6 and _is_epoch(n[5]) and str(row[6]).strip().lower() in ("true", "false")


def _is_kraken_trade(row: Row) -> bool:
    n = _numbers(row) if len(row) == 3 else []
    return len(n) == 3 and _is_epoch(n[0])


def _is_ohlcv(row: Row) -> bool:
    n = _numbers(row) if len(row) in (6, 7) else []
    return len(n) > 5 and _is_epoch(n[0]) and _is_bar(n[1:5])


def _is_message(row: Row) -> bool:
    n = _numbers(row[:6])
    return len(n) == 6 and 0 <= n[0] < 86_400 and n[1] in range(1, 8) and n[5] in (-1, 1)


def _is_order_book(row: Row) -> bool:
    n = _numbers(row) if row and len(row) % 4 == 0 else []
    is_whole = bool(n) and all(number == number.to_integral_value() for number in n)
    return is_whole and n[0] > n[2] and all(size >= 0 for size in n[1::2])


_TARDIS = {"timestamp", "local_timestamp"}
_OHLC = {"open", "high", "low", "close"}
_LEVEL = ("time", "ask_price_1", "ask_size_1", "bid_price_1", "bid_size_1")

FORMATS = {
    each.name: each
    for each in (
        Format(
            "tardis_book", "quotes", ("timestamp",), MID,
            header=frozenset({*_TARDIS, "asks[0].price", "bids[0].price"}), sides=("asks[0].price", "bids[0].price"),
        ),
        Format(
            "tardis_quotes", "quotes", ("timestamp",), MID,
            header=frozenset({*_TARDIS, "ask_price", "bid_price"}), sides=("ask_price", "bid_price"),
        ),
        Format(
            "tardis_trades", "trades", ("timestamp",), "price",
            header=frozenset({*_TARDIS, "id", "side", "price", "amount"}),
        ),
        Format(
            "binance_klines", "bars", ("open_time",), "close", header=frozenset({*_OHLC, "open_time", "close_time"}),
            bare=("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
                  "taker_buy_volume", "taker_buy_quote_volume", "ignore"),
            fits=_is_kline,
        ),
        Format(
            "binance_agg_trades", "trades", ("transact_time",), "price",
            header=frozenset({"agg_trade_id", "price", "quantity", "transact_time"}),
            bare=("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time",
                  "is_buyer_maker", "is_best_match"),
            fits=_is_agg_trade,
        ),
        Format(
            "cryptodatadownload", "bars", ("unix", "unix timestamp"), "close",
            header=frozenset({*_OHLC, "date", "symbol"}),
        ),
        Format(
            "kraken_trades", "trades", ("timestamp",), "price", bare=("timestamp", "price", "volume"),
            fits=_is_kraken_trade,
        ),
        Format(
            "lobster_message", "trades", ("time",), "price",
            bare=("time", "type", "order_id", "size", "price", "direction"), fits=_is_message, scale=10_000,
            only={"type": ("4", "5")}, is_of_a_day=True,
        ),
        Format(
            "ccxt_ohlcv", "bars", ("timestamp", "time", "date", "datetime", "open_time", "unix", "ts"), "close",
            header=frozenset(_OHLC), bare=("timestamp", "open", "high", "low", "close", "volume", "count"),
            fits=_is_ohlcv,
        ),
        Format(
            "lobster_orderbook", "quotes", ("time",), MID, bare=_LEVEL, fits=_is_order_book,
            sides=("ask_price_1", "bid_price_1"), scale=10_000, is_of_a_day=True,
        ),
        Format("plain", "table", ("timestamp",), "price"),
    )
}  # fmt: skip
"""In the order in which they are tried."""


def of_header(names: Sequence[str]) -> Format | None:
    """The format whose columns these names are."""
    there = {name.strip().lower() for name in names}
    for each in FORMATS.values():
        if each.header and each.header <= there and any(time in there for time in each.time):
            return each
    return None


def of_rows(rows: Sequence[Row]) -> Format | None:
    """The format that all of some rows without a header are in."""
    for each in FORMATS.values():
        if each.fits is not None and rows and all(each.fits(row) for row in rows):
            return each
    return None


def is_data(row: Row) -> bool:
    """Whether a row holds values and not names: a number or an instant anywhere."""
    return any(not isinstance(cell, str) or looks_like_number(cell) or looks_like_instant(cell) for cell in row)
