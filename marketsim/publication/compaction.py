"""A run's table, of all runs of a study, as few large files: labelled, in the order of time, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl

from marketsim.datasets.tables import Table
from marketsim.publication.labels import label_columns, literals
from marketsim.publication.layout import part_path
from marketsim.publication.merging import merged
from marketsim.publication.parts import Part, measured, write_parts
from marketsim.publication.published_tables import time_column
from marketsim.publication.sources import PublishedRun, StudySources


def compact(
    sources: StudySources, table: Table, root: Path, start_ns: int, written: Callable[[int, int], None]
) -> tuple[Part, ...]:
    """Write one table of all finished runs below `root`; start_ns: the clock's start since 1970.

    Rows stand by cell, replication and time, those of one instant by arm. `written` is told rows and bytes as they
    come. A table without a row in any run gets one part that shows its columns.
    """
    frames = _frames(sources, table, start_ns)
    files = write_parts(frames, lambda number: root / part_path(table.name, number), written=written)
    return tuple(measured(path, rows, root) for path, rows in files)


def _frames(sources: StudySources, table: Table, start_ns: int) -> Iterator[pl.DataFrame]:
    has_rows = False
    for runs in sources.groups():
        holding = [run for run in runs if run.rows(table.name)]
        for frame in merged(_labelled(holding, sources, table), time_column(table)):
            if frame.height:
                has_rows = True
                yield in_published_form(frame, table, sources, start_ns)
    if not has_rows:
        yield in_published_form(_empty(sources, table), table, sources, start_ns)


def _labelled(
    runs: Sequence[PublishedRun], sources: StudySources, table: Table
) -> list[tuple[Path, Sequence[pl.Expr]]]:
    columns = label_columns(sources.axes, sources.has_forks)
    return [(run.checked(table.name), literals(run.labels, columns)) for run in runs]


def _empty(sources: StudySources, table: Table) -> pl.DataFrame:
    nothing: dict[str, None] = dict.fromkeys(column.name for column in label_columns(sources.axes, sources.has_forks))
    return table.empty().select(*literals(nothing, label_columns(sources.axes, sources.has_forks)), pl.all())


def in_published_form(frame: pl.DataFrame, table: Table, sources: StudySources, start_ns: int) -> pl.DataFrame:
    """Labelled rows with `t_utc` beside `t_ns`, columns in the published order."""
    if "t_ns" not in table.names:
        return frame
    labels = [column.name for column in label_columns(sources.axes, sources.has_forks)]
    columns = [part for name in table.names for part in ([name, "t_utc"] if name == "t_ns" else [name])]
    return frame.with_columns(t_utc=(pl.col("t_ns") + start_ns).cast(pl.Datetime("ns", "UTC"))).select(
        *labels, *columns
    )
