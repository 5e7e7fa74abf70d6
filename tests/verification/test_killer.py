"""A killer that restarts: sweeps, forks and probes ended at any instant, started again until they are whole.

MARKETSIM_KILLS sets the number of instants, MARKETSIM_KILL_SEED repeats their choice (not the machine's timing).
"""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.experiments.studies import SMALL, contents, left_over, manifests
from tests.verification.sweeps import ENVIRONMENT, command, descendants, is_living, wait_until

KILLS = int(os.environ.get("MARKETSIM_KILLS", "12"))
SEED = int(os.environ.get("MARKETSIM_KILL_SEED", "0")) or secrets.randbelow(2**31) + 1
ENDS_WITHIN_S = 60.0

WORLD = SMALL[: SMALL.index("study:")].replace("record: {quotes: 1min}", "record: {quotes: 1s, marks: 1s}")
STUDIES = {
    "sweep": "{arms: [factual, frictionless, placebo_sign], replications: 3, "
    "over: {tokens.UP.aum: [1 MUSDT, 2 MUSDT]}}",
    "forks": "{arms: [factual, frictionless], replications: 4, fork: {at: rebalances, before: 30s, horizon: 1min}}",
    "probes": "{arms: [factual, frictionless], replications: 3, measures: [price_share, crowding_number], "
    "probe: {sizes: [1], horizons: [0s, 30s, 1min]}}",
}
OUTCOMES = {"process": (signal.SIGKILL, 0.4), "politely": (signal.SIGTERM, 0.2), "by hand": (signal.SIGINT, 0.1)}
"""What ends the command itself, and how often; the rest is a SIGKILL of one of the processes it has started."""


@dataclass(frozen=True)
class Left:
    """All that a study leaves, except for what is of its time and place."""

    runs: dict[str, dict[str, str]]
    notes: dict[str, dict[str, Any]]
    tables: dict[str, list[dict[str, Any]]]
    files: frozenset[str]

    @classmethod
    def by(cls, out: Path) -> Left:
        """What stands in the one study below `out`."""
        (study,) = (path.parent for path in out.glob("*/*/study.json"))
        notes = {path.name: json.loads(path.read_text()) for path in study.glob("bundles/*.json")}
        tables = {str(path.relative_to(study)): path for path in study.rglob("*.parquet") if "runs" not in path.parts}
        return cls(
            runs=contents(study / "runs"),
            notes=notes,
            tables={name: pl.read_parquet(path).to_dicts() for name, path in tables.items()},
            files=frozenset(str(path.relative_to(out)) for path in out.rglob("*")),
        )


class Killer:
    """One study, killed and started again; `scratch` is where the processes keep what is only for now."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.kind = kind
        self.file, self.scratch = folder / "study.yaml", folder / "scratch"
        self.file.write_text(f"{WORLD}study: {STUDIES[kind]}\n", encoding="utf-8")
        self.scratch.mkdir()
        self.kept = folder / "undisturbed"
        began = time.monotonic()
        assert self.finish(self.kept) == 0
        self.took_s = time.monotonic() - began
        self.undisturbed = Left.by(self.kept)

    def start(self, out: Path) -> subprocess.Popen[str]:
        """Start the sweep, or go on with it."""
        environment = {**ENVIRONMENT, "TMPDIR": str(self.scratch)}
        options = ("--workers", "2", "--quiet")
        return subprocess.Popen(
            command(self.file, out, *options), env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
            text=True,
        )  # fmt: skip

    def finish(self, out: Path) -> int:
        """Let it go on to its end; its exit code."""
        with self.start(out) as process:
            errors = process.communicate(timeout=600)[1]
        assert "Traceback" not in errors, errors
        assert process.returncode in (0, 1), errors
        return process.returncode

    def kill(self, out: Path, luck: random.Random) -> tuple[str, int]:
        """Start it and end something of it at an instant; what that was, and the command's exit code."""
        process = self.start(out)
        self._wait(out, process, luck)
        theirs = descendants(process.pid)
        chosen, way, share = "", None, luck.random()
        for name, (number, often) in OUTCOMES.items():
            if way is None and share < often:
                chosen, way = name, number
            share -= often
        if way is None and theirs:
            chosen = "one of its own"
            _send(luck.choice(theirs), signal.SIGKILL)
        elif process.poll() is None:
            chosen, way = (chosen, way) if way is not None else ("process", signal.SIGKILL)
            process.send_signal(way)
        errors = process.communicate(timeout=600)[1]
        assert "Traceback" not in errors or _is_before_it_began(errors), errors
        wait_until(lambda: not any(is_living(pid) for pid in theirs), ENDS_WITHIN_S)
        return chosen, process.returncode

    def _wait(self, out: Path, process: subprocess.Popen[str], luck: random.Random) -> None:
        """Until an instant anywhere in the sweep, or shortly after work has begun."""
        until = time.monotonic() + luck.uniform(0, 1.1) * self.took_s
        after_work = luck.random() < 0.6
        while process.poll() is None and time.monotonic() < until:
            if after_work and list(out.glob("*/*/runs/.*.building")):
                time.sleep(luck.uniform(0, 1.0))
                return
            time.sleep(0.01)


def _is_before_it_began(errors: str) -> bool:
    """Whether Python was interrupted while it read the program: nothing of ours was there to say so."""
    return errors.rstrip().endswith("KeyboardInterrupt") and "in invoke" not in errors


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


@pytest.fixture
def killers(tmp_path: Path) -> list[Killer]:
    made = []
    for kind in STUDIES:
        (tmp_path / kind).mkdir()
        made.append(Killer(tmp_path / kind, kind))
    return made


def test_whatever_is_killed_at_whatever_instant_the_study_comes_out_the_same(
    killers: list[Killer], tmp_path: Path, say: Callable[[str], None]
) -> None:
    luck, counts, kills, whole = random.Random(SEED), Counter[str](), 0, Counter[str]()
    say(f"MARKETSIM_KILL_SEED={SEED} MARKETSIM_KILLS={KILLS}")
    while kills < KILLS:
        killer, out = luck.choice(killers), tmp_path / "out"
        made: dict[str, str] = {}
        while True:
            what, code = killer.kill(out, luck) if kills < KILLS else ("", killer.finish(out))
            counts[f"{what or 'nothing'} ({code})"] += 1
            assert what or code == 0  # what was killed before is no failure of a run
            kills += bool(what)
            if what and kills % 20 == 0:
                say(f"{kills} kills, {sum(whole.values())} studies whole")
            started = {run_id: manifest["started_utc"] for run_id, manifest in manifests(out).items()}
            assert {run_id: started.get(run_id) for run_id in made} == made  # what was finished is not made again
            made = started
            if code == 0:
                break
        left = Left.by(out)
        assert left.runs == killer.undisturbed.runs
        assert left.notes == killer.undisturbed.notes
        assert left.tables == killer.undisturbed.tables
        assert left.files == killer.undisturbed.files
        assert left_over(out) == []
        assert list(killer.scratch.iterdir()) == []
        whole[killer.kind] += 1
        shutil.rmtree(out)
    say(f"{kills} kills of {dict(whole)}: {dict(sorted(counts.items()))}")
