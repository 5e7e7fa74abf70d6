"""An index that follows the rows of a file of market data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from marketsim.files import data_file
from marketsim.market_data.coverage import check_coverage
from marketsim.market_data.formats import MID
from marketsim.market_data.layout import Wanted
from marketsim.market_data.lobster import BOOK_WITHOUT_TIMES, message_file
from marketsim.market_data.reader import layout_of, read_series
from marketsim.market_data.series import Series
from marketsim.market_data.spec import DataFileSpec
from marketsim.ranges import ABOVE_ZERO
from marketsim.spec import NONE_IN_WORDS, OMITTED_AT_DEFAULT, Duration, Fault
from marketsim.units import format_duration
from marketsim.venues.index.family import INDICES, IndexSpec
from marketsim.venues.index.index_path import PreparedIndex
from marketsim.venues.index.listed_path import Interpolation, ListedLevels

__all__ = ["FileIndexSpec"]

Instant = Literal["open", "close"]


@INDICES.register
class FileIndexSpec(IndexSpec, DataFileSpec):
    """A path from a file of market data: CSV, Parquet or Feather, known by its content (`marketsim.market_data`).

    price: its column, or `mid` of quotes; instant: whether a bar's value is known at its `open` or `close` (default);
    interpolate: what holds between two rows; max_gap: longest distance of two rows (absent: three bars, and of trades
    and quotes the larger of a minute and ten median distances).
    """

    kind: Literal["file"]
    price: str | None = None
    currency: str = "USDT"
    instant: Annotated[Instant | None, NONE_IN_WORDS, OMITTED_AT_DEFAULT] = None
    interpolate: Annotated[Interpolation, OMITTED_AT_DEFAULT] = "step"
    max_gap: Annotated[Duration | None, ABOVE_ZERO] = None

    @property
    def price_currency(self) -> str:
        """As it says."""
        return self.currency

    @property
    def _wanted(self) -> Wanted:
        return Wanted("price", self.price, is_positive=True)

    def faults(self, duration_ns: int) -> Iterator[Fault]:
        """What is wrong between what is said of the file."""
        yield from self.file_faults()

    def recognised(self, file: Path, name: str) -> FileIndexSpec:
        """With the format, the columns, and when a bar is known; see `FileSpec`."""
        layout = layout_of(file, name, self, self._wanted)
        told = {"time": layout.names[layout.time], "price": layout.value_name}
        if layout.format.name != "plain":
            told["format"] = layout.format.name
        if layout.format.sort == "bars":
            told["instant"] = layout.known(self.instant)
        return self.model_copy(update=told)

    def files(self, file: Path) -> tuple[Path, ...]:
        """An order book of LOBSTER comes with its messages; see `FileSpec`."""
        return (file, message_file(file)) if self.format == BOOK_WITHOUT_TIMES else (file,)

    def prepare(self, *, start_ns: int, duration_ns: int, root: Path) -> PreparedIndex:
        """The levels of its rows; see `IndexSpec`."""
        series = read_series(
            data_file(self.path, root), self.path, self, self._wanted,
            start_ns=start_ns, duration_ns=duration_ns, known=self.instant,
        )  # fmt: skip
        check_coverage(series, self, self.path, start_ns=start_ns, duration_ns=duration_ns, max_gap_ns=self.max_gap)
        levels = ListedLevels(series.times_ns, series.mantissas, series.decimals, self.interpolate)
        return levels.prepared(self.every, duration_ns, [*self._reading(series), *series.notices(self.time_zone)])

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        what = "the middle of the best quotes" if self.price == MID else f"the column {self.price or 'price'}"
        late = ", known at the end of each bar" if self.instant == "close" else ""
        known = f" ({self.format})" if self.format not in ("auto", "plain") else ""
        lines = ", in straight lines" if self.interpolate == "linear" else ""
        return f"follows {what} of {self.path}{known}{late}{lines}"

    def _reading(self, series: Series) -> Iterator[str]:
        """What was taken for what, unless nothing was told by the content."""
        layout = series.layout
        if layout.format.name == "plain" and (not series.units or self.time_unit != "instant"):
            return
        units = f" ({' and '.join(sorted(series.units))})" if series.units else ""
        known = (
            f", known at the {series.known} of each bar of {format_duration(series.bar_ns)}" if series.bar_ns else ""
        )
        yield (
            f"{self.path} is taken for {layout.called}: instants in {layout.names[layout.time]}{units}, prices in "
            f"{layout.value_name}{known}"
        )
