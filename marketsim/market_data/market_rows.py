"""All rows of a file of trades, quotes, books or bars, as columns; `reader` reads one series of it."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from marketsim.errors import DataFileError, UnitError
from marketsim.market_data.formats import FORMATS
from marketsim.market_data.layout import Layout, Wanted, laid_out
from marketsim.market_data.numbers import exact
from marketsim.market_data.rows import Row, Rows
from marketsim.market_data.spec import DataFileSpec
from marketsim.market_data.times import TimeReader
from marketsim.units import instant_ns

Of = Literal["trades", "quotes", "bars"]

_TIMES = tuple(dict.fromkeys(name for each in FORMATS.values() for name in each.time))
_PRICES = ("price", "close", "bid_price", "bid", "bids[0].price", "bid_price_1")
_NAMES = {
    "price": ("price",),
    "size": ("amount", "quantity", "size", "volume", "qty", "vol"),
    "bid": ("bid_price", "bid", "bids[0].price", "bid_price_1"),
    "ask": ("ask_price", "ask", "asks[0].price", "ask_price_1"),
    "open": ("open",),
    "close": ("close",),
    "volume": ("volume", "vol", "base_volume"),
    "notional": ("quote_volume", "quote_asset_volume", "volume usdt", "volume usd", "notional"),
}
_SIDES = ("side", "taker_side", "is_buyer_maker", "direction")
_BUYS, _SELLS = ("buy", "b", "bid"), ("sell", "s", "ask")
_NOBODY = 999_999.0
"""LOBSTER's price of a side on which nobody is, scaled."""
_BETWEEN_BOOKS_NS = 100_000_000
"""Books nearer than this to the last one whose levels were read are read for their best quotes only."""
_LEVELS = (("bids[{}].price", "bids[{}].amount", 0), ("bid_price_{}", "bid_size_{}", 1))
_DAY = re.compile(r"(?<![0-9])([0-9]{4}-[0-9]{2}-[0-9]{2})(?![0-9])")


@dataclass(frozen=True)
class MarketRows:
    """Columns (n,) of a file in order of time, instants [ns since 1970]; sign: 1 the taker bought, -1 sold, 0 not said.

    books: rows whose levels were read, their places (m,), and prices and sizes of bids and asks (m, levels).
    """

    of: Of
    format: str
    asset: str
    t_ns: npt.NDArray[np.int64]
    columns: dict[str, npt.NDArray[np.float64]]
    books: tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[np.float64]]] | None


def read_market_rows(path: Path, asset: str | None = None) -> MarketRows:
    """Read a file that is known by its content; asset: of a file of several, which one.

    Raises DataFileError, naming the line or row, for what cannot be read.
    """
    day = _DAY.search(path.name)
    try:
        date = None if day is None else instant_ns(f"{day[1]}T00:00:00Z")
    except UnitError:
        date = None
    said = DataFileSpec.model_construct(path=path.name, date=date)
    with laid_out(path, path.name, said, Wanted("price", None, _PRICES, _TIMES)) as (layout, rows):
        return _Reader(layout, rows, asset, date).read()


