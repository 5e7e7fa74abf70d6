"""A sweep: what of a study is due is made by workers, and what stands in the folder afterwards is counted.

A finished run is a renamed directory, so killing anything at any moment loses at most the runs under way, and starting
again continues. Placebo arms wait for the factual run of their cell and replication, whose orders they send again.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from marketsim.datasets import provenance
from marketsim.datasets.store import remove_stale
from marketsim.datasets.study import Study, create_study
from marketsim.errors import EnvironmentLackError, SweepStoppedError, UsageError
from marketsim.experiments.agenda import Agenda, Item
from marketsim.experiments.bundles import Bundle, BundleOrder, bundles_of, leave_bundle, perform_bundle, read_note
from marketsim.experiments.bundles import standing as bundle_standing
from marketsim.experiments.design import Plan, PlannedRun, plan_study, whole_arms, world_of
from marketsim.experiments.engine import Cluster, Outcome, Task, cores, share_of_memory
from marketsim.experiments.ledger import RUNS, Entry, Shard, due, look_up, reason_of
from marketsim.experiments.limits import Limits
from marketsim.experiments.order import Answer, Order, leave, perform
from marketsim.kernel import is_warm
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study import PLACEBOS, ArmSpec, study_of
from marketsim.simulation.arms import FACTUAL

SOFT_SHARE = 0.85  # of a worker's memory: there a run is ended with its reason, before the system ends the worker
KEPT_WORLDS = 64

Progress = Callable[[int, int, int, int, float], None]


class SweptStudy(Study):
    """A study as a sweep left it.

    counts: `cells`; `runs`, `done`, `failed` and `missing` of this shard; `made`, those done or failed by this sweep.
    failed_runs: each with its reason. is_complete: every run of the study, other shards' too, is done or failed.
    """

    def __init__(self, path: Path, entries: Sequence[Entry], made: int, is_complete: bool, cells: int) -> None:
        super().__init__(path)
        found = Counter(entry.found for entry in entries)
        self.counts = {
            "cells": cells,
            "runs": len(entries),
            "done": found["done"],
            "failed": found["failed"],
            "missing": found["absent"] + found["other code"],
            "made": made,
        }
        self.failed_runs = [
            {**vars(entry.run), "reason": reason_of(entry), "path": str(entry.path)}
            for entry in entries
            if entry.found == "failed"
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
    progress: Progress | None = None,
    effects: Finish | None = None,
    report: Finish | None = None,
) -> SweptStudy:
    """Make every run of a study (of a shard of it) that is not there yet.

    workers: processes on this machine, `auto` = one for each core; scheduler: an existing Dask scheduler instead.
    again: makes anew what failed or was made by other code. progress(done, failed, total, micro_events, memory_mb) is
    told after each run. effects, report: called with the study when every run of it, other shards' too, is done or
    failed.
    Raises `ScenarioError` for a cell that is impossible, `ResultError` where other code began the study, and
    `SweepStoppedError` where the disk is full or the workers are gone.
    """
    if scenario.study is None:
        raise UsageError("this scenario has no study; `marketsim run` runs it, a block `study` makes it one")
    wished = worker_count(workers)
    plan, code = plan_study(scenario), provenance.code_here()
    study = create_study(out, scenario, plan.design_table(), plan.run_table(), code, again=again)
    remove_stale(study.path / RUNS)
    mine = (shard or Shard()).part(plan.runs)
    making = _Making(plan, study.path, mine, code, again, limits or Limits(), progress)
    try:
        making.do(lambda tasks: _open_cluster(min(wished, tasks), scheduler, making.limits))
    finally:
        remove_stale(study.path / RUNS)
    everything = look_up(study.path, plan.runs, code)
    bundles = bundles_of(study.spec, plan.runs)
    is_complete = all(entry.found in ("done", "failed") for entry in everything)
    is_complete = is_complete and all(bundle_standing(study.path, bundle, code) for bundle in bundles)
    swept = SweptStudy(study.path, look_up(study.path, mine, code), making.made, is_complete, len(plan.cells))
    swept.take_bundles([note for bundle in bundles if (note := read_note(study.path, bundle)) is not None])
    if making.trouble is not None:
        counts = swept.counts
        raise SweepStoppedError(
            f"{making.trouble}; {counts['done']} of {counts['runs']} runs are done and kept, "
            f"{counts['missing']} are missing: start the same sweep again to continue",
            swept,
        )
    if is_complete and (making.made or not (study.path / "effects.parquet").is_file()):
        for finish in (effects, report):
            if finish is not None:
                finish(swept)
    return swept


def worker_count(workers: int | str) -> int:
    """How many workers are meant; raises `UsageError` for anything but a number from 1 or `auto`."""
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
        from marketsim.simulation.running import say

        warm_up(say)
    return Cluster.local(workers, int(limits.memory / SOFT_SHARE) if limits.memory else share_of_memory(workers))


def source_of(arm: ArmSpec, arms: Sequence[ArmSpec]) -> ArmSpec | None:
    """The factual arm whose orders a placebo sends again: of the same world where there is one; None for other arms."""
    if arm.arm not in PLACEBOS:
        return None
    factual = [each for each in arms if each.arm == "factual"]
    same = [each for each in factual if each.set == arm.set]
    return (same or factual)[0]


class _Worlds:
    """The scenarios of cells and arms, the last used ones kept: an arm that sets nothing has its cell's."""

    def __init__(self, plan: Plan) -> None:
        self._scenario = plan.scenario
        self._cells = {cell.number: cell for cell in plan.cells}
        self._kept: OrderedDict[tuple[int, str], Scenario] = OrderedDict()

    def of(self, cell: int, arm: ArmSpec = FACTUAL) -> Scenario:
        key = cell, arm.id if arm.set else ""
        if key not in self._kept:
            self._kept[key] = world_of(self._scenario, self._cells[cell], arm)
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT_WORLDS:
            self._kept.popitem(last=False)
        return self._kept[key]


