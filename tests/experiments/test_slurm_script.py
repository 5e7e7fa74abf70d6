"""The SLURM script that the documents give does a study in shards, in a shell that is told what SLURM tells."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.experiments.slurm import SCRIPT


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A command `marketsim` that writes down how it was called."""
    command = tmp_path / "bin" / "marketsim"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >> {tmp_path}/calls; echo >> {tmp_path}/calls\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "sweep.sh").write_text(SCRIPT, encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    command = ["bash", str(folder / "sweep.sh"), *arguments]
    return subprocess.run(command, env={"PATH": path, **environment}, capture_output=True, text=True, check=False)


def test_every_task_of_the_array_makes_its_shard(told: Path) -> None:
    for task in range(3):
        slurm = {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_CPUS_PER_TASK": "4"}
        assert run(told, "a study.yaml", "--out", "/shared", **slurm).returncode == 0
    assert (told / "calls").read_text().splitlines() == [
        f"sweep|a study.yaml|--shard|{task}/3|--workers|4|--quiet|--out|/shared|" for task in range(3)
    ]


def test_some_tasks_submitted_again_still_make_their_shards_of_all(told: Path) -> None:
    slurm = {"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "2", "SHARDS": "16"}
    assert run(told, "study.yaml", **slurm).returncode == 0
    assert (told / "calls").read_text() == "sweep|study.yaml|--shard|7/16|--workers|1|--quiet|\n"


def test_without_a_study_it_says_how_it_is_called(told: Path) -> None:
    ended = run(told, SLURM_ARRAY_TASK_ID="0", SLURM_ARRAY_TASK_COUNT="1")
    assert ended.returncode != 0
    assert "usage: sbatch sweep.sh STUDY.yaml" in ended.stderr
    assert not (told / "calls").exists()
