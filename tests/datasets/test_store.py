"""A run directory is whole or not there, is found again, and nothing finished is lost."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from marketsim.datasets import store
from marketsim.datasets.store import Resolved, RunDirectory, find_run, resolve_path
from marketsim.errors import EnvironmentLackError, ResultError, UsageError

RUN = "0123456789abcdef"


def finished(out: Path, run_id: str = RUN, code: str = "1.0+a", status: str = "ok", note: str = "") -> Path:
    directory = RunDirectory.create(out, "quick", run_id, again=True)
    (directory.path / "note").write_text(note)
    manifest = {"run_id": run_id, "status": "ok", "reason": None, "versions": {"marketsim": code}}
    return directory.commit(manifest) if status == "ok" else directory.fail("the kernel stopped", manifest)


def names(out: Path) -> list[str]:
    return sorted(path.name for path in (out / "quick").iterdir())


def test_nothing_stands_under_the_final_name_before_the_commit(tmp_path: Path) -> None:
    directory = RunDirectory.create(tmp_path, "quick", RUN)
    assert not directory.final.exists()
    assert directory.path.parent == directory.final.parent
    assert directory.path.name.startswith(".")
    assert (directory.path / "tables").is_dir()
    final = directory.commit({"status": "ok"})
    assert final == tmp_path / "quick" / RUN
    assert names(tmp_path) == [RUN]
    assert json.loads((final / "manifest.json").read_text())["status"] == "ok"


def test_a_failed_run_leaves_a_whole_directory_that_says_why(tmp_path: Path) -> None:
    final = finished(tmp_path, status="failed", note="what was recorded")
    manifest = json.loads((final / "manifest.json").read_text())
    assert (manifest["status"], manifest["reason"]) == ("failed", "the kernel stopped")
    assert (final / "note").read_text() == "what was recorded"


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), RunDirectory.create(tmp_path, "quick", RUN):
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_a_committed_run_outlives_its_context(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path, "quick", RUN) as directory:
        directory.commit({"status": "ok"})
    assert names(tmp_path) == [RUN]


@pytest.mark.parametrize("moment", ["while it writes", "between the two renames"])
def test_a_killed_process_leaves_what_was_there_and_nothing_half_done(tmp_path: Path, moment: str) -> None:
    if moment == "between the two renames":
        finished(tmp_path, note="the earlier run")
    script = f"""
import os, signal
from pathlib import Path
from marketsim.datasets.store import RunDirectory
directory = RunDirectory.create({str(tmp_path)!r}, "quick", {RUN!r}, again=True)
(directory.path / "note").write_text("half")
if {moment == "between the two renames"}:
    rename = Path.rename
    def once(self, target):
        rename(self, target)
        os.kill(os.getpid(), signal.SIGKILL)
    Path.rename = once
    directory.commit({{"status": "ok"}})
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "quick" / RUN).exists()
    store.remove_stale(tmp_path / "quick")
    if moment == "while it writes":
        assert names(tmp_path) == []
    else:
        assert names(tmp_path) == [RUN]
        assert (tmp_path / "quick" / RUN / "note").read_text() == "the earlier run"


def test_the_next_run_removes_what_a_killed_one_left_but_not_what_a_living_one_writes(tmp_path: Path) -> None:
    living = RunDirectory.create(tmp_path, "quick", "feedfeedfeedfeed")
    (tmp_path / "quick" / f".{RUN}.00000000.building" / "tables").mkdir(parents=True)
    RunDirectory.create(tmp_path, "quick", RUN).commit({"status": "ok"})
    assert names(tmp_path) == [living.path.name, RUN]
    living.discard()
    assert names(tmp_path) == [RUN]


def test_a_run_that_is_already_there_is_recognised_by_its_code(tmp_path: Path) -> None:
    place = tmp_path / "quick" / RUN
    assert find_run(tmp_path, "quick", RUN, "1.0+a") == ("absent", place)
    finished(tmp_path)
    assert find_run(tmp_path, "quick", RUN, "1.0+a") == ("done", place)
    assert find_run(tmp_path, "quick", RUN, "1.0+b") == ("other code", place)
    finished(tmp_path, status="failed")
    assert find_run(tmp_path, "quick", RUN, "1.0+a") == ("failed", place)


