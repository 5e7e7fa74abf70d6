"""`dataset build`: a study's folder becomes a package."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import polars as pl

from marketsim.datasets.provenance import canonical_json, code_here
from marketsim.datasets.storage import storing
from marketsim.datasets.study import Study
from marketsim.datasets.tables import TABLES
from marketsim.errors import EnvironmentLackError, ResultError
from marketsim.publication.building import BuildingFolder
from marketsim.publication.compaction import compact
from marketsim.publication.descriptors import write_descriptors
from marketsim.publication.layout import RECORD, part_path, sample_path
from marketsim.publication.metadata import Metadata
from marketsim.publication.panel import panel_frames, panel_table
from marketsim.publication.parts import Part, measured, write_parts
from marketsim.publication.published_tables import PublishedTable, run_tables
from marketsim.publication.reading import ranges_of
from marketsim.publication.record import PackageRecord, TableRecord
from marketsim.publication.replication import write_replication_files
from marketsim.publication.sources import StudySources
from marketsim.publication.study_record import study_record
from marketsim.publication.study_tables import own_tables

SAMPLE_ROWS = 2_000
ROWS_PER_SECOND = 1_500_000
"""Rows of trades that are compacted in a second on one core of 2024, measured; what `plan` tells time by."""
SECONDS_PER_TABLE = 0.001
"""What a run's table takes besides its rows: it is checked, opened and labelled; measured with 144 runs."""
PUBLISHED_BYTES_SHARE = 1.5
"""What published tables take on disk, over what the runs' tables take, at most: `t_utc` and labels come along."""


class BuildProgress(Protocol):
    """Told of each table: its name, then rows and bytes as they are written."""

    def __call__(self, table: str, rows: int, size: int, /) -> None:
        """Take note of rows and bytes that were written to a table."""


@dataclass(frozen=True)
class BuildPlan:
    """What a build would write: rows by table, bytes and seconds, about, and the free bytes there are."""

    rows: dict[str, int]
    bytes: int
    seconds: float
    free_bytes: int
    runs: int
    failed: int

    @property
    def total_rows(self) -> int:
        """The rows of all tables of the runs."""
        return sum(self.rows.values())


def plan_build(study: Study, out: Path) -> BuildPlan:
    """Tell what `build` would write; raises `ResultError` where a run is missing or damaged."""
    sources = StudySources(study)
    rows = {name: sum(run.rows(name) for run in sources.finished) for name in TABLES}
    size = sum(run.bytes(name) for run in sources.finished for name in TABLES)
    there = next(parent for parent in (out.absolute(), *out.absolute().parents) if parent.is_dir())
    return BuildPlan(
        rows,
        int(size * PUBLISHED_BYTES_SHARE),
        sum(rows.values()) / ROWS_PER_SECOND + len(sources.finished) * len(TABLES) * SECONDS_PER_TABLE,
        shutil.disk_usage(there).free,
        len(sources.finished),
        len(sources.rows) - len(sources.finished),
    )


def build(
    study: Study,
    out: Path,
    metadata: Metadata,
    *,
    again: bool = False,
    progress: BuildProgress = lambda table, rows, size: None,
) -> Path:
    """Make a package of a study at `out`; returns where it is. Killed at any instant it goes on when called again.

    Raises `ResultError` where a run is missing or damaged, naming it, or where something stands at `out` and is not a
    package of the same study; `EnvironmentLackError` where the disk does not suffice, before any work.
    """
    sources = StudySources(study)
    planned, identity = plan_build(study, out), _identity(sources)
    if planned.bytes > planned.free_bytes:
        raise EnvironmentLackError(
            f"the disk does not suffice: {out} needs about {planned.bytes / 1e6:,.0f} MB, "
            f"{planned.free_bytes / 1e6:,.0f} MB are free; make room or use another --out"
        )
    with BuildingFolder(out, identity) as folder:
        former = _former(out, again)
        if former is not None and former.identity == identity:
            folder.take_data_of(out, {table.table.name: table.parts for table in former.tables})
        tables = [_built(each, folder, progress) for each in _tables(sources)]
        files = write_replication_files(study, folder.path)
        record = PackageRecord(identity, metadata, study_record(sources), tuple(tables), files, _now())
        write_descriptors(record, folder.path)
        return folder.commit(again=again)


@dataclass(frozen=True)
class _Table:
    """A table to be written: what it means, and what writes its parts below a folder."""

    table: PublishedTable
    write: Callable[[Path, Callable[[int, int], None]], tuple[Part, ...]]


def _tables(sources: StudySources) -> Iterator[_Table]:
    """Everything under `data/`: the tables of the runs, the panel, and the study's own."""
    start_ns = sources.start_ns
    for table, published in zip(TABLES.values(), run_tables(sources.axes, sources.has_forks), strict=True):
        yield _Table(
            published,
            lambda root, told, table=table: compact(sources, table, root, start_ns, told),  # type: ignore[misc]
        )
    yield _Table(
        panel_table(sources), lambda root, told: _frames_written("panel", panel_frames(sources, start_ns), root, told)
    )
    for published, frame in own_tables(sources):
        yield _Table(
            published,
            lambda root, told, published=published, frame=frame: _frames_written(  # type: ignore[misc]
                published.name, iter([frame]), root, told
            ),
        )


def _frames_written(
    name: str, frames: Iterator[pl.DataFrame], root: Path, written: Callable[[int, int], None]
) -> tuple[Part, ...]:
    files = write_parts(frames, lambda number: root / part_path(name, number), written=written)
    return tuple(measured(path, rows, root) for path, rows in files)


def _built(each: _Table, folder: BuildingFolder, progress: BuildProgress) -> TableRecord:
    name = each.table.name
    if name not in folder.done:
        parts = each.write(folder.path, lambda rows, size: progress(name, rows, size))
        folder.complete(name, parts)
    parts = folder.done[name]
    sample = pl.scan_parquet([folder.path / part.path for part in parts]).head(SAMPLE_ROWS).collect()
    place = folder.path / sample_path(name)
    with storing(place):
        place.parent.mkdir(exist_ok=True)
        sample.write_parquet(place)
    told = measured(place, sample.height, folder.path)
    ranges = ranges_of([folder.path / part.path for part in parts], each.table)
    return TableRecord(each.table, sum(part.rows for part in parts), parts, told, ranges)


def _identity(sources: StudySources) -> str:
    """The hash of all that the data are made of: the study, its runs as they were written, and the code that builds."""
    runs = [[row["run_id"], row["cell"], row["replication"], row["arm"], row["status"]] for row in sources.rows]
    content = [run.manifest["manifest_sha256"] for run in sources.finished]
    told = [sources.study.declared["study_id"], runs, content, code_here()]
    return hashlib.sha256(canonical_json(told)).hexdigest()


def _former(out: Path, again: bool) -> PackageRecord | None:
    """The package that stands at `out`; raises `ResultError` where something else does, or `again` is not said."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    if not (out / RECORD).is_file():
        raise ResultError(f"{out} is in the way and is no package; move it or use another --out")
    if not again:
        raise ResultError(f"{out} is already there; --again replaces it (its data are kept where nothing has changed)")
    return PackageRecord.read(out)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
