"""`dataset reproduce`: everything of a package made again from the package, and compared with what it holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.errors import ResultError, UsageError
from marketsim.publication.build import build
from marketsim.publication.check import require_whole
from marketsim.publication.record import PackageRecord
from marketsim.publication.replication import STUDY_FILE

Sweep = Callable[[Path, Path], Path]
"""Makes the study of a file below a folder; returns the study's own folder."""
MakeRun = Callable[[Path, dict[str, Any], Path], Path]
"""Makes one run of the study of a file (`cell`, `replication`, `arm`) below a folder; returns the run's own folder."""
_TIMED = ("started_utc", "wall_s")


@dataclass(frozen=True)
class Comparison:
    """What came of it: runs and tables that were made again, and those that are not the same, in words."""

    runs: int
    tables: int
    differing: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Whether everything came out the same."""
        return not self.differing


def reproduce_run(package: Path, run_id: str, make: MakeRun) -> Comparison:
    """Make one run of the package again and compare its content; raises `UsageError` for an unknown id."""
    record = require_whole(package)
    rows = _runs_of(package, record).filter(run_id=run_id)
    if rows.is_empty():
        raise UsageError(f"{package} has no run {run_id}; data/runs lists those there are")
    row = rows.row(0, named=True)
    if row["status"] != "ok":
        raise ResultError(f"run {run_id} failed ({row['reason']}); there is nothing whole to compare")
    if row["fork_ns"] is not None:
        raise UsageError(f"run {run_id} was forked from another; `dataset reproduce` without --run makes forks again")
    told: dict[str, str] = json.loads(row["content_sha256"])
    with TemporaryDirectory(prefix="marketsim-") as place:
        which = {name: row[name] for name in ("cell", "replication", "arm")}
        made = Run(make(package / STUDY_FILE, which, Path(place)))
        again = {name: table["content_sha256"] for name, table in made.manifest["tables"].items()}
    differing = [f"run {run_id}: {name}" for name in sorted(told | again) if told.get(name) != again.get(name)]
    return Comparison(1, len(again), tuple(differing))


def reproduce_all(package: Path, sweep: Sweep) -> Comparison:
    """Make every run, the tables, the effects and the panel again, and compare all content with the package."""
    record = require_whole(package)
    with TemporaryDirectory(prefix="marketsim-") as place:
        study = Study(sweep(package / STUDY_FILE, Path(place) / "runs"))
        differing = _differing_runs(_runs_of(package, record), study)
        again = build(study, Path(place) / "package", record.metadata)
        made = PackageRecord.read(again)
        differing += [
            f"data/{told.table.name}"
            for told in record.tables
            if not _is_same_table(package, again, record, made, told.table.name)
        ]
    return Comparison(record.study.runs, len(record.tables), tuple(differing))


def _runs_of(package: Path, record: PackageRecord) -> pl.DataFrame:
    return pl.read_parquet([package / part.path for part in record.table("runs").parts])


def _differing_runs(published: pl.DataFrame, study: Study) -> list[str]:
    """Runs that are not there again, ended otherwise, or have a table of other content."""
    made = {row["run_id"]: row for row in study.runs().to_dicts()}
    found = []
    for row in published.to_dicts():
        run_id, again = row["run_id"], made.get(row["run_id"])
        if again is None or again["status"] != row["status"]:
            found.append(f"run {run_id}: was {row['status']}, is {'absent' if again is None else again['status']}")
            continue
        if row["status"] != "ok":
            continue
        told, tables = json.loads(row["content_sha256"]), Run(again["path"]).manifest["tables"]
        names = [name for name, content in told.items() if tables.get(name, {}).get("content_sha256") != content]
        found += [f"run {run_id}: {name}" for name in names]
    return found


def _is_same_table(package: Path, again: Path, record: PackageRecord, made: PackageRecord, name: str) -> bool:
    """Whether the two packages' rows are the same, times of making apart; equal bytes need no reading."""
    before, after = record.table(name), made.table(name)
    if [part.sha256 for part in before.parts] == [part.sha256 for part in after.parts]:
        return True
    frames = []
    for folder, told in ((package, before), (again, after)):
        scan = pl.scan_parquet([folder / part.path for part in told.parts])
        frames.append(scan.drop(_TIMED, strict=False).collect(engine="streaming"))
    return frames[0].equals(frames[1])
