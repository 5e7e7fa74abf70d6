"""Forks or probes of one factual run as a worker's task."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from marketsim.datasets.run import Run
from marketsim.datasets.storage import is_full, storing
from marketsim.datasets.store import write_whole
from marketsim.errors import MarketsimError, ProcessKilledError
from marketsim.experiments.bundles import Bundle
from marketsim.experiments.probe_design import probe_plan
from marketsim.experiments.study_runs import RUNS, run_directory
from marketsim.experiments.task import Receipt, disk_full, error_text
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.study import StudySpec
from marketsim.simulation.forks import ForkPlan, run_forks, windows_around
from marketsim.simulation.probing import run_probes

PROBES = "probes"


@dataclass(frozen=True)
class BundleTask:
    """A bundle to be made. world: of the arm that is forked or probed; identity: the hash of the cell's."""

    bundle: Bundle
    world: Scenario
    spec: StudySpec
    study: Path
    code: str
    identity: str
    again: bool = False
    time_limit: int | None = None

    @property
    def name(self) -> str:
        """That of the bundle."""
        return self.bundle.name

    @property
    def source(self) -> Path:
        """The factual run's directory."""
        return run_directory(self.study, self.bundle.run)

    def perform(self) -> Receipt:
        """Make the bundle here; raises ProcessKilledError where one of its processes was killed."""
        try:
            events = self._fork() if self.bundle.kind == "forks" else self._probe()
            self.bundle.write_note(self.study, self.code, "ok", None)
            return Receipt("ok", None, events)
        except ProcessKilledError:
            raise
        except Exception as error:  # whatever it was is the reason of a failed bundle
            return disk_full(self.study) if is_full(error) else self.fail(error_text(error))

    def fail(self, reason: str) -> Receipt:
        """Leave the note of a bundle that could not be made."""
        try:
            self.bundle.write_note(self.study, self.code, "failed", reason)
        except MarketsimError as error:
            return Receipt("refused", f"{reason}; {error}")
        return Receipt("failed", reason)

    def _fork(self) -> int:
        """Run every arm from the state just before each event; returns their micro events."""
        fork, world, run = self.spec.fork, self.world, self.bundle.run
        assert fork is not None
        instants = decided(self.source, world.clock.warmup) if fork.at == "rebalances" else list(fork.at)
        windows = windows_around(instants, before=fork.before, horizon=fork.horizon, end_ns=world.clock.duration)
        paths = run_forks(
            ForkPlan(
                world,
                windows,
                self.spec.arms,
                self.study / RUNS,
                run.replication,
                run.cell,
                self.source,
                self.identity,
                self.again,
                self.time_limit,
            )
        )
        return sum(int(Run(path).manifest["counts"]["micro_events"]) for path in paths)

    def _probe(self) -> int:
        """Run the probes and write their rows to one file; their micro events are not counted."""
        run = self.bundle.run
        table = probe_table(self.world, self.spec, self.source, run.cell, run.replication)
        folder = self.study / PROBES
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{run.run_id}.parquet", table.write_parquet)
        return 0


def probe_table(world: Scenario, spec: StudySpec, source: Path, cell: int | None, replication: int) -> pl.DataFrame:
    """The probes of a factual run, as a study keeps them: the rows of `run_probes`, with cell and replication."""
    of_run = {"cell": cell, "replication": replication}
    rows = run_probes(probe_plan(world, spec, source, replication))
    told = [{**row, **of_run, "net_change": json.dumps(row["net_change"])} for row in rows]
    return pl.DataFrame(told, infer_schema_length=None)


def decided(source: Path, warmup_ns: int) -> list[int]:
    """The instants at which a run decided rebalances, behind its warm-up [ns]."""
    instants = Run(source).table("rebalances")["t_decide_ns"].unique().sort().to_list()
    return [t_ns for t_ns in instants if t_ns >= warmup_ns]
