"""In what the content of two runs differs: the tables, and of them the first row and column."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from marketsim.datasets.integrity import check_table
from marketsim.datasets.run import Run
from marketsim.datasets.tables import TABLES
from marketsim.errors import ResultError

SLICE = 200_000


@dataclass(frozen=True, slots=True)
class Difference:
    """The first difference of a table: its row, counted from 0, its column, and the value in each run.

    column is None where one run has no such row, row too where the file cannot be read or the columns are others; then
    `a` and `b` say what is there instead. t_ns: when the row happened, where the table says so.
    """

    table: str
    row: int | None
    column: str | None
    a: Any
    b: Any
    t_ns: int | None = None

    def sentence(self, a: str, b: str) -> str:
        """The difference in words; a, b: what the two runs are called."""
        where = f"table {self.table}"
        where += "" if self.row is None else f", row {self.row}"
        where += "" if self.column is None else f", column {self.column}"
        return f"{where}: {a} {_text(self.a)}, {b} {_text(self.b)}"


def differing_tables(a: Run, b: Run) -> list[str]:
    """The tables whose content is not the same, in the order of the data dictionary.

    Content is compared by the manifests' hashes; a table of `a` that is not what its manifest says counts as different.
    """
    return [name for name in TABLES if not _is_same(a, b, name)]


def first_difference(a: Run, b: Run) -> Difference | None:
    """The earliest difference of two runs' tables, of one instant the first in the data dictionary; None for none."""
    found = [difference for name in differing_tables(a, b) if (difference := difference_in(a, b, name)) is not None]
    return min(found, key=lambda each: -1 if each.t_ns is None else each.t_ns, default=None)


def difference_in(a: Run, b: Run, table: str) -> Difference | None:
    """The first difference of one table, row by row as it stands on the disk, whatever the manifest says of it."""
    frames = []
    for run in (a, b):
        frame = _stored(run.path, table)
        if isinstance(frame, str):
            told = (frame, "can be read") if run is a else ("can be read", frame)
            return Difference(table, None, None, told[0], told[1])
        frames.append(frame)
    return difference_of_frames(table, *frames)


def difference_of_frames(table: str, a: pl.LazyFrame, b: pl.LazyFrame) -> Difference | None:
    """The first difference of two frames, read a slice at a time; `table` is what it is called."""
    frames, schemas = (a, b), (a.collect_schema(), b.collect_schema())
    if schemas[0] != schemas[1]:
        others = [_only_in(schemas[0], schemas[1]), _only_in(schemas[1], schemas[0])]
        return Difference(table, None, None, others[0], others[1])
    offset = 0
    while True:
        left, right = (frame.slice(offset, SLICE).collect() for frame in frames)
        found = _in_slice(table, offset, left, right)
        if found is not None or left.height < SLICE:
            return found
        offset += SLICE


def _is_same(a: Run, b: Run, table: str) -> bool:
    first, second = (run.manifest.get("tables", {}).get(table) for run in (a, b))
    if first is None or second is None:
        return first is second
    try:
        check_table(a.path, a.manifest, table)
    except ResultError:
        return False
    return bool(first["content_sha256"] == second["content_sha256"])


def _stored(run: Path, table: str) -> pl.LazyFrame | str:
    """A table's file, or why it cannot be read."""
    path = run / "tables" / f"{table}.parquet"
    if not path.is_file():
        return "missing"
    try:
        frame = pl.scan_parquet(path)
        frame.collect_schema()
        return frame
    except (OSError, pl.exceptions.PolarsError):
        return "no Parquet file"


def _in_slice(table: str, offset: int, left: pl.DataFrame, right: pl.DataFrame) -> Difference | None:
    height = min(left.height, right.height)
    firsts = {}
    for name in left.columns:
        same = left[name].head(height).eq_missing(right[name].head(height))
        if not same.all():
            firsts[name] = int(same.arg_min() or 0)
    instant = TABLES[table].instant if table in TABLES else None
    if firsts:
        row = min(firsts.values())
        column = next(name for name in left.columns if firsts.get(name) == row)
        t_ns = None if instant is None else min(frame[instant][row] for frame in (left, right))
        return Difference(table, offset + row, column, left[column][row], right[column][row], t_ns)
    if left.height == right.height:
        return None
    longer = left if left.height > right.height else right
    t_ns = None if instant is None else longer[instant][height]
    told = ("has the row", "has no such row") if longer is left else ("has no such row", "has the row")
    return Difference(table, offset + height, None, told[0], told[1], t_ns)


def _only_in(schema: pl.Schema, other: pl.Schema) -> str:
    """The columns that one table has and another has not, or has as another type."""
    own = [f"{name} ({kind})" for name, kind in schema.items() if other.get(name) != kind]
    return f"has {', '.join(own)}" if own else "has no other columns"


def _text(value: Any) -> str:
    return "null" if value is None else str(value)
