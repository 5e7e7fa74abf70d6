"""The one record of a package, `package.json`: whatever is written about the package is written from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from marketsim.errors import DamagedResultError, ResultError, UnreadableFileError
from marketsim.files import read_file
from marketsim.publication.layout import RECORD
from marketsim.publication.metadata import Metadata
from marketsim.publication.parts import Part
from marketsim.publication.published_tables import PublishedTable

SCHEMA = "marketsim-package/1"
MOST_BYTES = 200_000_000


@dataclass(frozen=True)
class TableRecord:
    """One table of the package: what it means, its rows, its files, and the file of its first rows in `sample/`."""

    table: PublishedTable
    rows: int
    parts: tuple[Part, ...]
    sample: Part
    ranges: Mapping[str, tuple[float, float]]
    """The least and the largest value of each column of numbers that has one."""


@dataclass(frozen=True)
class StudyRecord:
    """What the study is: its question, world, design and the code that made it."""

    name: str
    title: str
    study_id: str
    scenario_sha256: str
    seed: int
    cells: int
    replications: int
    arms: tuple[str, ...]
    axes: Mapping[str, str]
    """Varied paths, each with the column that holds its value."""
    measures: tuple[str, ...]
    primary: str | None
    references: tuple[str, ...]
    start_utc: str
    duration_ns: int
    created_utc: str
    versions: Mapping[str, str]
    platforms: tuple[Mapping[str, Any], ...]
    runs: int
    failed: int
    collapsed: int
    wall_s: float
    """Wall time of all runs together [s], measured."""
    longest_run_s: float
    peak_rss_mb: float
    micro_events: int
    sentences: str
    """The world in words."""
    base: str | None
    """The base world that it extends."""
    changes: tuple[tuple[str, str, str], ...]
    """What it changes there: path, value in the base, value here."""
    registration: Mapping[str, str] | None = None
    """The file it was registered by before its runs: `path` below `scenario/`, `sha256`, `registered_utc`."""


@dataclass(frozen=True)
class PackageRecord:
    """The whole record; `identity` is the hash of all that the data are made of: study, runs and code."""

    identity: str
    metadata: Metadata
    study: StudyRecord
    tables: tuple[TableRecord, ...]
    files: Mapping[str, str]
    """Files that are no table's parts (the scenario, the environment), each with what it is."""
    built_utc: str

    def table(self, name: str) -> TableRecord:
        """One table by its name; raises `KeyError`."""
        return {each.table.name: each for each in self.tables}[name]

    def to_json(self) -> str:
        """The text of `package.json`."""
        told = {
            "schema": SCHEMA,
            "identity": self.identity,
            "metadata": self.metadata.model_dump(mode="json"),
            "study": asdict(self.study),
            "tables": [asdict(table) for table in self.tables],
            "files": dict(self.files),
            "built_utc": self.built_utc,
        }
        return json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def read(cls, package: Path) -> PackageRecord:
        """The record of the package in a folder; raises `ResultError` where there is none or it is damaged."""
        path = package / RECORD
        try:
            told = json.loads(read_file(path, MOST_BYTES))
        except UnreadableFileError as error:
            raise ResultError(
                f"{package} is no package ({path}: {error.message}); `dataset build` makes one"
            ) from error
        except ValueError as error:
            raise DamagedResultError(f"{path} is damaged: {error}") from error
        if not isinstance(told, dict) or told.get("schema") != SCHEMA:
            raise ResultError(f"{path} is not of schema {SCHEMA}, which this version reads")
        try:
            return cls(
                str(told["identity"]),
                Metadata.model_validate_json(json.dumps(told["metadata"])),
                _study(told["study"]),
                tuple(_table(each) for each in told["tables"]),
                told["files"],
                told["built_utc"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedResultError(f"{path} is damaged: it is not what was written ({error})") from error


def _study(told: dict[str, Any]) -> StudyRecord:
    lists = ("arms", "measures", "references", "platforms")
    fields: dict[str, Any] = {key: tuple(value) if key in lists else value for key, value in told.items()}
    fields["changes"] = tuple((path, before, after) for path, before, after in told["changes"])
    return StudyRecord(**fields)


def _table(told: dict[str, Any]) -> TableRecord:
    parts = _parts(told["parts"])
    ranges = {name: (low, high) for name, (low, high) in told["ranges"].items()}
    table = PublishedTable.from_object(told["table"])
    return TableRecord(table, told["rows"], parts, Part(**told["sample"]), ranges)


def _parts(told: Sequence[dict[str, Any]]) -> tuple[Part, ...]:
    return tuple(Part(**part) for part in told)
