"""What a study's folder holds for a package: its runs by replication, their labels, rows and bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from marketsim import units
from marketsim.analysis.measures.pair_state import is_collapsed
from marketsim.datasets.integrity import check_table, damage
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.errors import DamagedResultError, ResultError
from marketsim.publication.labels import AxisColumn, axis_columns, labels_of


@dataclass(frozen=True)
class PublishedRun:
    """One finished run of the study, and what its label columns hold."""

    path: Path
    labels: dict[str, Any]
    manifest: dict[str, Any]

    @property
    def group(self) -> tuple[int, int]:
        """The cell and replication whose runs stand together."""
        return self.labels["cell"], self.labels["replication"]

    def rows(self, table: str) -> int:
        """How many rows the run has of a table."""
        return int(self.manifest["tables"][table]["rows"])

    def bytes(self, table: str) -> int:
        """What the table takes on disk."""
        return int(self.manifest["tables"][table]["bytes"])

    def checked(self, table: str) -> Path:
        """The table's file, its bytes compared with the manifest; raises `ResultError` that names the run and table."""
        return check_table(self.path, self.manifest, table)


class StudySources:
    """A study and its runs as a package takes them; raises `ResultError` where one is damaged or not made yet."""

    def __init__(self, study: Study) -> None:
        self.study = study

    @cached_property
    def axes(self) -> tuple[AxisColumn, ...]:
        """The columns of the varied paths."""
        return axis_columns(self.study)

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of `Study.runs`, in their order; raises `ResultError` where a run is planned or damaged."""
        rows = self.study.runs().to_dicts()
        for row in rows:
            which = f"run {row['run_id']} (cell {row['cell']}, replication {row['replication']}, arm {row['arm']})"
            if row["status"] == "planned":
                raise ResultError(
                    f"{self.study.path}: {which} is not made yet; `marketsim sweep` goes on with the study"
                )
            found = damage(Path(row["path"])) if row["status"] != "damaged" else row["reason"]
            if found is not None:
                raise ResultError(f"{self.study.path}: {which} is damaged: {found}; `marketsim sweep --again` mends it")
        return rows

    @cached_property
    def start_ns(self) -> int:
        """The start of the clock, since 1970 [ns]."""
        return units.instant_ns(self.study.scenario["clock"]["start"])

    @cached_property
    def has_forks(self) -> bool:
        """Whether some runs were forked from others."""
        return any(row["fork_ns"] is not None for row in self.rows)

    @cached_property
    def finished(self) -> tuple[PublishedRun, ...]:
        """The runs that did not fail, by cell and replication, arms in the order of the study's plan."""
        runs = []
        for row in self.rows:
            if row["status"] == "ok":
                labels = labels_of(row, self.axes, self.has_forks)
                runs.append(PublishedRun(Path(row["path"]), labels, Run(row["path"]).manifest))
        return tuple(sorted(runs, key=lambda run: run.group))

    @cached_property
    def collapsed(self) -> dict[str, bool | None]:
        """Whether a market of each finished run was destroyed, by run_id; None where its record does not tell."""
        return {run.labels["run_id"]: _is_collapsed(Run(run.path)) for run in self.finished}

    def groups(self) -> Iterator[list[PublishedRun]]:
        """The finished runs of each cell and replication."""
        for _, runs in groupby(self.finished, key=lambda run: run.group):
            yield list(runs)


def _is_collapsed(run: Run) -> bool | None:
    try:
        return is_collapsed(run)
    except DamagedResultError:
        raise
    except ResultError:
        return None
