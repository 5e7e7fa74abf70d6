"""What is done is what stands in the folder, and shards part a study by replication, never by arm."""

import json
from pathlib import Path

import pytest

from marketsim.datasets.provenance import code_here
from marketsim.errors import ResultError, UsageError
from marketsim.experiments.design import PlannedRun, plan_study
from marketsim.experiments.limits import Limits, memory_bytes
from marketsim.experiments.shard import Shard
from marketsim.experiments.study_runs import due, leave_failed, states
from tests.datasets.manifests import write_manifest
from tests.experiments.studies import left_over, study

PLAN = plan_study(study())


@pytest.mark.parametrize("text", ["", "1", "2/2", "0/0", "-1/2", "1/x", "1/2/3", "½/2", "٣/4"])
def test_a_shard_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="shard"):
        Shard.read(text)


@pytest.mark.parametrize("of", [1, 2, 3, 5])
def test_shards_hold_every_run_once_and_keep_the_arms_of_a_replication_together(of: int) -> None:
    parts = [Shard.read(f"{i}/{of}").part(PLAN.runs) for i in range(of)]
    assert sorted(run.run_id for part in parts for run in part) == sorted(run.run_id for run in PLAN.runs)
    units = [{(run.cell, run.replication) for run in part} for part in parts]
    assert sum(len(each) for each in units) == len({unit for each in units for unit in each}) == 4


def put(folder: Path, run: PlannedRun, status: str, code: str) -> None:
    place = folder / "runs" / run.run_id
    place.mkdir(parents=True)
    write_manifest(place, status=status, reason="why", versions={"marketsim": code})


def test_failed_runs_are_due_only_again_and_finished_ones_never(tmp_path: Path) -> None:
    done, failed, *absent = PLAN.runs
    put(tmp_path, done, "ok", "this")
    put(tmp_path, failed, "failed", "this")
    found = states(tmp_path, PLAN.runs, "this")
    assert due(tmp_path, found, again=False) == absent
    assert due(tmp_path, found, again=True) == [failed, *absent]


def test_runs_of_other_code_are_refused_unless_again(tmp_path: Path) -> None:
    put(tmp_path, PLAN.runs[0], "ok", "another")
    found = states(tmp_path, PLAN.runs, "this")
    with pytest.raises(ResultError, match=r"1 runs in .* were made by another version of the code; --again reruns"):
        due(tmp_path, found, again=False)
    assert due(tmp_path, found, again=True) == list(PLAN.runs)


def test_a_damaged_run_is_named_and_made_anew_only_again(tmp_path: Path) -> None:
    put(tmp_path, PLAN.runs[0], "ok", "this")
    (tmp_path / "runs" / PLAN.runs[0].run_id / "manifest.json").write_text("{", encoding="utf-8")
    found = states(tmp_path, PLAN.runs, "this")
    with pytest.raises(ResultError, match=rf"{PLAN.runs[0].run_id}.* is damaged: .*--again makes it anew"):
        due(tmp_path, found, again=False)
    assert due(tmp_path, found, again=True) == list(PLAN.runs)


def test_runs_of_equal_worlds_are_made_once(tmp_path: Path) -> None:
    twice = plan_study(study(sizes="1 MUSDT, 1.0 MUSDT"))
    found = states(tmp_path, twice.runs, "this")
    assert (len(twice.runs), len(found), len(due(tmp_path, found, again=False))) == (8, 8, 4)


def test_a_run_that_could_not_begin_leaves_a_failed_directory_with_the_reason(tmp_path: Path) -> None:
    place = leave_failed(tmp_path, PLAN.scenario, PLAN.runs[0], code_here(), "3 workers died")
    manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["status"], manifest["reason"], manifest["cell"]) == ("failed", "3 workers died", 0)
    assert manifest["liquidations_queued"] == {"BTC-PERP": 0}
    assert {manifest["simulated_ns"], manifest["traders"], *manifest["counts"].values()} == {0}
    assert list(states(tmp_path, PLAN.runs, code_here()).values())[:2] == ["failed", "absent"]
    assert left_over(tmp_path) == []


def test_a_finished_run_is_not_overwritten_by_its_failure(tmp_path: Path) -> None:
    put(tmp_path, PLAN.runs[0], "ok", code_here())
    leave_failed(tmp_path, PLAN.scenario, PLAN.runs[0], code_here(), "3 workers died")
    assert states(tmp_path, PLAN.runs, code_here())[PLAN.runs[0]] == "done"


@pytest.mark.parametrize(("text", "size"), [("2 GB", 2_000_000_000), ("500MB", 500_000_000), ("1.5 GB", 1_500_000_000)])
def test_sizes_of_memory_are_read(text: str, size: int) -> None:
    assert memory_bytes(text) == size
    assert Limits.read("10min", text) == Limits(600 * 10**9, size)


@pytest.mark.parametrize("text", ["", "2", "0 GB", "2 GiB", "-1 GB", "much"])
def test_what_is_no_size_of_memory_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no size of memory"):
        memory_bytes(text)