@dataclass
class _Reader:
    layout: Layout
    rows: Rows
    asset: str | None
    date: int | None
    times: array[int] = field(default_factory=lambda: array("q"))
    books: list[tuple[int, list[float]]] = field(default_factory=list)

    def read(self) -> MarketRows:
        names = [name.strip().lower() for name in self.layout.names]
        places = {key: at for key, wanted in _NAMES.items() if (at := _place(names, wanted)) is not None}
        self.of = self._sort(places)
        self.side = _place(names, _SIDES) if self.of == "trades" else None
        self.side_name = "" if self.side is None else names[self.side]
        self.levels = _level_places(names) if self.of == "quotes" else []
        kept = {"trades": ("price", "size"), "quotes": ("bid", "ask"), "bars": ("open", "close", "volume", "notional")}
        self.taken = [(key, places[key]) for key in kept[self.of] if key in places]
        columns = self._filled()
        return self._made({key: np.array(column, np.float64) for key, column in columns.items()})

    def _sort(self, places: dict[str, int]) -> Of:
        sort = self.layout.format.sort
        if sort != "table":
            return sort
        if "bid" in places and "ask" in places:
            return "quotes"
        if "open" in places and "close" in places:
            return "bars"
        if "price" in places:
            return "trades"
        raise DataFileError(
            "path", self.rows.file, f"its columns are {', '.join(self.layout.names)[:200]}",
            "a column price (trades), bid and ask (quotes), or open and close (bars)",
        )  # fmt: skip

    def _filled(self) -> dict[str, array[float]]:
        columns = {key: array("d") for key, _ in self.taken}
        if self.side is not None:
            columns["sign"] = array("d")
        clock, at = (
            TimeReader("instant", UTC, self.date if self.layout.format.is_of_a_day else None, 0),
            self.layout.time,
        )
        last = -(2**62)
        for number, row in self._chosen():
            try:
                self.times.append(clock.read(row[at]))
                for key, place in self.taken:
                    columns[key].append(self._number(row[place], key))
                if self.side is not None:
                    columns["sign"].append(self._sign(row[self.side]))
                if self.levels and abs(self.times[-1] - last) >= _BETWEEN_BOOKS_NS:
                    last = self.times[-1]
                    self.books.append((len(self.times) - 1, [self._number(row[i], "bid") for i in self.levels]))
            except UnitError as error:
                raise DataFileError(
                    "path", f"{self.rows.place(number)}: {error.text}", error.message, error.allowed
                ) from error
        if not self.times and self.named is not None:
            raise DataFileError("path", self.rows.file, f"no row is of {self.named}", "an asset that the file has")
        if not self.times:
            raise DataFileError("path", self.rows.file, "the file has no rows", "a file of trades, quotes or bars")
        return columns

    def _chosen(self) -> Iterator[tuple[int, Row]]:
        """The rows of the format's kinds and of one asset."""
        assets, layout = self.layout.assets, self.layout
        for number, row in self.rows.cells([layout.time, *(place for _, place in self.taken)], layout.width):
            if layout.conditions and not layout.chosen(row):
                continue
            if assets is not None:
                found = str(row[assets])
                self.asset = self.asset or found
                if found != self.asset:
                    if not self.times:
                        continue
                    self._skip_or_refuse(found)
                    continue
            yield number, row

    def _skip_or_refuse(self, found: str) -> None:
        """Of a file of several assets one has to be named."""
        if self.named is None:
            message = f"the file holds several assets: {self.asset} and {found}"
            raise DataFileError("path", self.rows.file, message, f"--market {self.asset}, or another one")

    def __post_init__(self) -> None:
        self.named = self.asset

    def _number(self, cell: object, key: str) -> float:
        """A number; of a side on which nobody is NaN. Raises UnitError for what is no number, or no price."""
        if key in ("bid", "ask") and (cell is None or (isinstance(cell, str) and not cell.strip())):
            return float("nan")
        try:
            value = float(cell)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            value = float(exact(cell))
        if not value < float("inf") or value < 0 or (key in ("price", "open", "close") and value == 0):
            raise UnitError(str(cell)[:80], "this is no price or size", "a number above zero")
        return value

    def _sign(self, cell: object) -> float:
        text = str(cell).strip().lower()
        if self.side_name == "is_buyer_maker":
            return -1.0 if text in ("true", "1") else 1.0
        if self.side_name == "direction":  # of the order that rested
            return -1.0 if text == "1" else 1.0
        return 1.0 if text in _BUYS else -1.0 if text in _SELLS else 0.0

    def _made(self, columns: dict[str, npt.NDArray[np.float64]]) -> MarketRows:
        times, scale = np.array(self.times, np.int64), float(self.layout.format.scale)
        order = np.argsort(times, kind="stable")
        if len(times) > 1 and times[0] > times[-1]:  # newest first
            order = len(times) - 1 - np.argsort(times[::-1], kind="stable")
        for key in columns.keys() & {"price", "bid", "ask", "open", "close"}:
            columns[key] = columns[key] / scale
            if key in ("bid", "ask"):
                empty = (columns[key] <= 0) | (self.layout.format.is_of_a_day & (columns[key] > _NOBODY / 10))
                columns[key][empty] = np.nan
        books = self._books(order, scale) if self.books else None
        sorted_columns = {key: column[order] for key, column in columns.items()}
        return MarketRows(self.of, self.layout.called, self.asset or "", times[order], sorted_columns, books)

    def _books(
        self, order: npt.NDArray[np.int64], scale: float
    ) -> tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[np.float64]]]:
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        places = rank[np.array([place for place, _ in self.books], np.int64)]
        cells = np.array([levels for _, levels in self.books], np.float64)[np.argsort(places)]
        quarters = np.split(cells, 4, axis=1)
        found = dict(zip(("bid_prices", "bid_sizes", "ask_prices", "ask_sizes"), quarters, strict=True))
        for key in ("bid_prices", "ask_prices"):
            found[key] = found[key] / scale
        return np.sort(places), found


def _place(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _level_places(names: Sequence[str]) -> list[int]:
    """Where the levels of a book are: all bid prices, bid sizes, ask prices, ask sizes; nothing of best quotes only."""
    for price, size, first in _LEVELS:
        count = 0
        while price.format(first + count) in names:
            count += 1
        if count > 1:
            wanted = [
                text.format(level)
                for text in (price, size, price.replace("bid", "ask"), size.replace("bid", "ask"))
                for level in range(first, first + count)
            ]
            if all(name in names for name in wanted):
                return [names.index(name) for name in wanted]
    return []
