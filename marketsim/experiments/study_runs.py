"""The runs of a study on disk: the study's folder alone says which of them are done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from marketsim.datasets import provenance
from marketsim.datasets.integrity import damage, read_manifest
from marketsim.datasets.store import Found, RunDirectory, find_run
from marketsim.errors import ResultError
from marketsim.experiments.design import PlannedRun
from marketsim.kinds import plugins_of
from marketsim.scenario.schema import Scenario

RUNS = "runs"
MISSING: tuple[Found, ...] = ("absent", "other code", "damaged")
"""States of runs that a sweep with `again` would still make, though none of them failed."""


def run_directory(study: Path, run: PlannedRun) -> Path:
    """Where a run of a study has its directory."""
    return study / RUNS / run.run_id


def states(study: Path, runs: Iterable[PlannedRun], code: str) -> dict[PlannedRun, Found]:
    """What stands in the folder `study` for each run; runs of equal worlds share one directory."""
    seen: dict[str, Found] = {}
    found: dict[PlannedRun, Found] = {}
    for run in runs:
        if run.run_id not in seen:
            seen[run.run_id], _ = find_run(study, RUNS, run.run_id, code)
        found[run] = seen[run.run_id]
    return found


def due(study: Path, found: Mapping[PlannedRun, Found], *, again: bool) -> list[PlannedRun]:
    """The runs still to be made, each once.

    Failed ones stay as they are unless `again`; what this code finished always stays: it would come out the same.
    Raises `ResultError` where other code made a run, or one is damaged, and `again` is not said.
    """
    damaged = next((run for run, state in found.items() if state == "damaged"), None)
    if damaged is not None and not again:
        raise ResultError(str(damage(run_directory(study, damaged))))
    others = {run.run_id for run, state in found.items() if state == "other code"}
    if others and not again:
        raise ResultError(
            f"{len(others)} runs in {study / RUNS} were made by another version of the code; "
            "--again reruns them, --out writes elsewhere"
        )
    wanted = {"absent", "failed", "other code", "damaged"} if again else {"absent"}
    return list({run.run_id: run for run, state in found.items() if state in wanted}.values())


def reason_of(study: Path, run: PlannedRun) -> str:
    """Why a failed run failed."""
    return str(read_manifest(run_directory(study, run))["reason"])


def leave_failed(study: Path, world: Scenario, run: PlannedRun, code: str, reason: str) -> Path:
    """Leave a failed run directory, with the reason, for a run that could not begin or whose workers died.

    Returns its place. A run that another process has finished there meanwhile is left alone.
    """
    found, place = find_run(study, RUNS, run.run_id, code)
    if found == "done":
        return place
    with RunDirectory.create(study, RUNS, run.run_id, again=True) as directory:
        provenance.write_json(directory.path / "resolved.json", world.of_a_run())
        return directory.fail(reason, _empty_manifest(world, run, code))


def _empty_manifest(world: Scenario, run: PlannedRun, code: str) -> dict[str, Any]:
    return provenance.manifest(
        name=world.name,
        run_id=run.run_id,
        scenario_sha256=world.sha256(),
        seed=world.seed,
        started_utc=provenance.utc_now(),
        wall_s=0.0,
        compile_s=0.0,
        kernel_s=0.0,
        simulated_ns=0,
        traders=0,
        counts={},
        residual_by_asset={},
        liquidations_queued={market.id: 0 for market in world.markets if market.kind == "perpetual"},
        markets=[market.id for market in world.markets],
        tables={},
        code=code,
        replication=run.replication,
        cell=run.cell,
        arm=run.arm,
        plugins=plugins_of(world),
    )