class _Making:
    """The runs of a sweep on their way."""

    def __init__(
        self,
        plan: Plan,
        study: Path,
        mine: Sequence[PlannedRun],
        code: str,
        again: bool,
        limits: Limits,
        progress: Progress | None,
    ) -> None:
        self.study, self.code, self.again, self.limits, self.progress = study, code, again, limits, progress
        self.worlds, self.spec = _Worlds(plan), study_of(plan.scenario.study)
        self.arms = {arm.id: arm for arm in whole_arms(study_of(plan.scenario.study))}
        self.ids = {(run.cell, run.replication, run.arm): run.run_id for run in mine}
        entries = {entry.run.run_id: entry for entry in look_up(study, mine, code)}
        self.due = {run.run_id: run for run in due(list(entries.values()), again=again)}
        standing = {name: entry.found == "done" for name, entry in entries.items() if name not in self.due}
        self.bundles = []
        for bundle in bundles_of(self.spec, {run.run_id: run for run in mine}.values()):
            found = bundle_standing(study, bundle, code)
            if found == "ok" or (found == "failed" and not again):
                standing[bundle.name] = found == "ok"
            else:
                self.bundles.append(bundle)
        items = [self._item(run) for run in self.due.values()] + [self._bundle(bundle) for bundle in self.bundles]
        self.agenda = Agenda(items, standing)
        total = len(standing) + len(items)
        self.tally = Counter({"total": total, "done": sum(standing.values())})
        self.tally["failed"] = len(standing) - self.tally["done"]
        self.made = 0
        self.memory_mb: dict[str, float] = {}
        self.memory_limit: int | None = None
        self.trouble: str | None = None

    def do(self, open_cluster: Callable[[int], Cluster]) -> None:
        """Make what is due; `trouble` says why it could not go on, if so."""
        self._leave_lost()
        if not self.due and not self.bundles:
            return
        with open_cluster(len(self.due) + len(self.bundles)) as cluster:
            self.memory_limit = self.limits.memory or int(SOFT_SHARE * cluster.memory) or None
            self._tell()
            try:
                for outcome in cluster.outcomes(self._next):
                    self._settle(outcome)
            except EnvironmentLackError as error:
                self.trouble = str(error)

    def _next(self) -> Task | None:
        item = self.agenda.next()
        return None if item is None else item.task()

    def _settle(self, outcome: Outcome) -> None:
        """Count what became of a task; a dead one leaves a failed run, one that was refused stops the sweep."""
        item = self.agenda.items[outcome.name]
        if outcome.is_dead:
            answer = item.leave(f"{outcome.deaths} workers died while they ran it: killed, or out of memory")
        elif outcome.error is not None:
            answer = item.leave(f"{type(outcome.error).__name__}: {outcome.error}")
        else:
            answer = outcome.value
        if outcome.worker:
            self.memory_mb[outcome.worker] = outcome.memory_mb
        self._count(item.name, answer)
        self._leave_lost()
        self._tell()

    def _count(self, name: str, answer: Answer) -> None:
        if answer.status == "refused":
            self.trouble = self.trouble or answer.reason
            self.agenda.stop()
            return
        self.made += 1
        self.tally["done" if answer.status == "ok" else "failed"] += 1
        self.tally["events"] += answer.micro_events
        self.agenda.settle(name, is_done=answer.status == "ok")

    def _leave_lost(self) -> None:
        while lost := self.agenda.lost():
            for item in lost:
                self._count(item.name, item.leave(f"the factual run {item.after}, which it comes after, failed"))

    def _tell(self) -> None:
        if self.progress is not None:
            tally = self.tally
            self.progress(tally["done"], tally["failed"], tally["total"], tally["events"], sum(self.memory_mb.values()))

    def _bundle(self, bundle: Bundle) -> Item:
        run = bundle.run

        def order() -> BundleOrder:
            return BundleOrder(
                bundle, self.worlds.of(run.cell, self.arms[run.arm]), self.spec, self.study, self.code,
                self.worlds.of(run.cell).sha256(), self.again, self.limits.time,
            )  # fmt: skip

        return Item(
            bundle.name,
            lambda: Task(bundle.name, perform_bundle, (order(),)),
            lambda reason: leave_bundle(order(), reason),
            run.run_id,
        )

    def _item(self, run: PlannedRun) -> Item:
        source = source_of(self.arms[run.arm], list(self.arms.values()))
        after = None if source is None else self.ids[run.cell, run.replication, source.id]
        return Item(
            run.run_id,
            lambda: Task(run.run_id, perform, (self._order(run, after),)),
            lambda reason: leave(self._order(run, after), reason),
            after,
        )

    def _order(self, run: PlannedRun, after: str | None) -> Order:
        arm = self.arms[run.arm]
        return Order(
            world=self.worlds.of(run.cell, arm),
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
