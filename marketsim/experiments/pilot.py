"""What a sweep will cost, estimated before it runs from one run: a finished one, or a short pilot."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from marketsim.datasets import provenance
from marketsim.datasets.registration import kept_registration, registration_now
from marketsim.datasets.run import Run
from marketsim.datasets.store import Found
from marketsim.datasets.study import Study, study_folder
from marketsim.experiments.cells import Cell, lay_out_cells, world_of
from marketsim.experiments.design import PlannedRun, plan_study, whole_arms
from marketsim.experiments.one_run import refuse_run_of_study
from marketsim.experiments.pilot_study import pilot_of
from marketsim.experiments.runner import worker_count
from marketsim.experiments.shard import Shard
from marketsim.experiments.study_runs import RUNS, run_directory, states
from marketsim.experiments.world_checks import check_worlds, choose_cells
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.study import study_of

Power = Callable[[Study, int, str | None], list[dict[str, Any]]]
"""What a study will find, told from a pilot, for a number of replications and a primary outcome."""

PILOT_NS = 4 * 10**9
"""Wall time a pilot may take; one that meets it is scaled up to the run's end."""
MOST_CHECKED = 128
"""Cells that a forecast resolves, some 20 ms each; where there are more, it chooses."""


@dataclass(frozen=True)
class Forecast:
    """What a sweep consists of, and what is left of it will take: seconds and bytes of all of it, memory at once.

    checked: the cells whose worlds were resolved, and what is certainly among them; a sweep checks all. pilot: the run
    it is estimated from, and the share of its time that was simulated. power: what the study will find, told from the
    finished pairs of `power_pilot`, itself or a smaller one of the same worlds, where there is one. registration: the
    file it is registered by; without `registered_utc` a sweep will register it before its first run.
    """

    path: str
    cells: int
    checked: int
    checked_among: str
    runs: int
    done: int
    failed: int
    missing: int
    workers: int
    seconds: float
    memory_mb: float
    disk_bytes: int
    pilot: str
    pilot_share: float
    primary: str | None
    power: list[dict[str, Any]]
    power_pilot: str | None = None
    registration: dict[str, str] | None = None

    def as_object(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return asdict(self)


def forecast(
    scenario: Scenario,
    *,
    out: Path = Path("results"),
    workers: int | str = "auto",
    shard: Shard | None = None,
    power: Power | None = None,
) -> Forecast:
    """Plan a study, look up which of its runs are there, and estimate the rest; nothing is written below `out`.

    Time, memory and bytes are those of one run times what is missing: a finished run of the study where there is one,
    else its first run, made aside for at most 4 s of wall time. Cells that cost more than others are not foreseen. Of a
    study with very many cells some are checked (`world_checks.choose_cells`), and its runs are those of the plan that a
    sweep has left. power: estimates from a pilot what a study with so many replications and this primary outcome will
    find. Raises ScenarioError for a cell that is impossible.
    """
    refuse_run_of_study(scenario, "forecast the study's own file")
    folder = study_folder(out, scenario)
    outlined = _outline(scenario, folder, shard or Shard())
    number, counted = worker_count(workers), Counter(outlined.found.values())
    finished = next((run for run, state in outlined.found.items() if state == "done"), None)
    pilot = "a short run" if finished is None else "a finished run"
    first = outlined.cells[0]
    manifest = _short_run(scenario, first) if finished is None else Run(run_directory(folder, finished)).manifest
    missing = outlined.runs - counted["done"] - counted["failed"]
    share = max(manifest["simulated_ns"] / scenario.clock.duration, 1e-9)
    at_once, declared = min(number, max(missing, 1)), study_of(scenario.study)
    pairs = None if power is None else pilot_of(scenario, out)
    return Forecast(
        path=str(folder),
        cells=len(outlined.cells),
        checked=outlined.checked,
        checked_among=outlined.among,
        runs=outlined.runs,
        done=counted["done"],
        failed=counted["failed"],
        missing=missing,
        workers=number,
        seconds=missing * manifest["wall_s"] / share / at_once,
        memory_mb=manifest["peak_rss_mb"] * at_once,
        disk_bytes=round(missing * _bytes_of(manifest) / share),
        pilot=pilot,
        pilot_share=min(share, 1.0),
        primary=declared.primary,
        power=[] if power is None or pairs is None else power(pairs, declared.replications, declared.primary),
        power_pilot=None if pairs is None else str(pairs.path),
        registration=_registered(scenario, folder),
    )


def _registered(scenario: Scenario, folder: Path) -> dict[str, str] | None:
    """The file a study is or will be registered by; raises `ResultError` where a sweep would refuse it."""
    held = Study(folder).registration if (folder / "study.json").is_file() else None
    found = kept_registration(registration_now(scenario), held, folder, again=False)
    if found is None:
        return None
    return {key: value for key, value in found.as_object().items() if held is not None or key != "registered_utc"}


@dataclass(frozen=True)
class _Outline:
    """A study's cells, how many of them were checked, how many runs it has, and what stands on disk of these."""

    cells: Sequence[Cell]
    checked: int
    among: str
    runs: int
    found: Mapping[PlannedRun, Found]


def _outline(scenario: Scenario, folder: Path, shard: Shard) -> _Outline:
    """Lay a study out and check it: whole where its cells are few, by the cells that stand for all where not."""
    study, cells, code = study_of(scenario.study), lay_out_cells(scenario), provenance.code_here()
    if len(cells) <= MOST_CHECKED:
        mine = {run.run_id: run for run in shard.part(plan_study(scenario).runs)}
        return _Outline(cells, len(cells), "every cell", len(mine), states(folder, mine.values(), code))
    chosen = choose_cells(cells, MOST_CHECKED, scenario.seed)
    check_worlds(scenario, study, (cells[number] for number in chosen.numbers))
    runs = shard.share_of(len(cells) * study.replications) * len(whole_arms(study))
    return _Outline(cells, len(chosen.numbers), chosen.among, runs, states(folder, _begun(folder, shard), code))


def _begun(folder: Path, shard: Shard) -> list[PlannedRun]:
    """The runs of the plan that a sweep has left which have a directory, each once."""
    if not (folder / "study.json").is_file():
        return []
    there = {path.name for path in (folder / RUNS).iterdir()} if (folder / RUNS).is_dir() else set()
    planned = shard.part(PlannedRun(**row) for row in Study(folder).plan().iter_rows(named=True))
    return list({run.run_id: run for run in planned if run.run_id in there}.values())


def _short_run(scenario: Scenario, first: Cell) -> Mapping[str, Any]:
    """The manifest of a study's first run, made aside and thrown away."""
    from marketsim.simulation.running import run

    arm = whole_arms(study_of(scenario.study))[0]
    with tempfile.TemporaryDirectory(prefix="marketsim-pilot-") as aside:
        world = world_of(scenario, first, arm)
        return run(world, folder=Path(aside) / RUNS, arm=arm, time_limit=PILOT_NS).manifest


def _bytes_of(manifest: Mapping[str, Any]) -> int:
    return sum(int(table["bytes"]) for table in manifest["tables"].values())
