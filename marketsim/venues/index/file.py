"""An index that follows the rows of a file."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt

from marketsim.errors import UnitError
from marketsim.files import data_file
from marketsim.ranges import ABOVE_ZERO
from marketsim.spec import Duration, FileSpec
from marketsim.units import format_duration, instant_ns, number
from marketsim.venues.index.family import INDICES, IndexSpec
from marketsim.venues.index.index_path import PreparedIndex
from marketsim.venues.index.listed_path import ListedLevels, scaled

__all__ = ["FileIndexSpec"]

_NS_OF_TIME_UNIT = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_LARGEST_INSTANT_NS = 2**62  # the year 2116; differences of two stay in an int64


@INDICES.register
class FileIndexSpec(IndexSpec, FileSpec):
    """A path from a CSV file with a header line: column `time` (instants, or whole numbers in `time_unit`), `price`.

    currency: of the prices; max_gap: longest distance of two rows (absent: the shortest one in the file). Each row
    holds until the next.
    """

    kind: Literal["file"]
    time: str = "timestamp"
    price: str = "price"
    time_unit: Literal["instant", "s", "ms", "us", "ns"] = "instant"
    currency: str = "USDT"
    max_gap: Annotated[Duration | None, ABOVE_ZERO] = None

    @property
    def price_currency(self) -> str:
        """As it says."""
        return self.currency

    def prepare(self, *, start_ns: int, duration_ns: int, root: Path) -> PreparedIndex:
        """The levels of its rows; see `IndexSpec`."""
        return _levels(self, root, start_ns, duration_ns).prepared(self.every, duration_ns)

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        return f"follows the column {self.price} of {self.path}"


def _levels(spec: FileIndexSpec, root: Path, start_ns: int, duration_ns: int) -> ListedLevels:
    """The rows of a CSV file, from the last one at or before the run's start; each holds until the next.

    start_ns: the run's start [ns since 1970]. Raises UnitError, naming the line, for a missing column, a time or price
    that cannot be read, rows out of order, a start after the run's, two rows further apart than `max_gap` (when absent:
    than the closest two), or a last row whose hold of `max_gap` ends before the run.
    """
    times, mantissas, decimals = array("q"), array("q"), array("b")
    for place, at_ns, price in _rows(spec, root, start_ns):
        if times and at_ns <= times[-1]:
            raise UnitError(place, "the rows of an index file are not in order", "each row later than the last")
        if not times and at_ns > 0:
            raise UnitError(place, "the index file begins after the run", "a first row at or before clock.start")
        if times and at_ns <= 0:  # an earlier row that no step of the run sees
            del times[-1], mantissas[-1], decimals[-1]
        mantissa, decimal_places = _scaled_at(price, place)
        times.append(at_ns)
        mantissas.append(mantissa)
        decimals.append(decimal_places)
        if at_ns >= duration_ns:
            break
    _check_gaps(spec, np.array(times, np.int64), duration_ns)
    instants, wholes, places = (np.array(column, np.int64) for column in (times, mantissas, decimals))
    return ListedLevels(instants, wholes, places, "step")


def _rows(spec: FileIndexSpec, root: Path, start_ns: int) -> Iterator[tuple[str, int, Decimal]]:
    """Place, time [ns from the start] and price of each row."""
    try:
        with data_file(spec.path, root).open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            for column in (spec.time, spec.price):
                if column not in (reader.fieldnames or ()):
                    found = ", ".join(reader.fieldnames or ()) or "nothing"
                    raise UnitError(spec.path, f"the index file has no column {column!r}", f"its header has {found}")
            for row in reader:
                place = f"{spec.path}:{reader.line_num}"
                yield (
                    place,
                    _instant_ns(row[spec.time], spec.time_unit, place) - start_ns,
                    _price(row[spec.price], place),
                )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnitError(
            spec.path, f"the index file cannot be read ({error})", "a CSV file with a header line"
        ) from error


def _instant_ns(text: str | None, time_unit: str, place: str) -> int:
    try:
        if time_unit == "instant":
            return instant_ns(text or "")
        instant = Fraction(number(text or "")) * _NS_OF_TIME_UNIT[time_unit]
        if instant.denominator != 1 or abs(instant) >= _LARGEST_INSTANT_NS:
            raise UnitError(text or "", "this is not an instant", f"whole numbers of {time_unit} since 1970")
        return int(instant)
    except UnitError as error:
        raise UnitError(f"{place}: {text}", error.message, error.allowed, error.suggestion) from error


def _price(text: str | None, place: str) -> Decimal:
    try:
        return number(text or "")
    except UnitError as error:
        raise UnitError(f"{place}: {text}", error.message, error.allowed, error.suggestion) from error


def _check_gaps(spec: FileIndexSpec, times_ns: npt.NDArray[np.int64], duration_ns: int) -> None:
    if not times_ns.size:
        raise UnitError(spec.path, "the index file has no rows", "a first row at or before clock.start")
    gaps = np.diff(times_ns)
    if spec.max_gap is None and not gaps.size and times_ns[-1] < duration_ns:
        raise UnitError(spec.path, "one row does not say how long it holds", "more rows, or a `max_gap`")
    longest_ns = spec.max_gap if spec.max_gap is not None else int(gaps.min(initial=duration_ns))
    if gaps.size and int(gaps.max()) > longest_ns:
        wide = int(np.argmax(gaps > longest_ns))
        message = f"the index file has a gap of {format_duration(int(gaps[wide]))}"
        after = format_duration(max(int(times_ns[wide]), 0))
        raise UnitError(
            f"{spec.path}, {after} into the run", message, f"at most {format_duration(longest_ns)} (`max_gap`)"
        )
    if int(times_ns[-1]) + longest_ns < duration_ns:
        ends = format_duration(max(int(times_ns[-1]), 0))
        raise UnitError(
            f"{spec.path}, last row {ends} into the run", "the index file ends before the run", "rows to its end"
        )


def _scaled_at(price: Decimal, place: str) -> tuple[int, int]:
    try:
        return scaled(price)
    except UnitError as error:
        raise UnitError(f"{place}: {error.text}", error.message, error.allowed) from error
