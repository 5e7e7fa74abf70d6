"""Sweeps as processes of their own: started, watched, ended from outside, and looked at afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def command(study: Path, out: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "marketsim", "sweep", str(study), "--out", str(out), *options]


def sweep(study: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(study, out, "--workers", "2", "--json", *options), capture_output=True, text=True, env=ENVIRONMENT,
        check=False,
    )  # fmt: skip


def processes_of(out: Path) -> list[int]:
    """Processes that have a file or folder below `out` open: workers in the middle of a run hold a lock there."""
    found = []
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(os.readlink(each).startswith(str(out)) for each in folder.iterdir()):
                found.append(int(folder.parent.name))
        except OSError:
            continue
    return found


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those these have, as long as their parents live."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        parents.setdefault(parent, []).append(int(folder.name))
    found, next_ones = [], [pid]
    while next_ones:
        children = [child for parent in next_ones for child in parents.get(parent, [])]
        found += children
        next_ones = children
    return found


def is_living(pid: int) -> bool:
    """Whether a process runs: one that has ended and is not yet taken notice of does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def finished(out: Path) -> int:
    return len(list(out.glob("*/*/runs/*/manifest.json")))


def wait_until(is_so: Callable[[], bool], within_s: float = 120.0) -> None:
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)
