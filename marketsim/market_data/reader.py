"""Reading a data file: in whichever order its rows are, only those of a run's span, one an instant."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from statistics import median_low

import numpy as np

from marketsim.errors import DataFileError, UnitError
from marketsim.market_data.layout import Known, Layout, Wanted, laid_out
from marketsim.market_data.numbers import scaled, scaled_text
from marketsim.market_data.rows import Row, Rows
from marketsim.market_data.series import Series
from marketsim.market_data.spec import DataFileSpec
from marketsim.market_data.times import TimeReader, zone_named
from marketsim.units import LONGEST_NS

FARTHEST_NS = LONGEST_NS // 2
"""Rows farther from the start count as standing there, 146 years away: distances of two fit 64 bits."""

_SAMPLE = 200  # rows by which the order of a file and the length of its bars are known
_NAMED = 5  # values that a message names


@dataclass(frozen=True)
class _Question:
    """What is asked of a file; a key of the cache, for which a Spec counts by its text."""

    path: Path
    stamp: tuple[int, ...]
    name: str
    said: DataFileSpec = field(compare=False)
    said_text: str
    wanted: Wanted
    start_ns: int
    duration_ns: int
    known: Known | None


def read_series(
    path: Path,
    name: str,
    said: DataFileSpec,
    wanted: Wanted,
    *,
    start_ns: int,
    duration_ns: int,
    known: Known | None = None,
) -> Series:
    """Read a column of a file in the span of a run; a file that has not changed is read once in a process.

    start_ns: the run's start [ns since 1970]. known: when a bar's value is known; None: an `open` at the open, anything
    else at the close. Raises DataFileError, naming the line or row, for what cannot be read or is out of order.
    """
    asked = _Question(path, _stamp(path), name, said, repr(said.model_dump()), wanted, start_ns, duration_ns, known)
    return _read(asked)


def layout_of(path: Path, name: str, said: DataFileSpec, wanted: Wanted) -> Layout:
    """What a file's content and what is said of it come to; a file that has not changed is looked at once.

    Raises DataFileError for what cannot be read and for what the file has not.
    """
    return _layout(_Question(path, _stamp(path), name, said, repr(said.model_dump()), wanted, 0, 0, None))


def _stamp(path: Path) -> tuple[int, ...]:
    """What tells a file from what it was before; nothing of one that is not there."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@lru_cache(maxsize=64)
def _layout(asked: _Question) -> Layout:
    with laid_out(asked.path, asked.name, asked.said, asked.wanted) as (layout, _):
        return layout


@lru_cache(maxsize=8)
def _read(asked: _Question) -> Series:
    with laid_out(asked.path, asked.name, asked.said, asked.wanted) as (layout, rows):
        return _Reader(asked, layout, rows).series()


