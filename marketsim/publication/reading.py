"""Reading a package's tables back in bounded memory, and the content hash of each run's part of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from marketsim.datasets.canonical import canonical
from marketsim.datasets.hashing import ContentHash
from marketsim.datasets.tables import Table
from marketsim.datasets.writer import columns_of
from marketsim.publication.published_tables import PublishedTable
from marketsim.publication.record import TableRecord

READ_ROWS = 262_144


def frames(package: Path, told: TableRecord, columns: list[str] | None = None) -> Iterator[pl.DataFrame]:
    """The rows of a table, in order, some hundred thousand at a time."""
    for part in told.parts:
        scan = pl.scan_parquet(package / part.path)
        for offset in range(0, max(part.rows, 1), READ_ROWS):
            rows = scan.slice(offset, READ_ROWS)
            yield (rows if columns is None else rows.select(columns)).collect()


def ranges_of(files: list[Path], table: PublishedTable) -> dict[str, tuple[float, float]]:
    """The least and the largest value of each column of numbers, read as a stream; those without are absent."""
    names = [column.name for column in table.columns if column.dtype in ("int64", "float64")]
    lows, highs = ([f"{name}{end}" for name in names] for end in "<>")
    ends = [pl.col(name).min().alias(low) for name, low in zip(names, lows, strict=True)]
    ends += [pl.col(name).max().alias(high) for name, high in zip(names, highs, strict=True)]
    row = pl.scan_parquet(files).select(ends).collect(engine="streaming").row(0, named=True) if names else {}
    return {name: (row[f"{name}<"], row[f"{name}>"]) for name in names if row[f"{name}<"] is not None}


def content_by_run(package: Path, told: TableRecord, table: Table) -> dict[str, str]:
    """The content hash of a run's table, made anew from its published rows, by run; runs without a row are left out.

    It is the hash that the run itself recorded: equal ones say that nothing was lost, added, changed or moved.
    """
    hashes: dict[str, ContentHash] = {}
    for frame in frames(package, told, ["run_id", *table.names]):
        for (run_id,), rows in frame.partition_by("run_id", as_dict=True, maintain_order=True).items():
            content = hashes.setdefault(str(run_id), ContentHash(table))
            content.update(canonical(table, columns_of(rows.select(table.names))))
    return {run_id: content.hexdigest() for run_id, content in hashes.items()}


def empty_content(table: Table) -> str:
    """The content hash of a table without a row."""
    content = ContentHash(table)
    content.update(canonical(table, columns_of(table.empty())))
    return content.hexdigest()
