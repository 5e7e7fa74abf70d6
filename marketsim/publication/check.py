"""`dataset check`: whether a package is whole, says what it holds, and passes the validators that editors use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from marketsim.datasets.integrity import file_sha256
from marketsim.datasets.tables import TABLES
from marketsim.errors import ResultError
from marketsim.publication.checksums import package_files, read_checksums
from marketsim.publication.descriptors import WRITERS
from marketsim.publication.layout import CHECKSUMS, METADATA, RECORD
from marketsim.publication.published_tables import PublishedColumn, Type
from marketsim.publication.reading import content_by_run, empty_content, frames, ranges_of
from marketsim.publication.record import PackageRecord, TableRecord
from marketsim.publication.validators import require_validators, verdicts

_TYPES: dict[Type, pl.DataType] = {
    "int64": pl.Int64(),
    "float64": pl.Float64(),
    "text": pl.String(),
    "bool": pl.Boolean(),
    "instant": pl.Datetime("ns", "UTC"),
}
MOST_KEYS = 20_000_000
"""Rows of a table whose keys are held to be told apart; of larger ones the runs' content hashes stand for them."""


def check(package: Path, *, strict: bool = False, validators: bool = True) -> list[str]:
    """Every problem of a package, each with its file; none where all is well.

    strict: fields of metadata.yaml that nobody has written are problems too. validators: ask those of editors as well;
    raises `EnvironmentLackError` where they are not installed. Raises `ResultError` where there is no package.
    """
    if validators:
        require_validators()
    record = PackageRecord.read(package)
    problems = list(_files(package))
    if not problems:
        problems += _descriptors(package, record)
        problems += [found for told in record.tables for found in _table(package, told)]
        problems += _runs(package, record)
    if strict:
        problems += [f"{METADATA}: {field} is still to be written" for field in record.metadata.unedited()]
    if validators:
        problems += verdicts(package)
    return problems


def _files(package: Path) -> Iterator[str]:
    """Files that are missing, damaged, or that no checksum is of."""
    try:
        told = read_checksums((package / CHECKSUMS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        yield f"{CHECKSUMS}: cannot be read ({error})"
        return
    there = set(package_files(package))
    yield from (f"{path}: is missing" for path in sorted(told.keys() - there))
    yield from (f"{path}: is not in {CHECKSUMS}" for path in sorted(there - told.keys()))
    for path in sorted(there & told.keys()):
        if file_sha256(package / path) != told[path]:
            yield f"{path}: is damaged, or was edited: its bytes are not those of {CHECKSUMS}"


def _descriptors(package: Path, record: PackageRecord) -> Iterator[str]:
    """Descriptors that say something else than the record."""
    for name, write in WRITERS.items():
        if (package / name).read_text(encoding="utf-8") != write(record):
            yield f"{name}: does not say what {RECORD} says; `dataset build --again` writes it anew"


def _table(package: Path, told: TableRecord) -> Iterator[str]:
    """Columns, types, nulls, values, order, keys and number of rows of one table."""
    table, place = told.table, f"data/{told.table.name}"
    yield from (f"{place}: {column.name} has no meaning" for column in table.columns if not column.meaning)
    rows, last = 0, None
    expected = {column.name: _TYPES[column.dtype] for column in table.columns}
    for frame in frames(package, told):
        if list(frame.schema.items()) != list(expected.items()):
            yield f"{place}: its columns are not those of {RECORD}, in their order"
            return
        rows += frame.height
        yield from (f"{place}: {problem}" for column in table.columns for problem in _column(frame, column))
        order = frame.select(table.sort) if last is None else pl.concat([last, frame.select(table.sort)])
        if not _is_sorted(order):
            yield f"{place}: its rows are not in the order of {', '.join(table.sort)}"
        last = frame.select(table.sort).tail(1) if frame.height else last
    if rows != told.rows:
        yield f"{place}: it has {rows:,} rows, {RECORD} says {told.rows:,}"
    if table.keys and rows <= MOST_KEYS:
        keys = pl.scan_parquet([package / part.path for part in told.parts]).select(table.keys)
        if keys.collect().is_duplicated().any():
            yield f"{place}: two rows have the same {', '.join(table.keys)}"
    found = ranges_of([package / part.path for part in told.parts], table)
    for name in sorted(found.keys() | told.ranges.keys()):
        if found.get(name) != told.ranges.get(name):
            yield f"{place}: {name} ranges over {found.get(name)}, {RECORD} says {told.ranges.get(name)}"


def _is_sorted(frame: pl.DataFrame) -> bool:
    """Whether rows stand in the order of all columns, the first one first."""
    ordered = pl.lit(value=True)
    for name in reversed(frame.columns):
        before = pl.col(name).shift(1)
        ordered = (pl.col(name) > before) | ((pl.col(name) == before) & ordered)
    return bool(frame.select(ordered.fill_null(value=True).all()).item())


def _column(frame: pl.DataFrame, column: PublishedColumn) -> Iterator[str]:
    series = frame[column.name]
    if not column.null and series.null_count():
        yield f"{column.name} is missing in some rows, and may not be"
    if series.dtype == pl.Float64 and not bool(series.drop_nulls().is_finite().all()):
        yield f"{column.name} is not finite in some rows"
    if column.values and (strange := set(series.drop_nulls().unique()) - set(column.values)):
        yield f"{column.name} is {min(strange)!r} somewhere; allowed: {', '.join(column.values)}"


def _runs(package: Path, record: PackageRecord) -> Iterator[str]:
    """Runs whose published rows are not what they recorded, or of which rows are missing."""
    runs = pl.read_parquet([package / part.path for part in record.table("runs").parts])
    told = {row["run_id"]: json.loads(row["content_sha256"]) for row in runs.filter(status="ok").to_dicts()}
    for name, table in TABLES.items():
        made, nothing = content_by_run(package, record.table(name), table), empty_content(table)
        for run_id, content in told.items():
            if made.get(run_id, nothing) != content.get(name):
                yield f"data/{name}: the rows of run {run_id} are not those that the run recorded"
        if strangers := made.keys() - told.keys():
            yield f"data/{name}: it has rows of {min(strangers)}, which is no finished run of the study"


def require_whole(package: Path) -> PackageRecord:
    """The record of a package whose files are all as written; raises `ResultError` with what is not."""
    record = PackageRecord.read(package)
    if found := next(_files(package), None):
        raise ResultError(f"{package}: {found}")
    return record
