"""A sweep: workers make the missing runs of a study, and what is in its folder afterwards is counted.

A finished run is a renamed directory, so killing anything at any moment loses at most the runs under way, and starting
again continues. Placebo arms wait for the factual run of their cell and replication, whose orders they send again.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from marketsim.datasets import provenance
from marketsim.datasets.registration import wait_until_past
from marketsim.datasets.store import Found, remove_stale
from marketsim.datasets.study import Study, create_study
from marketsim.errors import EnvironmentLackError, SweepStoppedError, UsageError
from marketsim.experiments.bundle_task import PROBES, BundleTask
from marketsim.experiments.bundles import BUNDLES, Bundle, bundles_of
from marketsim.experiments.cells import lay_out_cells, world_of
from marketsim.experiments.design import Plan, PlannedRun, plan_study, whole_arms
from marketsim.experiments.engine import Cluster, cores, share_of_memory
from marketsim.experiments.given_files import keep_given_files
from marketsim.experiments.limits import Limits
from marketsim.experiments.one_run import as_run, check_is_study, source_of
from marketsim.experiments.probe_design import probe_arm
from marketsim.experiments.run_task import RunTask
from marketsim.experiments.shard import Shard
from marketsim.experiments.study_runs import MISSING, RUNS, due, reason_of, run_directory, states
from marketsim.experiments.task import Receipt, Task
from marketsim.experiments.task_queue import TaskQueue
from marketsim.kernel import is_warm
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from marketsim.scenario.study.study import study_of
from marketsim.simulation.arms import FACTUAL
from marketsim.simulation.running import say

SOFT_SHARE = 0.85  # of a worker's memory: there a run is ended with its reason, before the system ends the worker
KEPT_WORLDS = 64
MANY_CELLS = 500  # some 20 ms each

ProgressHook = Callable[[int, int, int, int, float], None]
"""Called after each run with (done, failed, total, micro_events, memory_mb)."""


class SweptStudy(Study):
    """A study as a sweep left it.

    counts: `cells`; `runs`, `done`, `failed` and `missing` of this shard; `made`, those done or failed by this sweep.
    failed_runs: each with its reason. is_complete: every run of the study, other shards' too, is done or failed.
    """

    def __init__(self, path: Path, found: Mapping[PlannedRun, Found], made: int, is_complete: bool, cells: int) -> None:
        super().__init__(path)
        number = Counter(found.values())
        self.counts = {
            "cells": cells,
            "runs": len(found),
            "done": number["done"],
            "failed": number["failed"],
            "missing": sum(number[state] for state in MISSING),
            "made": made,
        }
        self.failed_runs = [
            {**vars(run), "reason": reason_of(path, run), "path": str(run_directory(path, run))}
            for run, state in found.items()
            if state == "failed"
        ]
        self.is_complete = is_complete

    def take_bundles(self, notes: Sequence[dict[str, Any]]) -> None:
        """Count bundles of forks and probes too, and list those that failed with their reason."""
        self.counts["bundles"] = len(notes)
        for note in notes:
            if note["status"] == "failed":
                keys = ("cell", "replication", "kind", "reason")
                self.failed_runs.append(
                    {**{key: note[key] for key in keys}, "arm": note["kind"], "run_id": note["factual"], "path": None}
                )


Finish = Callable[[SweptStudy], Any]


def sweep(
    scenario: Scenario,
    *,
    out: Path = Path("results"),
    workers: int | str = "auto",
    scheduler: str | None = None,
    shard: Shard | None = None,
    again: bool = False,
    limits: Limits | None = None,
    progress: ProgressHook | None = None,
    effects: Finish | None = None,
    report: Finish | None = None,
) -> SweptStudy:
    """Make every run of a study (of a shard of it) that is not there yet.

    workers: processes on this machine, `auto` = one for each core; scheduler: an existing Dask scheduler instead.
    again: reruns what failed or was made by other code. progress(done, failed, total, micro_events, memory_mb) is
    called after each run. effects, report: called with the study when every run of it, other shards' too, is done or
    failed.
    Raises `ScenarioError` for a cell that is impossible, `ResultError` where other code began the study, and
    `SweepStoppedError` where the disk is full or the workers are gone.
    """
    check_is_study(scenario)
    wished = worker_count(workers)
    if (cells := len(lay_out_cells(scenario))) > MANY_CELLS:
        say(f"checking the worlds of {cells:,} cells before anything runs")
    plan, code = plan_study(scenario), provenance.code_here()
    study = create_study(out, scenario, plan.design_table(), plan.run_table(), code, again=again)
    keep_given_files(scenario, study.path)
    wait_until_past(study.registration)
    for folder in (study.path, *(study.path / name for name in (RUNS, BUNDLES, PROBES))):
        remove_stale(folder)
    mine = (shard or Shard()).part(plan.runs)
    under_way = _Sweep(plan, study.path, mine, code, again, limits or Limits(), progress)
    try:
        under_way.make(lambda tasks: _open_cluster(min(wished, tasks), scheduler, under_way.limits))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(under_way.kept()) from None
    finally:
        remove_stale(study.path / RUNS)
    bundles = bundles_of(study.spec, plan.runs)
    is_complete = all(state in ("done", "failed") for state in states(study.path, plan.runs, code).values())
    is_complete = is_complete and all(bundle.status(study.path, code) for bundle in bundles)
    found = states(study.path, mine, code)
    swept = SweptStudy(study.path, found, under_way.made, is_complete, len(plan.cells))
    swept.take_bundles([note for bundle in bundles if (note := bundle.note(study.path)) is not None])
    if under_way.trouble is not None:
        counts = swept.counts
        raise SweepStoppedError(
            f"{under_way.trouble}; {counts['done']} of {counts['runs']} runs are done and kept, "
            f"{counts['missing']} are missing: start the same sweep again to continue",
            swept,
        )
    if is_complete:
        _finish(swept, effects, report, is_new=bool(under_way.made))
    return swept


def _finish(swept: SweptStudy, effects: Finish | None, report: Finish | None, *, is_new: bool) -> None:
    """Compute the effects of a whole study and write its page, where they are not there or something was made."""
    try:
        for finish, name in ((effects, "effects.parquet"), (report, "report.html")):
            if finish is not None and (is_new or not (swept.path / name).is_file()):
                finish(swept)
                is_new = True
    except KeyboardInterrupt:
        raise KeyboardInterrupt("all runs are done and kept: start the same sweep again to continue") from None


def worker_count(workers: int | str) -> int:
    """The number of workers that was asked for; raises `UsageError` for anything but a number from 1 or `auto`."""
    if workers == "auto":
        return cores()
    try:
        number = int(workers)
    except ValueError:
        number = 0
    if number < 1:
        raise UsageError(f"workers: was {workers!r}; allowed: auto, or a number from 1")
    return number


def _open_cluster(workers: int, scheduler: str | None, limits: Limits) -> Cluster:
    if scheduler is not None:
        return Cluster.at(scheduler)
    if not is_warm():  # compiled once, here: every worker then finds it in the cache
        from marketsim.kernel.warm import warm_up

        warm_up(say)
    return Cluster.local(workers, int(limits.memory / SOFT_SHARE) if limits.memory else share_of_memory(workers))


class _Worlds:
    """The scenarios of cells and arms, the last used ones kept: an arm that sets nothing has its cell's."""

    def __init__(self, plan: Plan) -> None:
        self._scenario = plan.scenario
        self.cells = {cell.number: cell for cell in plan.cells}
        self._kept: OrderedDict[tuple[int, str], Scenario] = OrderedDict()

    def of(self, cell: int, arm: ArmSpec = FACTUAL) -> Scenario:
        key = cell, arm.id if arm.set else ""
        if key not in self._kept:
            self._kept[key] = world_of(self._scenario, self.cells[cell], arm)
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT_WORLDS:
            self._kept.popitem(last=False)
        return self._kept[key]


