"""A sweep makes every run exactly once, whatever ends in between, and counts what failed."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from marketsim.cli import main
from marketsim.datasets import writer
from marketsim.datasets.store import write_whole
from marketsim.errors import ResultError, ScenarioError, SweepStoppedError, UsageError
from marketsim.experiments import Limits, Shard, SweptStudy, forecast, runner, sweep
from marketsim.experiments.engine import fail_dead
from marketsim.experiments.one_run import source_of
from marketsim.experiments.runner import worker_count
from marketsim.experiments.task import Receipt, Task
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from tests.experiments.sample_tasks import RunKilledOnce
from tests.experiments.studies import contents, left_over, manifests, study, text

STUDY = study()


class Here:
    """Does the tasks in this process, one after the other, as a cluster would."""

    def __init__(self, interrupt_after: int | None = None, dead: str = "", memory: int = 0) -> None:
        self.interrupt_after, self.dead, self.memory, self.names = interrupt_after, dead, memory, list[str]()

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def receipts(self, take: Callable[[], Task | None]) -> Iterator[Receipt]:
        while (task := take()) is not None:
            if len(self.names) == self.interrupt_after:
                raise KeyboardInterrupt
            self.names.append(task.name)
            receipt = fail_dead(task) if task.name == self.dead else task.perform()
            yield replace(receipt, task=task.name, worker="here", memory_mb=300.0)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Here:
    return work_in(monkeypatch, Here())


def work_in(monkeypatch: pytest.MonkeyPatch, cluster: Here) -> Here:
    monkeypatch.setattr(runner, "_open_cluster", lambda *_: cluster)
    return cluster


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SweptStudy:
    """The study swept at once by two workers."""
    return sweep(STUDY, out=tmp_path_factory.mktemp("whole"), workers=2)


def test_every_run_of_the_plan_is_made_once_with_its_cell_and_arm(whole: SweptStudy) -> None:
    assert whole.counts == {"cells": 2, "runs": 8, "done": 8, "failed": 0, "missing": 0, "made": 8, "bundles": 0}
    assert whole.is_complete
    runs = whole.runs()
    assert runs["status"].to_list() == ["ok"] * 8
    assert runs.select("cell", "replication", "arm").unique().height == 8
    assert manifests(whole.path).keys() == set(whole.plan()["run_id"])
    assert left_over(whole.path) == []


def test_a_run_is_missing_that_is_absent_damaged_or_of_other_code(whole: SweptStudy) -> None:
    states = ("absent", "damaged", "other code", "absent", "done", "done")
    found = dict(zip(runner.plan_study(STUDY).runs, states, strict=False))
    counts = SweptStudy(whole.path, found, 0, False, 2).counts
    assert (counts["runs"], counts["done"], counts["failed"], counts["missing"]) == (6, 2, 0, 4)


def test_runs_of_workers_are_those_of_this_process(whole: SweptStudy, here: Here, tmp_path: Path) -> None:
    assert contents(sweep(STUDY, out=tmp_path).path) == contents(whole.path)


def test_a_finished_study_is_left_as_it_is(whole: SweptStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_open_cluster", lambda *_: pytest.fail("nothing is due"))
    swept = sweep(STUDY, out=whole.path.parent.parent)
    assert swept.counts == {**whole.counts, "made": 0}


def test_two_shards_in_one_folder_make_what_one_sweep_makes(whole: SweptStudy, here: Here, tmp_path: Path) -> None:
    finished: list[str] = []
    parts = [
        sweep(STUDY, out=tmp_path, shard=Shard(i, 2), effects=lambda done, i=i: finished.append(f"by {i}"))
        for i in range(2)
    ]
    assert [part.counts["runs"] for part in parts] == [4, 4]
    assert [part.is_complete for part in parts] == [False, True]
    assert finished == ["by 1"]
    assert contents(parts[0].path) == contents(whole.path)


def test_another_cell_changes_no_other_run(whole: SweptStudy, here: Here, tmp_path: Path) -> None:
    more = contents(sweep(study(sizes="4 MUSDT, 1 MUSDT, 2 MUSDT"), out=tmp_path).path)
    before = contents(whole.path)
    assert len(more) == 12
    assert {run_id: more[run_id] for run_id in before} == before


def test_a_worker_killed_in_the_middle_of_a_run_costs_no_run(
    whole: SweptStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RunTask", RunKilledOnce)
    swept = sweep(STUDY, out=tmp_path, workers=2)
    assert (swept.path / "died").exists()
    assert swept.counts["done"] == 8
    assert contents(swept.path) == contents(whole.path)
    assert left_over(swept.path) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from marketsim.experiments import sweep
from tests.experiments.studies import study

def kill(done, failed, total, events, memory):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)

sweep(study(), out=Path(sys.argv[1]), workers=2, progress=kill)
"""


