"""What a sweep will cost, estimated before it runs from one run: a finished one, or a short pilot."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from marketsim.datasets import provenance
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study, study_folder
from marketsim.experiments.design import Plan, plan_study, whole_arms, world_of
from marketsim.experiments.one_run import refuse_run_of_study
from marketsim.experiments.pilot_study import pilot_of
from marketsim.experiments.runner import worker_count
from marketsim.experiments.shard import Shard
from marketsim.experiments.study_runs import MISSING, RUNS, run_directory, states
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study import study_of

Power = Callable[[Study, int, str | None], list[dict[str, Any]]]
"""What a study will find, told from a pilot, for a number of replications and a primary outcome."""

PILOT_NS = 20 * 10**9
"""Wall time a pilot may take; one that meets it is scaled up to the run's end."""


@dataclass(frozen=True)
class Forecast:
    """What a sweep consists of, and what is left of it will take: seconds and bytes of all of it, memory at once.

    pilot: the run it is estimated from, and the share of its time that was simulated. power: what the study will find,
    told from the finished pairs of `power_pilot`, itself or a smaller one of the same worlds, where there is one.
    """

    path: str
    cells: int
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
    else its first run, made aside for at most 20 s of wall time. Cells that cost more than others are not foreseen.
    power: estimates from a pilot what a study with so many replications and this primary outcome will find.
    """
    refuse_run_of_study(scenario, "forecast the study's own file")
    plan, code, folder = plan_study(scenario), provenance.code_here(), study_folder(out, scenario)
    mine = {run.run_id: run for run in (shard or Shard()).part(plan.runs)}
    found = states(folder, mine.values(), code)
    number, counted = worker_count(workers), Counter(found.values())
    finished = next((run for run, state in found.items() if state == "done"), None)
    pilot = "a short run" if finished is None else "a finished run"
    manifest = _short_run(plan) if finished is None else Run(run_directory(folder, finished)).manifest
    missing = sum(counted[state] for state in MISSING)
    share = max(manifest["simulated_ns"] / scenario.clock.duration, 1e-9)
    at_once, declared = min(number, max(missing, 1)), study_of(scenario.study)
    pairs = None if power is None else pilot_of(scenario, out)
    return Forecast(
        path=str(folder),
        cells=len(plan.cells),
        runs=len(found),
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
    )


def _short_run(plan: Plan) -> Mapping[str, Any]:
    """The manifest of the plan's first run, made aside and thrown away."""
    from marketsim.simulation.running import run

    arm = whole_arms(study_of(plan.scenario.study))[0]
    with tempfile.TemporaryDirectory(prefix="marketsim-pilot-") as aside:
        world = world_of(plan.scenario, plan.cells[0], arm)
        return run(world, folder=Path(aside) / RUNS, arm=arm, time_limit=PILOT_NS).manifest


def _bytes_of(manifest: Mapping[str, Any]) -> int:
    return sum(int(table["bytes"]) for table in manifest["tables"].values())
