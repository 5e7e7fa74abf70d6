"""The runs and studies of the results folder, newest first, and their report pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MARKS = {"manifest.json": "run", "study.json": "study"}
REPORT = "report.html"
MOST = 200


@dataclass(frozen=True)
class StoredResult:
    """A run or a study as it lies in the results folder; `place` is its path in it."""

    kind: str
    place: str
    changed: float
    has_report: bool


def stored_results(folder: Path) -> list[StoredResult]:
    """What `<folder>/<name>/<id>` holds: whole runs and studies, not those in the making, newest first."""
    found = []
    for mark, kind in MARKS.items():
        for file in folder.glob(f"*/*/{mark}"):
            place = file.parent.relative_to(folder)
            if not any(part.startswith(".") for part in place.parts):
                has_report = (file.parent / REPORT).is_file()
                found.append(StoredResult(kind, place.as_posix(), file.stat().st_mtime, has_report))
    return sorted(found, key=lambda one: one.changed, reverse=True)[:MOST]


def report_page(folder: Path, place: str) -> Path | None:
    """The report of a run or study that is there; None for anything else, however its place is spelt."""
    known = {one.place for one in stored_results(folder) if one.has_report}
    return folder / place / REPORT if place in known else None
