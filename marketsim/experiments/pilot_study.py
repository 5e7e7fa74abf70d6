"""The pilot of a study: finished pairs of runs of its worlds, from which its power is told before it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from marketsim.datasets.study import Study, declared_study, study_folder
from marketsim.errors import ResultError
from marketsim.scenario.schema import Scenario

FREE = ("replications", "measures", "primary", "compare_holding", "probe", "registration")
"""Keys of the block `study` in which a pilot may differ: the worlds and the arms are the same."""


def pilot_of(scenario: Scenario, out: Path) -> Study | None:
    """The study itself, or the one beside it below `out` with most finished replications of the same worlds and arms.

    A pilot has two or more replications finished; None where there is none. Any seed will do.
    """
    own = study_folder(out, scenario)
    studies = [Study(path.parent) for path in sorted(own.parent.glob("*/study.json"))]
    alike = [study for study in studies if _is_alike(study, scenario)]
    finished = {study.path: _finished(study) for study in alike}
    known = [study for study in alike if finished[study.path] >= 2]
    return max(known, key=lambda study: (study.path.name == own.name, finished[study.path]), default=None)


def _is_alike(study: Study, scenario: Scenario) -> bool:
    try:
        declared = study.declared
    except ResultError:
        return False
    blocks = (declared["study"], declared_study(scenario))
    return declared["scenario_sha256"] == scenario.sha256() and len({tuple(_fixed(block)) for block in blocks}) == 1


def _fixed(block: dict[str, Any]) -> Iterator[str]:
    """The keys that a pilot shares, with their values as text."""
    return (f"{key}: {value}" for key, value in sorted(block.items()) if key not in FREE)


def _finished(study: Study) -> int:
    """Replications with a finished run."""
    runs = study.runs()
    return int(runs.filter(status="ok")["replication"].n_unique())
