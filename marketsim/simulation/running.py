"""From a scenario to a run directory: run it whole, or leave a failed directory that says why, or nothing at all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from marketsim.datasets.run import Run
from marketsim.errors import UsageError
from marketsim.kernel.warm import warm_up
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study import PLACEBOS, ArmSpec
from marketsim.simulation.agents import NO_AGENTS, OwnAgents
from marketsim.simulation.arms import FACTUAL
from marketsim.simulation.model import MarketModel
from marketsim.simulation.run_builder import CrowdingEstimator, ReportWriter, RunBuilder, RunResult
from marketsim.simulation.stepping import ProgressHook


def run(
    scenario: Scenario,
    *,
    out: Path = Path("results"),
    again: bool = False,
    report: ReportWriter | None = None,
    crowding: CrowdingEstimator | None = None,
    progress: ProgressHook | None = None,
    time_limit: int | None = None,
    replication: int = 0,
    arm: ArmSpec = FACTUAL,
    cell: int | None = None,
    folder: Path | None = None,
    source: Path | None = None,
    identity: str | None = None,
    agents: OwnAgents = NO_AGENTS,
) -> RunResult:
    """Run one resolved scenario, with a researcher's own agents if there are any, into one run directory.

    It becomes `<out>/<scenario name>/<run id>`, or `<folder>/<run id>`. arm: the intervention, which is part of the
    run's id; its `set` is already in the scenario. source: the factual run, whose child orders placebo arms send again.
    identity: scenario_sha256 of the world without the arm's `set`. crowding: the manifest's crowding block from the
    directory of a run. report: writes the page of a run directory, called before it gets its place. time_limit: wall
    time [ns]; a run that meets it is kept as failed. A run that fails by itself leaves what it recorded and the reason;
    an interrupted one leaves nothing. Raises ResultError when another version of the code made the run that stands
    there.
    """
    place = out / scenario.name if folder is None else folder
    builder = RunBuilder(
        scenario, replication, arm, cell, place, identity or scenario.sha256(), agents=agents, again=again
    )
    finished = builder.finished()
    if finished is not None:
        return finished
    children = children_of(arm, source)
    compile_s = warm_up(say)
    return builder.build(
        lambda: MarketModel(scenario, replication=replication, arm=arm, children=children),
        report=report,
        crowding=crowding,
        progress=progress,
        limit=time_limit,
        compile_s=compile_s,
    )


def children_of(arm: ArmSpec, source: Path | None) -> list[dict[str, Any]]:
    """The factual run's child orders, where an arm sends them again."""
    if arm.arm not in PLACEBOS:
        return []
    if source is None:
        raise UsageError(f"the arm {arm.id!r} sends the factual run's orders again, and was given none")
    return list(Run(source).table("children").iter_rows(named=True))


def say(text: str) -> None:
    """Tell the person something that takes time."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