class _Sweep:
    """The runs and bundles of a sweep that is under way. `trouble` says why it could not go on, if so."""

    def __init__(
        self,
        plan: Plan,
        study: Path,
        mine: Sequence[PlannedRun],
        code: str,
        again: bool,
        limits: Limits,
        progress: ProgressHook | None,
    ) -> None:
        self.study, self.code, self.again, self.limits, self.progress = study, code, again, limits, progress
        self.worlds, self.spec = _Worlds(plan), study_of(plan.scenario.study)
        self.arms = {arm.id: arm for arm in whole_arms(self.spec)}
        self.ids = {(run.cell, run.replication, run.arm): run.run_id for run in mine}
        found = states(study, mine, code)
        runs = {run.run_id: run for run in due(study, found, again=again)}
        finished = {run.run_id: state == "done" for run, state in found.items() if run.run_id not in runs}
        self.missing: dict[str, PlannedRun | Bundle] = dict(runs)
        for bundle in bundles_of(self.spec, {run.run_id: run for run in mine}.values()):
            status = bundle.status(study, code)
            if status == "ok" or (status == "failed" and not again):
                finished[bundle.name] = status == "ok"
            else:
                self.missing[bundle.name] = bundle
        self.queue = TaskQueue({name: self._after(planned) for name, planned in self.missing.items()}, finished)
        self.tally = Counter({"total": len(finished) + len(self.missing), "done": sum(finished.values())})
        self.tally["failed"] = len(finished) - self.tally["done"]
        self.made = 0
        self.memory_mb: dict[str, float] = {}
        self.memory_limit: int | None = None
        self.trouble: str | None = None

    def make(self, open_cluster: Callable[[int], Cluster]) -> None:
        """Make what is missing."""
        self._leave_lost()
        if not self.missing:
            return
        with open_cluster(len(self.missing)) as cluster:
            self.memory_limit = self.limits.memory or int(SOFT_SHARE * cluster.memory) or None
            self._report_progress()
            try:
                for receipt in cluster.receipts(self._next):
                    self._settle(receipt)
            except EnvironmentLackError as error:
                self.trouble = str(error)

    def kept(self) -> str:
        """What is there and stays when this ends now."""
        done, total = self.tally["done"], self.tally["total"]
        return f"{done:,} of {total:,} runs are done and kept: start the same sweep again to continue"

    def _next(self) -> Task | None:
        name = self.queue.next()
        return None if name is None else self._task(name)

    def _settle(self, receipt: Receipt) -> None:
        """Count what came of a task; one that was refused stops the sweep."""
        if receipt.worker:
            self.memory_mb[receipt.worker] = receipt.memory_mb
        self._count(receipt.task, receipt)
        self._leave_lost()
        self._report_progress()

    def _count(self, name: str, receipt: Receipt) -> None:
        if receipt.status == "refused":
            self.trouble = self.trouble or receipt.reason
            self.queue.stop()
            return
        self.made += 1
        self.tally["done" if receipt.status == "ok" else "failed"] += 1
        self.tally["events"] += receipt.micro_events
        self.queue.settle(name, is_done=receipt.status == "ok")

    def _leave_lost(self) -> None:
        """Leave as failed what came after a run that failed."""
        while lost := self.queue.take_lost():
            for name, after in lost:
                self._count(name, self._task(name).fail(f"the factual run {after}, which it comes after, failed"))

    def _report_progress(self) -> None:
        if self.progress is not None:
            tally = self.tally
            self.progress(tally["done"], tally["failed"], tally["total"], tally["events"], sum(self.memory_mb.values()))

    def _after(self, planned: PlannedRun | Bundle) -> str | None:
        """The run that has to be finished first."""
        if isinstance(planned, Bundle):
            return planned.run.run_id
        source = source_of(self.arms[planned.arm], list(self.arms.values()))
        return None if source is None else self.ids[planned.cell, planned.replication, source.id]

    def _task(self, name: str) -> Task:
        """A task, made when its turn comes: the worlds of a whole study would fill the memory."""
        planned = self.missing[name]
        return self._bundle_task(planned) if isinstance(planned, Bundle) else self._run_task(planned)

    def _bundle_task(self, bundle: Bundle) -> BundleTask:
        run = bundle.run
        arm = probe_arm(self.spec) if bundle.kind == "probes" else self.arms[run.arm]
        return BundleTask(
            bundle=bundle,
            world=as_run(self.worlds.of(run.cell, arm), self.worlds.cells[run.cell]),
            spec=self.spec,
            study=self.study,
            code=self.code,
            identity=self.worlds.of(run.cell).sha256(),
            again=self.again,
            time_limit=self.limits.time,
        )

    def _run_task(self, run: PlannedRun) -> RunTask:
        arm, after = self.arms[run.arm], self._after(run)
        world, sends_again = self.worlds.of(run.cell, arm), source_of(arm, list(self.arms.values()))
        source = None if sends_again is None else self.worlds.of(run.cell, sends_again)
        return RunTask(
            world=as_run(world, self.worlds.cells[run.cell], source),
            run=run,
            arm=arm,
            study=self.study,
            code=self.code,
            identity=self.worlds.of(run.cell).sha256(),
            source=None if after is None else self.study / RUNS / after,
            again=self.again,
            time_limit=self.limits.time,
            memory_limit=self.memory_limit,
        )
