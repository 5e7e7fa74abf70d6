"""Whatever ends a sweep from outside, every run is finished exactly once afterwards, and nothing is left running."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.experiments.slurm import SCRIPT
from tests.experiments.studies import contents, left_over, manifests, text
from tests.verification.single_node_slurm import lacking, single_node_slurm
from tests.verification.sweeps import ENVIRONMENT, ROOT, command, finished, processes_of, sweep, wait_until

RUNS = 24


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("study") / "small.yaml"
    longer = text(replications=6).replace("duration: 6min", "duration: 1h")
    file.write_text(longer.replace("record: {quotes: 1min}", "record: {quotes: change}"), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def undisturbed(study: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    out = tmp_path_factory.mktemp("undisturbed")
    assert sweep(study, out).returncode == 0
    return contents(out)


def test_a_sweep_killed_again_and_again_makes_every_run_once(
    study: Path, undisturbed: dict[str, dict[str, str]], tmp_path: Path, say: Callable[[str], None]
) -> None:
    luck, kills, made = random.Random(4), 0, {}
    while True:
        enough = min(finished(tmp_path) + luck.randint(2, 5), RUNS)
        with subprocess.Popen(command(study, tmp_path, "--workers", "2", "--quiet"), env=ENVIRONMENT) as process:
            while finished(tmp_path) < enough and process.poll() is None:
                time.sleep(0.02)
            time.sleep(luck.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
        wait_until(lambda: not processes_of(tmp_path), 10.0)
        kills += process.returncode == -signal.SIGKILL
        started = {run_id: manifest["started_utc"] for run_id, manifest in manifests(tmp_path).items()}
        assert {run_id: started[run_id] for run_id in made} == made  # what was finished is not made again
        made = started
        if len(made) == RUNS:
            break
    assert sweep(study, tmp_path).returncode == 0
    say(f"killed {kills} times")
    assert kills >= 4
    assert contents(tmp_path) == undisturbed
    assert left_over(tmp_path) == []


def test_workers_killed_at_any_moment_cost_no_run(
    study: Path, undisturbed: dict[str, dict[str, str]], tmp_path: Path, say: Callable[[str], None]
) -> None:
    luck, kills, done = random.Random(5), 0, -1
    with subprocess.Popen(command(study, tmp_path, "--workers", "2", "--quiet"), env=ENVIRONMENT) as process:
        while process.poll() is None:
            time.sleep(luck.uniform(0.5, 2.0))
            at_it = [pid for pid in processes_of(tmp_path) if pid != process.pid]
            # One kill for each run that ends: however slow the machine, no run is hit three times and given up.
            if at_it and kills < 6 and finished(tmp_path) > done:
                done = finished(tmp_path)
                os.kill(luck.choice(at_it), signal.SIGKILL)
                kills += 1
    say(f"{kills} workers killed in the middle of a run")
    assert process.returncode == 0
    assert kills >= 3
    assert contents(tmp_path) == undisturbed
    assert left_over(tmp_path) == []


def test_control_c_ends_promptly_and_loses_nothing_finished(
    study: Path, undisturbed: dict[str, dict[str, str]], tmp_path: Path, say: Callable[[str], None]
) -> None:
    with subprocess.Popen(
        command(study, tmp_path, "--workers", "2"), env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_until(lambda: finished(tmp_path) >= 3 and bool(processes_of(tmp_path)))
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        errors = process.communicate()[1]
    say(f"ended {time.monotonic() - began:.2f} s after Ctrl-C")
    assert process.returncode == 130
    assert time.monotonic() - began < 5.0
    kept = finished(tmp_path)
    told = re.fullmatch(
        rf"interrupted; (\d+) of {RUNS} runs are done and kept: start the same sweep again to continue",
        errors.splitlines()[-1],
    )
    assert told is not None, errors
    assert int(told[1]) <= kept  # one may have ended while this was said
    assert "Traceback" not in errors
    assert processes_of(tmp_path) == left_over(tmp_path) == []
    assert sweep(study, tmp_path).returncode == 0
    assert contents(tmp_path) == undisturbed


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    tmp_path /= "disk"
    tmp_path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_a_full_disk_stops_the_sweep_and_with_room_it_continues(
    study: Path, undisturbed: dict[str, dict[str, str]], small_disk: Path, say: Callable[[str], None]
) -> None:
    ended = sweep(study, small_disk)
    told: dict[str, Any] = json.loads(ended.stdout)
    say(f"{told['done']} of {RUNS} runs on a disk of 1 MB: {told['stopped']}")
    assert ended.returncode == 1, ended.stderr
    assert "the disk is full" in told["stopped"]
    assert "start the same sweep again to continue" in told["stopped"]
    assert 0 < told["done"] < RUNS
    assert told["failed"] == 0
    assert left_over(small_disk) == []
    kept = {run_id: manifest["started_utc"] for run_id, manifest in manifests(small_disk).items()}
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    ended = sweep(study, small_disk)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["made"] == RUNS - len(kept)
    assert {run_id: manifests(small_disk)[run_id]["started_utc"] for run_id in kept} == kept
    assert contents(small_disk) == undisturbed


def test_a_job_array_of_a_real_slurm_makes_a_study_in_shards(
    study: Path, undisturbed: dict[str, dict[str, str]], tmp_path: Path, say: Callable[[str], None]
) -> None:
    if lacking():
        pytest.skip(lacking())
    (tmp_path / "slurm").mkdir()
    (tmp_path / "bin").mkdir()
    start = f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m marketsim "$@"\n'
    (tmp_path / "bin" / "marketsim").write_text(start, encoding="utf-8")
    (tmp_path / "bin" / "marketsim").chmod(0o755)
    (tmp_path / "sweep.sh").write_text(SCRIPT, encoding="utf-8")
    with single_node_slurm(tmp_path / "slurm") as environment:
        environment["PATH"] = f"{tmp_path / 'bin'}:{environment['PATH']}"
        array = ["sbatch", "--wait", "--array=0-2", "--cpus-per-task=1", "--mem-per-cpu=1G", "--time=00:10:00"]
        ended = subprocess.run(
            [*array, "sweep.sh", str(study), "--out", str(tmp_path / "out")], cwd=tmp_path, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    logs = {path.name: path.read_text(encoding="utf-8") for path in sorted(tmp_path.glob("sweep-*.log"))}
    say(f"{ended.stdout.strip()}: {len(logs)} tasks, {finished(tmp_path / 'out')} runs")
    assert ended.returncode == 0, (ended.stderr, logs)
    assert len(logs) == 3
    assert contents(tmp_path / "out") == undisturbed
    assert len(list((tmp_path / "out").glob("*/*/effects.parquet"))) == 1