def test_a_main_process_that_is_killed_loses_nothing_finished(whole: SweptStudy, here: Here, tmp_path: Path) -> None:
    """The script has no `if __name__ == "__main__"`: workers never see it."""
    script = tmp_path / "script.py"
    script.write_text(KILLED, encoding="utf-8")
    path = os.pathsep.join(each for each in sys.path if each)
    ended = subprocess.run([sys.executable, script, tmp_path / "out"], env={**os.environ, "PYTHONPATH": path})
    assert ended.returncode == -signal.SIGKILL
    before = {run_id: manifest["started_utc"] for run_id, manifest in manifests(tmp_path / "out").items()}
    assert 3 <= len(before) <= 5
    swept = sweep(STUDY, out=tmp_path / "out")
    assert swept.counts == {
        "cells": 2,
        "runs": 8,
        "done": 8,
        "failed": 0,
        "missing": 0,
        "made": 8 - len(before),
        "bundles": 0,
    }
    assert {run_id: manifests(swept.path)[run_id]["started_utc"] for run_id in before} == before
    assert contents(swept.path) == contents(whole.path)
    assert left_over(swept.path) == []


def test_an_interrupted_sweep_says_what_is_kept_and_continues(
    whole: SweptStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave_one_half_done(*_: float) -> None:
        for runs in tmp_path.glob("*/*/runs"):  # not there before the first run
            (runs / ".0123456789abcdef.0123abcd.building").mkdir(exist_ok=True)

    work_in(monkeypatch, Here(interrupt_after=3))
    with pytest.raises(KeyboardInterrupt, match="3 of 8 runs are done and kept: start the same sweep again"):
        sweep(STUDY, out=tmp_path, progress=leave_one_half_done)
    assert left_over(tmp_path) == []
    rest = work_in(monkeypatch, Here())
    swept = sweep(STUDY, out=tmp_path)
    assert len(rest.names) == swept.counts["made"] == 5
    assert contents(swept.path) == contents(whole.path)


def test_what_was_cut_off_while_a_study_was_finished_is_made_up_for(here: Here, tmp_path: Path) -> None:
    """Killed between the effects and the page, or in the middle of writing either."""
    made: list[str] = []

    def finish(name: str) -> Callable[[SweptStudy], None]:
        def write(swept: SweptStudy) -> None:
            made.append(name)
            write_whole(swept.path / name, Path.touch)

        return write

    def swept() -> SweptStudy:
        return sweep(STUDY, out=tmp_path, effects=finish("effects.parquet"), report=finish("report.html"))

    path = swept().path
    swept()
    assert made == ["effects.parquet", "report.html"]
    (path / "report.html").unlink()
    (path / ".report.html.0123abcd.building").touch()
    (path / "runs" / ".0123456789abcdef.0123abcd.building").mkdir()
    swept()
    assert made == ["effects.parquet", "report.html", "report.html"]
    assert left_over(tmp_path) == []


def test_a_full_disk_stops_the_sweep_with_what_to_do_and_leaves_nothing_half_done(
    whole: SweptStudy, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, budget = writer.TableWriter.close, [75]

    def close(table: Any) -> Any:
        budget[0] -= 1
        if budget[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return honest(table)

    monkeypatch.setattr(writer.TableWriter, "close", close)
    with pytest.raises(
        SweepStoppedError, match=r"the disk is full.*3 of 8 runs are done and kept, 5 are missing"
    ) as full:
        sweep(STUDY, out=tmp_path)
    assert len(here.names) == 4  # the first that is refused is the last that is tried
    swept = full.value.swept
    assert isinstance(swept, SweptStudy)
    assert (swept.counts["done"], swept.counts["failed"], left_over(swept.path)) == (3, 0, [])
    monkeypatch.setattr(writer.TableWriter, "close", honest)
    assert sweep(STUDY, out=tmp_path).counts["made"] == 5
    assert contents(swept.path) == contents(whole.path)


def test_failed_runs_are_listed_counted_and_made_anew_only_again(whole: SweptStudy, here: Here, tmp_path: Path) -> None:
    told: list[tuple[Any, ...]] = []
    failed = sweep(STUDY, out=tmp_path, limits=Limits(time=1), progress=lambda *figures: told.append(figures))
    assert failed.counts == {"cells": 2, "runs": 8, "done": 0, "failed": 8, "missing": 0, "made": 8, "bundles": 0}
    assert all(run["reason"].startswith("the time limit of 1e-09 s was met") for run in failed.failed_runs)
    assert told[0][:3] == (0, 0, 8)
    assert told[-1][:3] == (0, 8, 8)
    assert failed.is_complete
    assert failed.failures().height == 8
    assert sweep(STUDY, out=tmp_path).counts == {**failed.counts, "made": 0}
    assert sweep(STUDY, out=tmp_path, again=True).counts == {**failed.counts, "done": 8, "failed": 0}
    assert contents(failed.path) == contents(whole.path)


def test_a_run_that_holds_too_much_memory_is_kept_as_failed(here: Here, tmp_path: Path) -> None:
    swept = sweep(study(replications=1, sizes="1 MUSDT"), out=tmp_path, limits=Limits(memory=1_000_000))
    assert swept.counts["failed"] == 2
    assert "the memory limit of 1 MB was met" in swept.failed_runs[0]["reason"]


def test_a_run_may_hold_85_percent_of_its_worker_s_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work_in(monkeypatch, Here(memory=20_000_000))
    swept = sweep(study(arms="[factual]", replications=1, sizes="1 MUSDT"), out=tmp_path)
    assert "the memory limit of 17 MB was met" in swept.failed_runs[0]["reason"]


def test_a_worker_has_as_much_more_memory_than_its_run_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or its share of what this process may use."""
    monkeypatch.setattr(runner, "is_warm", lambda: True)
    monkeypatch.setattr(runner, "Cluster", SimpleNamespace(local=lambda workers, memory: (workers, memory)))
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", 9_000_000_000)
    assert runner._open_cluster(2, None, Limits(memory=1_700_000)) == (2, 2_000_000)
    assert runner._open_cluster(3, None, Limits()) == (3, 3_000_000_000)


def test_a_run_whose_workers_all_died_is_kept_as_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = study(arms="[factual, placebo_sign]", sizes="1 MUSDT")
    first, *_ = runner.plan_study(world).runs
    work_in(monkeypatch, Here(dead=first.run_id))
    told: list[tuple[Any, ...]] = []
    swept = sweep(world, out=tmp_path, progress=lambda *figures: told.append(figures))
    reasons = {(run["replication"], run["arm"]): run["reason"] for run in swept.failed_runs}
    assert reasons == {
        (0, "factual"): "3 workers died while they ran it: killed, or out of memory",
        (0, "placebo_sign"): f"the factual run {first.run_id}, which it comes after, failed",
    }
    assert (swept.counts["done"], swept.is_complete) == (2, True)
    events = [manifest["counts"]["micro_events"] for manifest in manifests(swept.path).values()]
    assert sorted(events)[:2] == [0, 0]
    assert told[-1] == (2, 2, 4, sum(events), 300.0)
    (lost,) = (run["path"] for run in swept.failed_runs if run["arm"] == "placebo_sign")
    shutil.rmtree(lost)
    left = sweep(world, out=tmp_path)
    assert (left.counts["made"], left.counts["missing"], left.failed_runs) == (1, 0, swept.failed_runs)


def test_placebos_come_after_the_factual_run_whose_orders_they_send(here: Here, tmp_path: Path) -> None:
    swept = sweep(study(arms="[placebo_sign, factual]", replications=1), out=tmp_path)
    arms = {manifest["run_id"]: manifest["arm"] for manifest in manifests(swept.path).values()}
    assert [arms[name] for name in here.names] == ["factual", "factual", "placebo_sign", "placebo_sign"]
    assert swept.counts["done"] == 4


def test_a_placebo_takes_the_factual_arm_of_its_own_world() -> None:
    jitter = {"tokens.UP.rebalance.jitter": "1min"}
    factual, late = ArmSpec(id="factual"), ArmSpec(id="late", set=jitter)
    arms = [factual, late]
    assert source_of(ArmSpec(id="p", arm="placebo_time", set=jitter), arms) == late
    assert source_of(ArmSpec(id="p", arm="placebo_time"), arms) == factual
    assert source_of(ArmSpec(id="x", arm="frictionless"), arms) is None


def test_a_study_of_other_code_is_refused_unless_again(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = study(replications=1, sizes="1 MUSDT")
    before = sweep(small, out=tmp_path)
    monkeypatch.setattr(runner.provenance, "code_here", lambda: "another")
    with pytest.raises(ResultError, match="begun by another version of the code"):
        sweep(small, out=tmp_path)
    assert sweep(small, out=tmp_path, again=True).counts["made"] == before.counts["runs"] == 2


def test_what_cannot_be_swept_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no study"):
        sweep(Scenario.model_construct(study=None), out=tmp_path)
    with pytest.raises(ScenarioError, match="in cell 1"):
        sweep(study(sizes="1 MUSDT, 0.000000001 USDT"), out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_many_cells_are_told_of_before_their_worlds_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for few, told in ((2, ""), (1, "checking the worlds of 2 cells before anything runs\n")):
        monkeypatch.setattr(runner, "MANY_CELLS", few)
        with pytest.raises(ScenarioError, match="in cell 1"):
            sweep(study(sizes="1 MUSDT, 0.000000001 USDT"), out=tmp_path)
        assert capsys.readouterr().err == told


@pytest.mark.parametrize("workers", [0, -1, "many", "", "1.5"])
def test_a_number_of_workers_that_is_none_is_refused(workers: int | str) -> None:
    with pytest.raises(UsageError, match="allowed: auto, or a number from 1"):
        worker_count(workers)


def test_a_forecast_says_what_is_left_and_writes_nothing(whole: SweptStudy, tmp_path: Path) -> None:
    told = forecast(STUDY, out=tmp_path, workers=2, power=lambda *_: pytest.fail("there are no pairs yet"))
    assert (told.cells, told.runs, told.missing, told.pilot, told.pilot_share) == (2, 8, 8, "a short run", 1.0)
    assert min(told.seconds, told.memory_mb, told.disk_bytes) > 0
    assert list(tmp_path.iterdir()) == []
    told = forecast(STUDY, out=whole.path.parent.parent, workers=2, power=lambda *of: [{"of": of}])
    assert (told.missing, told.seconds, told.pilot, told.power_pilot) == (0, 0.0, "a finished run", str(whole.path))
    ((study, replications, primary),) = (each["of"] for each in told.power)
    assert (study.path, replications, primary) == (whole.path, 2, STUDY.study.primary)


@pytest.mark.parametrize(("workers", "seconds", "memory_mb"), [(2, 32.0, 300.0), (20, 8.0, 1200.0)])
def test_a_short_run_of_a_quarter_stands_for_four_times_its_time_and_bytes(
    workers: int, seconds: float, memory_mb: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight runs are missing: no more than eight workers have one."""
    quarter = {"simulated_ns": 90 * 10**9, "wall_s": 2.0, "peak_rss_mb": 150.0}
    quarter["tables"] = {"trades": {"bytes": 700}, "marks": {"bytes": 300}}
    monkeypatch.setattr("marketsim.experiments.pilot._short_run", lambda *_: quarter)
    told = forecast(STUDY, out=tmp_path, workers=workers)
    assert (told.pilot_share, told.seconds, told.memory_mb, told.disk_bytes) == (0.25, seconds, memory_mb, 32_000)


def test_a_dry_run_tells_the_power_of_a_larger_study_from_a_smaller_one(whole: SweptStudy, tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(text(), encoding="utf-8")
    larger = ["--out", str(whole.path.parent.parent), "--set", "study.replications=40", "--dry-run"]
    told = CliRunner().invoke(main, ["sweep", str(file), *larger]).stdout
    assert "in 40 replications" in told or "unknown (" in told
    assert str(whole.path) in told


def test_a_forecast_of_very_many_cells_checks_those_that_stand_for_all(tmp_path: Path) -> None:
    sizes = [f"{1000 + number} kUSDT" for number in range(200)]
    told = forecast(study(sizes=", ".join(sizes)), out=tmp_path, workers=2, shard=Shard(1, 3))
    assert (told.cells, told.checked, told.checked_among) == (200, 128, "both ends of every axis")
    assert (told.runs, told.missing) == (266, 266)  # of 400 units of two arms, those with numbers 1, 4, .. 397
    with pytest.raises(ScenarioError, match="in cell 7"):
        forecast(study(sizes=", ".join([*sizes[:7], "0.000000001 USDT", *sizes[8:]])), out=tmp_path)


def test_a_forecast_counts_the_runs_of_a_plan_that_are_there(
    whole: SweptStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketsim.experiments.pilot.MOST_CHECKED", 1)
    told = forecast(STUDY, out=whole.path.parent.parent, workers=2)
    assert (told.checked, told.runs, told.done, told.missing, told.pilot) == (1, 8, 8, 0, "a finished run")


def test_the_command_tells_what_became_of_the_study(whole: SweptStudy, tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(text(), encoding="utf-8")
    ended = CliRunner().invoke(main, ["sweep", str(file), "--out", str(whole.path.parent.parent), "--json"])
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout)
    assert (told["path"], told["done"], told["failed_runs"], told["stopped"]) == (str(whole.path), 8, [], None)
    assert (whole.path / "effects.parquet").is_file()
