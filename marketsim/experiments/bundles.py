"""Bundles: what one process makes together from a factual run, its forks or its probes.

A bundle is done when its note stands in the study's folder `bundles`; the forks themselves are run directories like any
other, the rows of probes one file. A bundle that failed keeps its reason there, and is tried again with `again` alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from marketsim.datasets import provenance
from marketsim.datasets.storage import storing
from marketsim.datasets.store import write_whole
from marketsim.experiments.design import PlannedRun
from marketsim.scenario.study.study import StudySpec

Kind = Literal["forks", "probes"]
BUNDLES = "bundles"


@dataclass(frozen=True)
class Bundle:
    """Forks or probes of one factual run, which has to be finished first."""

    kind: Kind
    run: PlannedRun

    @property
    def name(self) -> str:
        """Its name, and that of its note."""
        return f"{self.kind}-{self.run.run_id}"

    def status(self, study: Path, code: str) -> str | None:
        """What its note says: `ok`, `failed`, or None where it is still to be made by this code."""
        note = self.note(study)
        return None if note is None or note["code"] != code else str(note["status"])

    def note(self, study: Path) -> dict[str, Any] | None:
        """Its note, where there is one."""
        path = study / BUNDLES / f"{self.name}.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None

    def write_note(self, study: Path, code: str, status: str, reason: str | None) -> None:
        """Write in one step how it ended; raises `EnvironmentLackError` where the disk refuses."""
        folder = study / BUNDLES
        told = {"kind": self.kind, "cell": self.run.cell, "replication": self.run.replication}
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        note = {**told, "factual": self.run.run_id, "code": code, "status": status, "reason": reason}
        write_whole(folder / f"{self.name}.json", lambda aside: provenance.write_json(aside, note))


def bundles_of(spec: StudySpec, runs: Iterable[PlannedRun]) -> list[Bundle]:
    """The bundles that a study needs besides whole runs: forks and probes of each run of the factual arm."""
    kinds: list[Kind] = []
    if spec.fork is not None:
        kinds.append("forks")
    if spec.is_probed:
        kinds.append("probes")
    return [Bundle(kind, run) for run in runs if run.arm == spec.factual_arm for kind in kinds]
