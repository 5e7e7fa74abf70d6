"""One table on its way to one Parquet file: checked, hashed and written in the background, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from marketsim.datasets.canonical import Array, CodedText, Given, canonical
from marketsim.datasets.drain import Drain
from marketsim.datasets.hashing import ContentHash
from marketsim.datasets.parquet import GrowingParquet
from marketsim.datasets.storage import storing
from marketsim.datasets.tables import Column, Table, table_named
from marketsim.errors import ResultError

PART_ROWS = 262_144  # rows of a part and row group: large enough to compress, small enough to be held
_CODED_TEXTS = 4_096  # beyond so many different texts a part writes them out instead of carrying the whole list


@dataclass(frozen=True)
class TableSummary:
    """A finished table as the manifest names it."""

    rows: int
    bytes: int
    content_sha256: str


def columns_of(frame: pl.DataFrame) -> dict[str, pl.Series | Array]:
    """A frame's columns as a `TableWriter` takes them."""
    return {
        name: series if series.dtype in (pl.String, pl.Categorical, pl.Enum) else series.to_numpy()
        for name, series in zip(frame.columns, frame.get_columns(), strict=True)
    }


def content_sha256_of(frame: pl.DataFrame, table: str | Table) -> str:
    """The content hash of a table that was read back; equal to the one its writer gave, however it was written."""
    content = ContentHash(table_named(table))
    for part in frame.iter_slices(PART_ROWS):
        content.update(canonical(table_named(table), columns_of(part)))
    if not len(frame):
        content.update(canonical(table_named(table), columns_of(frame)))
    return content.hexdigest()