@dataclass
class _Reader:
    """Reads one file, in whichever order it is."""

    asked: _Question
    layout: Layout
    rows: Rows
    times: array[int] = field(default_factory=lambda: array("q"))
    mantissas: array[int] = field(default_factory=lambda: array("q"))
    decimals: array[int] = field(default_factory=lambda: array("b"))
    same_instant: int = 0
    one_sided: int = 0
    waiting: tuple[int, int, Row] | None = None
    """The last row, its value unread: another one of its instant, or before the start, may still replace it."""

    def series(self) -> Series:
        """Everything, once."""
        said = self.asked.said
        zone = zone_named(said.time_zone) if said.time_zone is not None else UTC
        self.clock = TimeReader(said.time_unit, zone or UTC, said.date, self.asked.start_ns)
        chosen = self._chosen()
        sample = [each for _, each in zip(range(_SAMPLE), chosen, strict=False)]
        sampled = [self._instant(number, row) for number, row in sample]
        self.is_newest_first = next(
            (later < earlier for earlier, later in pairwise(sampled) if later != earlier), False
        )
        self.is_plain = self.layout.sides is None and self.layout.format.scale == 1
        self.known, self.bar_ns = self._bars(sampled)
        self.shift = (self.bar_ns if self.known == "close" else 0) - self.asked.start_ns
        self.first_ns = self.last_ns = sampled[0] + self.shift + self.asked.start_ns
        keep = self._keep_newest_first if self.is_newest_first else self._keep
        for number, row in _chained(sample, chosen):
            at_ns = self._instant(number, row) + self.shift
            self._look_at_order(number, at_ns)
            if keep(at_ns, number, row):
                break
        self._close()
        return self._made()

    # -- rows

    def _chosen(self) -> Iterator[tuple[int, Row]]:
        """The rows that meet the conditions; raises DataFileError where there is none, or of several assets."""
        layout, asset, seen = self.layout, None, dict[str, None]()
        watched = layout.assets if all(at != layout.assets for at, _ in layout.conditions) else None
        positions = [layout.time, layout.value, *(layout.sides or ()), *(at for at, _ in layout.conditions)]
        is_empty = True
        for number, row in self.rows.cells(positions, layout.width):
            if layout.conditions and not layout.chosen(row):
                if len(seen) < _NAMED:
                    seen[", ".join(f"{layout.names[at]} {row[at]}" for at, _ in layout.conditions)] = None
                continue
            is_empty = False
            if watched is not None and row[watched] != asset:
                if asset is not None:
                    self._refuse_assets(layout.names[watched], str(asset), str(row[watched]))
                asset = row[watched]
            yield number, row
        if is_empty:
            what = "no row meets `where`" if seen else "the file has no rows"
            raise DataFileError(
                "where" if seen else "path", self.rows.file, what, "; ".join(seen) or "rows with prices"
            )

    def _refuse_assets(self, column: str, one: str, other: str) -> None:
        message = f"the file holds several assets: {one} and {other} in column {column}"
        raise DataFileError("where", self.rows.file, message, f"`where: {{{column}: {one}}}`, or another one")

    def _instant(self, number: int, row: Row) -> int:
        try:
            return self.clock.read(row[self.layout.time])
        except UnitError as error:
            text = f"{self.rows.place(number)}: {error.text}"
            raise DataFileError("time", text, error.message, error.allowed, error.suggestion) from error

    def _value(self, number: int, row: Row) -> tuple[int, int] | None:
        cell = row[self.layout.value]
        if self.is_plain and isinstance(cell, (str, float)):
            quick = scaled_text(cell if isinstance(cell, str) else repr(cell))
            if quick is not None and quick[0]:
                return quick
        try:
            value = self.layout.value_of(row)
            if value is not None and value <= 0 and self.asked.wanted.is_positive:
                raise UnitError(str(value), "a price is not above zero", "a price above zero")
            return None if value is None else scaled(value)
        except UnitError as error:
            text = f"{self.rows.place(number)}: {error.text}"
            raise DataFileError(self.asked.wanted.key, text, error.message, error.allowed, error.suggestion) from error

    def _bars(self, sampled: list[int]) -> tuple[Known, int]:
        """When values are known, and the length of a bar where that matters."""
        is_bars = self.layout.format.sort == "bars"
        known = self.layout.known(self.asked.known)
        if not is_bars and known == "open":
            return known, 0
        distances = [abs(later - earlier) for earlier, later in pairwise(sampled) if later != earlier]
        if not distances:
            message = "one bar does not say how long it is"
            raise DataFileError("instant", self.rows.file, message, "two bars or more, or `instant: open`")
        return known, median_low(distances)

    # -- what is kept

    def _look_at_order(self, number: int, at_ns: int) -> None:
        absolute, last = at_ns + self.asked.start_ns, self.last_ns if not self.is_newest_first else self.first_ns
        if (absolute > last) if self.is_newest_first else (absolute < last):
            message = "the rows of the file are not in order"
            allowed = "each no later than the last" if self.is_newest_first else "each no earlier than the last"
            raise DataFileError("path", self.rows.place(number), message, allowed)
        self.first_ns, self.last_ns = min(self.first_ns, absolute), max(self.last_ns, absolute)

    def _keep(self, at_ns: int, number: int, row: Row) -> bool:
        """Take the next row of a file in order; True after the last one that matters."""
        if self._is_one_sided(number, row):
            return False
        if self.waiting is not None and self.waiting[0] == at_ns:
            self.same_instant += 1
        elif at_ns > 0:
            self._take_waiting()
            if self.times and self.times[-1] >= self.asked.duration_ns:
                return True
        self.waiting = at_ns, number, row
        return False

    def _keep_newest_first(self, at_ns: int, number: int, row: Row) -> bool:
        """The same of a file whose first row is the latest; of one instant its first row is the last to happen."""
        if self._is_one_sided(number, row):
            return False
        if self.waiting is not None and self.waiting[0] == at_ns:
            self.same_instant += 1
            return False
        if at_ns < self.asked.duration_ns:
            self._take_waiting()
            if self.times and self.times[-1] <= 0:
                return True
        self.waiting = at_ns, number, row
        return False

    def _is_one_sided(self, number: int, row: Row) -> bool:
        """Whether a side of the book is empty."""
        if self.layout.sides is None or self._value(number, row) is not None:
            return False
        self.one_sided += 1
        return True

    def _take_waiting(self) -> None:
        """Keep the row that waits: none of its instant comes after it."""
        if self.waiting is None:
            return
        (at_ns, number, row), self.waiting = self.waiting, None
        value = self._value(number, row)
        assert value is not None
        self.times.append(max(-FARTHEST_NS, min(at_ns, FARTHEST_NS)))
        self.mantissas.append(value[0])
        self.decimals.append(value[1])

    def _close(self) -> None:
        """What is left to do, and a word where nothing is of use."""
        self._take_waiting()
        if not self.times:
            raise DataFileError(
                "path", self.rows.file, "the file has no row with both sides of the book", "other quotes"
            )

    def _made(self) -> Series:
        times, mantissas, decimals = (
            np.array(column, np.int64) for column in (self.times, self.mantissas, self.decimals)
        )
        if self.is_newest_first:
            times, mantissas, decimals = times[::-1], mantissas[::-1], decimals[::-1]
        for column in (times, mantissas, decimals):
            column.flags.writeable = False  # many runs share them
        return Series(
            self.layout, times, mantissas, decimals, self.first_ns, self.last_ns, self.bar_ns, self.known,
            frozenset(self.clock.units), self.clock.has_naive, self.same_instant, self.one_sided,
        )  # fmt: skip


def _chained(first: list[tuple[int, Row]], rest: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    yield from first
    yield from rest
