"""`marketsim sweep`: exit codes, what goes to stdout, and what its options reach."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

import marketsim
from marketsim.cli import main, studies
from marketsim.errors import ResultError, ScenarioError, SweepStoppedError

COUNTS = {"cells": 2, "runs": 8, "done": 8, "failed": 0, "missing": 0, "made": 8}
FAILED = {
    "cell": 1,
    "replication": 0,
    "arm": "factual",
    "run_id": "89ab89ab89ab89ab",
    "reason": "the time limit of 1 s was met",
    "path": "results/small/0123456789abcdef/runs/89ab89ab89ab89ab",
}


def swept(**parts: Any) -> SimpleNamespace:
    whole = {"path": Path("results/small/0123456789abcdef"), "counts": COUNTS, "failed_runs": [], "is_complete": True}
    return SimpleNamespace(**{"registration": None, **whole, **parts})


PARTLY = swept(counts={**COUNTS, "done": 7, "failed": 1}, failed_runs=[FAILED])
STOPPED = SweepStoppedError("the disk is full: could not write x; make room or use another --out", PARTLY)


@pytest.fixture
def sweeping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls the command on a study whose sweep ends as told."""
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text("schema: marketsim/1\n", encoding="utf-8")

    def call(outcome: Any, *options: str) -> tuple[Result, dict[str, Any]]:
        seen: dict[str, Any] = {}

        def sweep(study: Path, **given: Any) -> Any:
            seen.update(given, study=study)
            if isinstance(outcome, SimpleNamespace):
                return outcome
            raise outcome

        monkeypatch.setattr(marketsim, "sweep", sweep)
        monkeypatch.setattr(studies, "_tell_power", lambda study, options: None)  # both are tested beside real studies
        monkeypatch.setattr(studies, "_answer", lambda swept: ["It answers its title."] if swept.is_complete else [])
        return CliRunner().invoke(main, ["sweep", "small.yaml", *options]), seen

    return call


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (swept(), 0),
        (PARTLY, 1),
        (STOPPED, 1),
        (ScenarioError([]), 3),
        (ResultError("made by another version of the code"), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_way_a_sweep_can_end_has_its_exit_code(outcome: Any, code: int, sweeping: Any) -> None:
    ended, _ = sweeping(outcome)
    assert ended.exit_code == code, ended.output
    assert "Traceback" not in ended.output


def test_the_summary_counts_runs_and_lists_failures(sweeping: Any) -> None:
    ended, _ = sweeping(PARTLY)
    assert "7 done, 1 failed, 0 missing" in ended.stdout
    assert ended.stderr.splitlines() == [
        "failed: cell 1, replication 0, factual (89ab89ab89ab89ab): the time limit of 1 s was met",
        "failed runs are kept; --again reruns them",
    ]


def test_json_is_one_object_with_counts_failures_and_why_it_stopped(sweeping: Any) -> None:
    ended, _ = sweeping(STOPPED, "--json")
    assert json.loads(ended.stdout) == {
        "path": "results/small/0123456789abcdef",
        "study_id": "0123456789abcdef",
        "is_complete": True,
        **COUNTS,
        "done": 7,
        "failed": 1,
        "failed_runs": [FAILED],
        "stopped": "the disk is full: could not write x; make room or use another --out",
        "answer": ["It answers its title."],
    }
    assert ended.stderr.splitlines()[-1] == "error: the disk is full: could not write x; make room or use another --out"


def test_quiet_says_only_where_the_study_is(sweeping: Any) -> None:
    ended, _ = sweeping(swept(), "--quiet")
    assert (ended.stdout, ended.stderr) == ("results/small/0123456789abcdef\n", "")


def test_options_of_sweep_reach_the_sweep(sweeping: Any) -> None:
    ended, seen = sweeping(
        swept(),
        *["--seed", "3", "--set", "clock.duration=1h", "--out", "elsewhere", "--workers", "2", "--no-report"],
        *["--scheduler", "tcp://10.0.0.1:8786", "--shard", "1/4", "--again", "--time-limit", "10min"],
        *["--memory-limit", "2 GB"],
    )
    assert ended.exit_code == 0, ended.output
    del seen["progress"]
    assert seen == {
        "study": Path("small.yaml"),
        "seed": 3,
        "set": ("clock.duration=1h",),
        "out": Path("elsewhere"),
        "workers": "2",
        "scheduler": "tcp://10.0.0.1:8786",
        "shard": "1/4",
        "again": True,
        "report": False,
        "time_limit": "10min",
        "memory_limit": "2 GB",
    }


@pytest.mark.parametrize(
    "options",
    [["--shard", "2/2"], ["--workers", "none"], ["--memory-limit", "much"], ["--time-limit", "soon"]],
)
def test_wrong_usage_is_exit_code_2_without_a_traceback(options: list[str], tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    world = "{clock: {duration: 1h}, underlyings: [{id: BTC, index: {kind: constant, price: 1 USDT}}]"
    world += ", markets: [{id: P, underlying: BTC}], study: {}, schema: marketsim/1}"
    file.write_text(world, encoding="utf-8")
    ended = CliRunner().invoke(main, ["sweep", str(file), "--out", str(tmp_path / "out"), *options])
    assert ended.exit_code == 2, ended.output
    assert "Traceback" not in ended.output
    assert not (tmp_path / "out").exists()