class TableWriter:
    """Writes one table to `<directory>/<table>.parquet`; the file has that name once it is complete.

    Use: `append` columns any number of times, then `close`. The work is done by `drain`, shared with other writers or
    the writer's own; a failure there is raised by the next call. Columns are taken over: change them no more.
    """

    def __init__(self, directory: Path, table: str | Table, drain: Drain | None = None) -> None:
        self.table = table_named(table)
        self.path = directory / f"{self.table.name}.parquet"
        self.rows = 0
        self._aside = directory / f".{self.table.name}.parquet.part"
        self._drain = drain or Drain()
        self._content = ContentHash(self.table)
        self._file: GrowingParquet | None = None
        self._part: dict[str, Array] = {}  # the same memory for every part: fresh pages would cost a fifth of the rate
        self._filled = 0
        self._held: list[pl.DataFrame] = []
        self._last_sorted: Array | None = None

    @property
    def waited_s(self) -> float:
        """How long callers of this writer's drain have waited for the background work [s]."""
        return self._drain.waited_s

    def append(self, columns: Mapping[str, Given]) -> None:
        """Take the next rows; raises `ResultError` where they are not what the dictionary says."""
        checked = canonical(self.table, columns)
        self.rows += len(next(iter(checked.values())))
        self._drain.submit(lambda: self._take(checked))

    def append_later(
        self, rows: int, blocks: Callable[[], Iterable[Mapping[str, Given]]], done: Callable[[], None]
    ) -> None:
        """Take the next `rows` rows, in blocks of columns that the background thread fetches, at no cost to the caller.

        `done` is called when nothing refers to the blocks' arrays any more.
        """

        def work() -> None:
            for columns in blocks():
                self._take(canonical(self.table, columns))
            done()

        self.rows += rows
        self._drain.submit(work)

    def close(self) -> TableSummary:
        """Wait for the background work, complete the file and give it its name."""
        self._drain.submit(self._complete)
        self._drain.finish()
        return TableSummary(self._content.rows, self.path.stat().st_size, self._content.hexdigest())

    def abandon(self) -> None:
        """Drop what was not written yet and leave no file behind."""
        self._drain.drop()
        if self._file is not None:
            self._file.__exit__(None, None, None)
        self._aside.unlink(missing_ok=True)

    # What follows runs in the background thread.

    def _take(self, columns: dict[str, Array | CodedText]) -> None:
        if self.table.sorted_at_close:
            self._held.append(self._frame(ContentHash(self.table), columns))
        else:
            self._check_order(columns)
            self._store(columns)

    def _check_order(self, columns: Mapping[str, Array | CodedText]) -> None:
        """Refuse rows that come before earlier ones in the first column of the sort order."""
        values = columns[self.table.sort[0]]
        if isinstance(values, CodedText) or not len(values):
            return
        before = values[:1] if self._last_sorted is None else self._last_sorted
        if before[0] > values[0] or (values[1:] < values[:-1]).any():
            raise ResultError(f"table {self.table.name}: rows came out of the order of {self.table.sort[0]}")
        self._last_sorted = values[-1:].copy()

    def _store(self, columns: Mapping[str, Array | CodedText]) -> None:
        """Hash rows and put them into the part; a full part goes to the file."""
        rows = self._content.update(columns)
        if not self._part:
            self._part = {name: np.empty(PART_ROWS, values.dtype) for name, values in rows.items()}
        count, taken = len(next(iter(rows.values()))), 0
        while taken < count:
            more = min(count - taken, PART_ROWS - self._filled)
            for name, values in rows.items():
                self._part[name][self._filled : self._filled + more] = values[taken : taken + more]
            taken += more
            self._filled += more
            if self._filled == PART_ROWS:
                self._write_part()

    def _write_part(self) -> None:
        """Write the part's rows as one row group at the end of the file."""
        frame = self._plain_frame(self._content, {name: values[: self._filled] for name, values in self._part.items()})
        part = BytesIO()
        frame.write_parquet(part, compression="zstd", compression_level=1, row_group_size=PART_ROWS)
        self._filled = 0
        with storing(self.path):
            if self._file is None:
                self._file = GrowingParquet(self._aside)
            self._file.add(part.getvalue())

    def _complete(self) -> None:
        """Bring held rows in order, write what waits, and give the file its name."""
        if self._held:
            frame = pl.concat(self._held).sort(self.table.sort, maintain_order=True)
            self._held = []
            for part in frame.iter_slices(PART_ROWS):
                self._store(canonical(self.table, columns_of(part)))
        if not self._part:
            self._store(canonical(self.table, columns_of(self.table.empty())))
        if self._filled or self._file is None:
            self._write_part()
        self._part = {}
        assert self._file is not None
        with storing(self.path):
            self._file.close()
            self._aside.replace(self.path)

    def _frame(self, numbers: ContentHash, columns: Mapping[str, Array | CodedText]) -> pl.DataFrame:
        """Canonical columns as a frame of plain types."""
        frame = self._plain_frame(numbers, numbers.update(columns))
        return frame.with_columns(pl.col(pl.Enum).cast(pl.String))

    def _plain_frame(self, numbers: ContentHash, rows: Mapping[str, Array]) -> pl.DataFrame:
        """Rows whose texts are numbered as a frame; texts stay coded, which writes five times as fast."""
        return pl.DataFrame([_series(column, rows[column.name], numbers) for column in self.table.columns])


def _series(column: Column, values: Array, numbers: ContentHash) -> pl.Series:
    """One column as a polars series, NaN and the number -1 as nulls."""
    if column.dtype != "text":
        return pl.Series(column.name, values, nan_to_null=column.may_be_null)
    texts = numbers.texts(column.name)
    if not texts:
        return pl.Series(column.name, [None] * len(values), dtype=pl.String)
    codes = pl.Series(column.name, values.astype(np.uint32))
    if column.may_be_null:
        codes = codes.set(pl.Series(values == -1), None)
    if len(texts) > _CODED_TEXTS:
        return pl.Series(column.name, texts).gather(codes).rename(column.name)
    return codes.cat.to(pl.Enum(texts))
