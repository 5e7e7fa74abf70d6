"""Everything a run records on its way to disk: one writer per table, one background thread for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from marketsim.datasets.canonical import Given
from marketsim.datasets.columns import LogConverter, Names, Records
from marketsim.datasets.drain import Drain
from marketsim.datasets.storage import storing
from marketsim.datasets.tables import TABLES, Table, table_named
from marketsim.datasets.writer import TableSummary, TableWriter
from marketsim.errors import ResultError

_ROWS_AT_ONCE = 4_096
RowHook = Callable[[str, Mapping[str, Any]], None]
"""Called with (table, row) for each single row, as it is recorded."""

_BLOCK_ROWS = 16_384  # log records converted at once: their columns stay in the processor's cache


class _Buffers:
    """Buffers for log records that are used again, because fresh memory costs more than the copy."""

    def __init__(self) -> None:
        self._free: dict[np.dtype[np.void], list[Records]] = {}

    def copy(self, records: Records) -> tuple[Records, Callable[[], None]]:
        """A copy of the records, and what to call when it is no longer needed."""
        free = self._free.setdefault(records.dtype, [])
        buffer = free.pop() if free else np.empty(0, records.dtype)
        if len(buffer) < len(records):
            buffer = np.empty(len(records), records.dtype)
        taken = buffer[: len(records)]
        taken[...] = records
        return taken, lambda: free.append(buffer)


class Recorder:
    """Writes the tables of one run to `<directory>/tables/`; every table given becomes one file, possibly empty.

    `append` takes columns, `rows` takes single rows of the slower tables, `log` takes the kernel's records. All of it
    is written by one background thread in the order given; its failures are raised by the next call. live: is told of
    the single rows too.
    """

    def __init__(
        self, directory: Path, tables: Iterable[str | Table] = TABLES.values(), live: RowHook | None = None
    ) -> None:
        self.live = live
        self._drain = Drain()
        folder = directory / "tables"
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._writers = {table.name: TableWriter(folder, table, self._drain) for table in map(table_named, tables)}
        self._rows: dict[str, list[Mapping[str, Any]]] = {name: [] for name in self._writers}
        self._converters: dict[str, LogConverter] = {}
        self._buffers = _Buffers()

    @property
    def waited_s(self) -> float:
        """How long the run has waited for the record [s]; part of the manifest's `kernel_s`."""
        return self._drain.waited_s

    def counted(self, table: str) -> int:
        """Rows of a table so far."""
        return self._writer(table).rows + len(self._rows[table])

    def append(self, table: str, columns: Mapping[str, Given]) -> None:
        """Record rows given as columns, which are taken over."""
        self._flush(table)
        self._writer(table).append(columns)

    def rows(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Record single rows, each with every column of its table; a null is None."""
        names = self._writer(table).table.names
        waiting = self._rows[table]
        for row in rows:
            if row.keys() != set(names):
                raise ResultError(
                    f"table {table}: a row has the columns {', '.join(sorted(row))}; "
                    f"allowed: {', '.join(sorted(names))}"
                )
            waiting.append(row)
            if self.live is not None:
                self.live(table, row)
        if len(waiting) >= _ROWS_AT_ONCE:
            self._flush(table)

    def log(self, table: str, records: Records, names: Names) -> None:
        """Record the kernel's records (n,) of `trades`, `orders` or `quotes`; they are copied, their buffer is free."""
        if not len(records):
            return
        if table not in self._converters:
            self._converters[table] = LogConverter(table)
        converter = self._converters[table]
        taken, done = self._buffers.copy(records)
        blocks = np.split(taken, range(_BLOCK_ROWS, len(taken), _BLOCK_ROWS))
        self._writer(table).append_later(len(taken), lambda: (converter.columns(each, names) for each in blocks), done)

    def close(self) -> dict[str, TableSummary]:
        """Finish every table and return what the manifest says of each; where one fails the unfinished are removed."""
        try:
            for table in self._writers:
                self._flush(table)
            return {name: writer.close() for name, writer in self._writers.items()}
        except BaseException:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Stop the work and remove what is unfinished; finished tables stay."""
        for writer in self._writers.values():
            writer.abandon()

    def _writer(self, table: str) -> TableWriter:
        if table not in self._writers:
            raise ResultError(f"table {table!r} is not recorded in this run; recorded: {', '.join(self._writers)}")
        return self._writers[table]

    def _flush(self, table: str) -> None:
        waiting: Sequence[Mapping[str, Any]] = self._rows[table] if table in self._rows else ()
        if waiting:
            self._rows[table] = []
            names = self._writers[table].table.names
            self._writers[table].append({name: [row[name] for row in waiting] for name in names})
