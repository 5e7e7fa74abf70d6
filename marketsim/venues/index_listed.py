"""Index paths written down: points of a scenario, rows of a file."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from marketsim.errors import UnitError
from marketsim.files import data_file
from marketsim.units import format_duration, format_number, instant_ns, number
from marketsim.venues.index_path import Float64Array, IndexPath, check_chunk

if TYPE_CHECKING:
    from marketsim.venues.index import FileIndexSpec, PathIndexSpec

__all__ = ["ListedIndexPath", "ListedLevels", "levels_of_constant", "levels_of_file", "levels_of_points"]

_NS_OF_TIME_UNIT = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_LARGEST_INSTANT_NS = 2**62  # the year 2116; differences of two stay in an int64
_MOST_DIGITS = 18  # what an int64 holds


@dataclass(frozen=True)
class ListedLevels:
    """Instants [ns from the start] and levels, mantissas x 10^-decimals [currency]; all arrays int64 of one length."""

    times_ns: npt.NDArray[np.int64]
    mantissas: npt.NDArray[np.int64]
    decimals: npt.NDArray[np.int64]
    interpolate: Literal["step", "linear"]


class ListedIndexPath(IndexPath):
    """Levels written down: a constant, a path of points, the rows of a file; exact rational numbers, rounded once.

    Between two listed levels the earlier holds (`step`) or a straight line runs (`linear`); the last one holds for
    good. A jump multiplies all levels from its step on.
    """

    is_absolute = True

    def __init__(self, listed: ListedLevels, every_ns: int, jump_factors: Mapping[int, Fraction]) -> None:
        super().__init__(Decimal(int(listed.mantissas[0])).scaleb(-int(listed.decimals[0])), every_ns)
        self._listed = listed
        self._places = int(listed.decimals.max())
        self._jump_steps, self._jump_products = [-1], [Fraction(1)]
        for step in sorted(jump_factors):
            self._jump_steps.append(step)
            self._jump_products.append(self._jump_products[-1] * jump_factors[step])

    def growth(self, first_step: int, n: int) -> Float64Array:
        """Ratios of levels; see `IndexPath`."""
        check_chunk(first_step, n)
        before = self.levels(first_step - 1, n) if first_step else self.levels(0, max(n - 1, 0))
        opening = [] if first_step else [float(self.price)][:n]
        return np.asarray(self.levels(first_step, n) / np.concatenate((opening, before)), np.float64)

    def levels(self, first_step: int, n: int) -> Float64Array:
        """Levels, each rounded once from the exact number; see `IndexPath`."""
        return np.array([above / below for above, below in self._ratios(first_step, n)], np.float64)

    def level_ticks(self, first_step: int, n: int, tick: Decimal) -> npt.NDArray[np.int64]:
        """Levels in ticks, rounded from the exact number; see `IndexPath`."""
        up, down = Fraction(tick).denominator, Fraction(tick).numerator
        ratios = self._ratios(first_step, n)
        return np.array([(2 * a * up + b * down) // (2 * b * down) for a, b in ratios], np.int64)

    def _ratios(self, first_step: int, n: int) -> list[tuple[int, int]]:
        """Each level as numerator and denominator, in Python's unbounded integers."""
        check_chunk(first_step, n)
        steps = np.arange(first_step, first_step + n)
        held = np.searchsorted(self._listed.times_ns, steps * self.every_ns, side="right") - 1
        jumped = np.searchsorted(np.array(self._jump_steps), steps, side="right") - 1
        ratios = []
        for step, i, j in zip(steps.tolist(), held.tolist(), jumped.tolist(), strict=True):
            above, below = self._between(i, step * self.every_ns)
            product = self._jump_products[j]
            ratios.append((above * product.numerator, below * product.denominator))
        return ratios

    def _between(self, i: int, t_ns: int) -> tuple[int, int]:
        """Level at t_ns, which row i is the last to reach, jumps apart."""
        above, below = self._numerator(i), 10**self._places
        if self._listed.interpolate == "linear" and i + 1 < len(self._listed.times_ns):
            start_ns, end_ns = int(self._listed.times_ns[i]), int(self._listed.times_ns[i + 1])
            rise = self._numerator(i + 1) - above
            return above * (end_ns - start_ns) + rise * (t_ns - start_ns), below * (end_ns - start_ns)
        return above, below

    def _numerator(self, i: int) -> int:
        return int(self._listed.mantissas[i]) * int(10 ** (self._places - int(self._listed.decimals[i])))


def levels_of_constant(price: Decimal) -> ListedLevels:
    """One level for good."""
    return _listed([0], [_scaled(price, "price")], "step")


def levels_of_points(spec: PathIndexSpec, duration_ns: int) -> ListedLevels:
    """The points of a `path`.

    Raises UnitError unless they begin at 0s, each later than the one before, with prices above zero in one currency,
    and, where they are joined by lines, reach the end of the run.
    """
    times, prices = [at_ns for at_ns, _ in spec.points], [price for _, price in spec.points]
    if not times or times[0] != 0:
        first = format_duration(times[0]) if times else "no point"
        raise UnitError(first, "the path does not begin where the run begins", "a first point at 0s")
    for before, after in pairwise(times):
        if after <= before:
            raise UnitError(format_duration(after), "the points of a path are not in order", "each later than the last")
    if len({price.currency for price in prices}) > 1:
        raise UnitError(str(prices[-1]), "the points of a path are in several currencies", "one currency")
    if spec.interpolate == "linear" and times[-1] < duration_ns:
        allowed = f"a last point at {format_duration(duration_ns)} or later, or `interpolate: step`"
        raise UnitError(format_duration(times[-1]), "a linear path ends before the run", allowed)
    return _listed(times, [_scaled(price.amount, "points") for price in prices], spec.interpolate)


def levels_of_file(spec: FileIndexSpec, root: Path, start_ns: int, duration_ns: int) -> ListedLevels:
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
        mantissa, decimal_places = _scaled(price, place)
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


def _scaled(price: Decimal, place: str) -> tuple[int, int]:
    """A price as whole number and decimal places; UnitError unless it is above zero and fits the path's numbers."""
    sign, _, exponent = price.as_tuple()
    places = max(0, -int(exponent))
    mantissa = int(price.scaleb(places))
    if sign or not mantissa:
        raise UnitError(f"{place}: {format_number(price)}", "an index price is not above zero", "a price above zero")
    if mantissa >= 10**_MOST_DIGITS or places > _MOST_DIGITS:
        raise UnitError(
            f"{place}: {format_number(price)}", "an index price has too many digits", f"{_MOST_DIGITS} digits"
        )
    return mantissa, places


def _listed(
    times_ns: Sequence[int], scaled: Sequence[tuple[int, int]], interpolate: Literal["step", "linear"]
) -> ListedLevels:
    columns = np.array(scaled, np.int64)
    return ListedLevels(np.array(times_ns, np.int64), columns[:, 0], columns[:, 1], interpolate)
