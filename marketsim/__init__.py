"""Simulates leveraged-token issuers, traders and a perpetual-futures market together, in one closed loop.

Only the public names live here; importing them does nothing heavy. The rooms behind them, from the ground up, are
drawn in ARCHITECTURE.md. A room never imports this page: it asks the room that owns the thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marketsim.datasets.run import Run
    from marketsim.experiments import Reproduction, SweptStudy
    from marketsim.scenario import Scenario, load
    from marketsim.simulation import MarketModel, RunResult
    from marketsim.traders.agent import Agent

__all__ = ["Agent", "MarketModel", "Scenario", "load", "reproduce", "run", "sweep"]

__version__: str

_ROOMS = {
    "Agent": "marketsim.traders.agent",
    "MarketModel": "marketsim.simulation",
    "Scenario": "marketsim.scenario",
    "load": "marketsim.scenario",
}


def run(
    scenario: str | Path | Mapping[str, Any] | Scenario,
    *,
    seed: int | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    out: str | Path = "results",
    again: bool = False,
    report: bool = True,
    progress: Callable[[int, int, int], None] | None = None,
    time_limit: str | None = None,
    agents: Sequence[Callable[[MarketModel], object]] = (),
    agents_id: str | None = None,
    cell: int | None = None,
    replication: int | None = None,
    arm: str | None = None,
    live: Callable[[str, Mapping[str, Any]], None] | None = None,
) -> RunResult:
    """Run one scenario and return its run directory; a run that is already there is returned as it stands.

    `scenario` is a file, the name of a shipped scenario (`"marketsim:quickstart"`), a map with the keys of a file, or a
    `Scenario`. `set` overrides values by their path (`{"tokens.BTC3L.aum": "100 MUSDT"}`), each one YAML flow value
    checked by the schema. `again` replaces what is there. `progress(simulated_ns, duration_ns, micro_events)` is called
    about twice a second; `time_limit` is a duration of wall time (`"10min"`). `agents` are called with the model before
    time starts, to make agents of your own (`[lambda model: Predator(model, capital="1 MUSDT")]`); such a run has a
    `run_id` of its own, by their names or by `agents_id`, which a lambda needs, and its `agents.json` has what they
    recorded. `cell`, `replication` and `arm` name one run of the scenario's study, which is made exactly as `sweep`
    makes it; `arm` may be any kind of arm too. `live(table, row)` is called with each row of the slower tables (not
    trades, orders, or quotes by change) as it is recorded. Raises `ScenarioError` with every problem of the scenario.

    >>> done = marketsim.run("marketsim:quickstart", seed=7, set={"tokens.BTC3L.aum": "6 MUSDT"}, report=False)
    >>> done.manifest["status"], done.table("rebalances")["token"].to_list()
    ('ok', ['BTC3L'])
    """
    from marketsim import report as reports
    from marketsim import scenario as scenarios
    from marketsim import simulation
    from marketsim.analysis.crowding.run_crowding import crowding_of_run
    from marketsim.simulation.agents import own_agents
    from marketsim.units import duration_ns

    world, source = scenarios.opened(scenario, set, seed), None
    if (cell, replication, arm) != (None, None, None):
        from marketsim.experiments import run_of_study

        chosen = run_of_study(world, cell=cell, replication=replication, arm=arm)
        world, source = chosen.world, chosen.source
    return simulation.run(
        world,
        source=source,
        out=Path(out),
        again=again,
        report=reports.write_report if report else None,
        crowding=crowding_of_run,
        progress=progress,
        time_limit=None if time_limit is None else duration_ns(time_limit),
        agents=own_agents(agents, agents_id),
        live=live,
    )


def reproduce(
    run: str | Path | Run,
    *,
    agents: Sequence[Callable[[MarketModel], object]] = (),
    data: str | Path | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> Reproduction:
    """Make a stored run again in a temporary place, compare all its content hashes, and say whether all are the same.

    Any run: of every arm, cell and replication of a study, its forks, a run made with `agents`, which have to be given;
    the probes of a study are made again with the run they belong to. `data`: the folder that paths of files of prices
    begin at, where they are not found by themselves. The answer has `is_same`, the names of `differing` tables and
    `first`, the first difference: table, row, column, the stored value and the new one.

    >>> done = marketsim.run("marketsim:quickstart", replication=1, arm="frictionless", report=False)
    >>> again = marketsim.reproduce(done)
    >>> again.is_same, again.first
    (True, None)
    """
    from marketsim import experiments
    from marketsim.datasets.run import Run

    stored = run if isinstance(run, Run) else Run(run)
    folder = None if data is None else Path(data)
    return experiments.reproduce(stored, agents=agents, folder=folder, progress=progress)


def sweep(
    study: str | Path | Mapping[str, Any] | Scenario,
    *,
    workers: int | str = "auto",
    scheduler: str | None = None,
    shard: str | None = None,
    seed: int | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    out: str | Path = "results",
    again: bool = False,
    report: bool = True,
    progress: Callable[[int, int, int, int, float], None] | None = None,
    time_limit: str | None = None,
    memory_limit: str | None = None,
) -> SweptStudy:
    """Run all cells, replications and arms of a study that are not there yet, and return the study.

    `workers` processes of this machine (`auto`: one for each core), or those of the Dask `scheduler` at an address;
    `shard` "I/N" makes the I-th of N parts. A failed run is kept and listed (`failures()`), and neither it nor what
    other code made is rerun unless `again`. `progress(done, failed, total, micro_events, memory_mb)` is called
    after each run; a run that meets `time_limit` ("10min") or `memory_limit` ("2 GB") is kept as failed. When every run
    of the study is there its effects are computed and (`report`) its page is written.
    Raises `ScenarioError` for an impossible cell, `SweepStoppedError` where the disk is full: nothing finished is lost,
    and calling it again continues.

    >>> study = marketsim.sweep(
    ...     "marketsim:quickstart_study",
    ...     workers=2,
    ...     set={"study.replications": 1, "study.over": {"tokens.BTC3L.aum": ["8 MUSDT"]}},
    ...     report=False,
    ... )
    >>> study.runs().select("arm", "status").rows()
    [('factual', 'ok'), ('frictionless', 'ok')]
    """
    from marketsim import experiments
    from marketsim import scenario as scenarios
    from marketsim.analysis.study_tables import check_registered
    from marketsim.experiments.cells import lay_out_cells

    scenario = scenarios.opened(study, set, seed)
    check_registered(scenario, len(lay_out_cells(scenario)))
    return experiments.sweep(
        scenario,
        out=Path(out),
        workers=workers,
        scheduler=scheduler,
        shard=None if shard is None else experiments.Shard.read(shard),
        again=again,
        limits=experiments.Limits.read(time=time_limit, memory=memory_limit),
        progress=progress,
        effects=_write_effects,
        report=_write_study_report if report else None,
    )


def _write_study_report(study: SweptStudy) -> None:
    from marketsim.report import write_study_report

    write_study_report(study.path)


def _write_effects(study: SweptStudy) -> None:
    from marketsim.analysis.study_tables import write_study_tables

    write_study_tables(study)


def __getattr__(name: str) -> object:
    """Fetch a public name from its room when it is first asked for."""
    if name == "__version__":
        from importlib.metadata import version

        return version("marketsim-lab")
    if name in _ROOMS:
        return getattr(import_module(_ROOMS[name]), name)
    raise AttributeError(f"module 'marketsim' has no attribute {name!r}; its public names are {', '.join(__all__)}")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted([*__all__, "__version__"])