def test_a_finished_run_is_replaced_only_when_asked_and_a_failed_one_always(tmp_path: Path) -> None:
    finished(tmp_path, status="failed", note="failed")
    RunDirectory.create(tmp_path, "quick", RUN).commit({"status": "ok"})
    with pytest.raises(ResultError, match="already there; --again replaces it"):
        RunDirectory.create(tmp_path, "quick", RUN)
    finished(tmp_path, note="again")
    assert (tmp_path / "quick" / RUN / "note").read_text() == "again"
    assert names(tmp_path) == [RUN]


def test_of_two_processes_with_the_same_run_the_first_one_stays(tmp_path: Path) -> None:
    first, second = (RunDirectory.create(tmp_path, "quick", RUN) for _ in range(2))
    (first.path / "note").write_text("first")
    assert first.commit({"status": "ok"}) == second.commit({"status": "ok"})
    assert (tmp_path / "quick" / RUN / "note").read_text() == "first"
    assert names(tmp_path) == [RUN]


def test_a_folder_that_is_no_run_is_never_replaced(tmp_path: Path) -> None:
    mine = tmp_path / "quick" / RUN
    mine.mkdir(parents=True)
    (mine / "thesis.tex").write_text("years of work")
    with pytest.raises(ResultError, match="is in the way and is no run directory"):
        RunDirectory.create(tmp_path, "quick", RUN, again=True)
    assert (mine / "thesis.tex").exists()


@pytest.mark.parametrize("name", ["../up", "", ".hidden", "a/b"])
def test_a_name_that_would_leave_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a folder"):
        RunDirectory.create(tmp_path, name, RUN)


def test_a_full_disk_is_said_in_so_many_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, value: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    directory = RunDirectory.create(tmp_path, "quick", RUN)
    monkeypatch.setattr(store, "write_json", full)
    with pytest.raises(EnvironmentLackError, match=r"the disk is full: could not write .*; make room or use another"):
        directory.commit({"status": "ok"})
    directory.discard()


def test_a_file_where_the_output_folder_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    with pytest.raises(UsageError, match="a file stands where a folder is due; use another --out"):
        RunDirectory.create(tmp_path / "results", "quick", RUN)


def test_a_path_may_be_the_run_or_a_folder_that_holds_exactly_one(tmp_path: Path) -> None:
    run = finished(tmp_path)
    (tmp_path / "quick" / ".other.00000000.building").mkdir()
    for path in (run, run.parent, tmp_path):
        assert resolve_path(path) == Resolved("run", run)


def test_a_study_is_one_thing_whatever_runs_it_holds(tmp_path: Path) -> None:
    study = tmp_path / "quick" / "study"
    study.mkdir(parents=True)
    (study / "study.json").write_text("{}")
    shutil.move(finished(tmp_path / "elsewhere"), study / "runs" / RUN)
    assert resolve_path(tmp_path / "quick") == Resolved("study", study)
    assert resolve_path(study / "runs", kind="run") == Resolved("run", study / "runs" / RUN)
    with pytest.raises(UsageError, match="holds no run directory"):
        resolve_path(tmp_path / "quick", kind="run")


def test_a_path_that_means_nothing_or_too_much_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere is not there; give a run or study directory"):
        resolve_path(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file is no folder"):
        resolve_path(tmp_path / "file")
    with pytest.raises(
        UsageError, match=r"holds no run or study directory \(one with manifest.json or study.json in it\)"
    ):
        resolve_path(tmp_path)
    runs = [finished(tmp_path, run_id) for run_id in ("a" * 16, "b" * 16)]
    with pytest.raises(UsageError, match=f"holds 2; name one of {runs[0]}, {runs[1]}"):
        resolve_path(tmp_path)


def test_a_file_that_is_being_written_is_left_alone_and_one_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def write(aside: Path) -> None:
        aside.write_text("half")
        store.remove_stale(tmp_path)
        seen.append([path.name.split(".")[1] for path in tmp_path.iterdir()])
        aside.write_text("whole")

    (tmp_path / ".old.json.01234567.building").write_text("half")
    store.write_whole(tmp_path / "new.json", write)
    assert seen == [["new"]]
    assert [path.name for path in tmp_path.iterdir()] == ["new.json"]
    assert (tmp_path / "new.json").read_text() == "whole"


def test_a_file_that_could_not_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("old")
    with pytest.raises(EnvironmentLackError, match=r"full: could not write .*page\.html; make room or wait"):
        store.write_whole(tmp_path / "page.html", full, "wait")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text() == "old"


def full(_: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
