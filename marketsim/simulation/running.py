"""From a scenario to a run directory: run it whole, or leave a failed directory that says why, or nothing at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from marketsim.datasets.recorder import RowHook
from marketsim.datasets.run import Run
from marketsim.datasets.store import remove_stale
from marketsim.errors import ResultError, UsageError
from marketsim.kernel.warm import warm_up
from marketsim.scenario.run_block import RunSpec
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import PLACEBOS, ArmSpec
from marketsim.simulation.agents import NO_AGENTS, OwnAgents
from marketsim.simulation.arms import FACTUAL, apply
from marketsim.simulation.model import MarketModel
from marketsim.simulation.run_builder import CrowdingEstimator, ForkWindow, ReportWriter, RunBuilder, RunResult
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
    replication: int | None = None,
    arm: ArmSpec | None = None,
    cell: int | None = None,
    folder: Path | None = None,
    source: Path | Scenario | None = None,
    identity: str | None = None,
    agents: OwnAgents = NO_AGENTS,
    live: RowHook | None = None,
) -> RunResult:
    """Run one resolved scenario, with a researcher's own agents if there are any, into one run directory.

    It becomes `<out>/<scenario name>/<run id>`, or `<folder>/<run id>`. replication, arm, cell: which run of the world;
    absent, what the scenario's block `run` says, else the first draw of the factual world. arm: the intervention, which
    is part of the run's id; its `set` is already in the scenario. source: the factual run, whose child orders placebo
    arms send again, or the world of one; absent, the scenario's own is run for them. identity: scenario_sha256 of the
    world without the arm's `set`. crowding: the manifest's crowding block from the directory of a run. report: writes
    the page of a run directory, called before it gets its place. time_limit: wall time [ns]; a run that meets it is
    kept as failed. live: told of each row of the slower tables as it is recorded, which changes nothing in them. A run
    that fails by itself leaves what it recorded and the reason; an interrupted one leaves
    nothing. Raises ResultError when another version of the code made the run that stands there.
    """
    declared = scenario.run or RunSpec()
    check_agents(declared, agents)
    builder = RunBuilder(
        scenario,
        declared.replication if replication is None else replication,
        declared.arm if arm is None else arm,
        declared.cell if cell is None else cell,
        out / scenario.name if folder is None else folder,
        identity or declared.cell_sha256 or scenario.sha256(),
        None if declared.fork is None else ForkWindow.of(declared.fork),
        agents,
        again,
    )
    finished = builder.finished()
    if finished is not None:
        remove_stale(finished.path)
        return finished
    try:
        compile_s = warm_up(say)
        with factual_run(builder, source, progress) as place:
            children = children_of(builder.arm, place)
        return builder.build(
            lambda: open_world(builder, children),
            report=report,
            crowding=crowding,
            progress=progress,
            limit=time_limit,
            compile_s=compile_s,
            live=live,
        )
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(*(stop.args or (_left(builder),))) from None


def _left(builder: RunBuilder) -> str:
    """What an interrupted run has left."""
    found, place = builder.find()
    if found == "done":
        return f"the run is finished and kept in {place}"
    return "the run was not finished and leaves nothing"


def open_world(builder: RunBuilder, children: list[dict[str, Any]], world: MarketModel | None = None) -> MarketModel:
    """The model of a run as it begins: of a fork, the factual world at its instant, with the arm beginning there.

    world: a model of the factual world that stands at the fork's instant or before; absent, one is made.
    """
    window, replication = builder.window, builder.replication
    if window is None:
        return MarketModel(builder.scenario, replication=replication, arm=builder.arm, children=children)
    model = world or MarketModel(builder.scenario, replication=replication, arm=FACTUAL)
    if model.env.now < window.from_ns:
        model.env.run_before(window.from_ns)
    apply(model, builder.arm, children)
    model.env.end_ns = window.until_ns
    return model


@contextmanager
def factual_run(
    builder: RunBuilder, source: Path | Scenario | None, progress: ProgressHook | None
) -> Iterator[Path | None]:
    """The directory of the run whose orders a placebo sends again, made for as long as it is needed; None for others.

    Raises UsageError where it is of another world, which is not given.
    """
    if builder.arm.arm not in PLACEBOS or isinstance(source, Path):
        yield source if isinstance(source, Path) else None
        return
    world = builder.scenario if source is None else source
    wanted = builder.block.source_sha256
    if wanted not in (None, world.sha256()):
        raise UsageError(
            f"the arm {builder.arm.id!r} sends again the orders of a run of another world ({wanted[:16]}..), which a "
            "scenario file has not; `run STUDY --cell --replication --arm` makes both, `reproduce` where they stand"
        )
    say(f"the arm {builder.arm.id} sends the factual run's orders again: making that first")
    with TemporaryDirectory(prefix="marketsim-") as folder:
        made = run(
            world.model_copy(update={"run": None}),
            folder=Path(folder),
            replication=builder.replication,
            progress=progress,
        )
        if made.manifest["status"] != "ok":
            raise ResultError(
                f"the factual run, which the arm {builder.arm.id!r} comes after, failed: {made.manifest['reason']}"
            )
        yield made.path


def check_agents(declared: RunSpec, agents: OwnAgents) -> None:
    """Raise UsageError where a stored scenario was run with agents and none are given."""
    if declared.agents and not agents.factories:
        raise UsageError(
            f"this run was made with agents ({', '.join(declared.agents)}), which are Python and stand in no file; "
            "give them in Python: marketsim.run(.., agents=[..]) or marketsim.reproduce(.., agents=[..])"
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
