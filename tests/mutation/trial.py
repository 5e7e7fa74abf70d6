"""One mutant before its tests."""

from __future__ import annotations

import difflib
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from cosmic_ray.util import restore_contents

from tests.mutation.measured import Measured
from tests.mutation.places import Mutant, mutated

USAGE_ERROR = 4
SLOWER = 6
STARTING_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a mutant: `killed` (by), `survived` or `uncovered`. was, now: its line before and after."""

    mutant: Mutant
    was: str
    now: str
    outcome: str
    by: str
    tests: int
    seconds: float

    def row(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def text(self) -> str:
        at = f"{self.mutant.path}:{self.mutant.start[0]}"
        told = f"{self.outcome} {self.by}".strip()
        return f"{told} ({self.tests} tests, {self.seconds:.0f} s)  {at}\n    - {self.was}\n    + {self.now}"


def changed_lines(before: str, after: str) -> tuple[str, str]:
    """What a mutant changes: the lines that went and those that came, without their indentation."""
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    gone = " ".join(line[2:].strip() for line in lines if line.startswith("- "))
    come = " ".join(line[2:].strip() for line in lines if line.startswith("+ "))
    return gone, come


def tried(mutant: Mutant, measured: Measured, budget: float) -> Trial:
    """Put the fault into the copy, run the nearest tests until one fails, and take it out again."""
    file = measured.tree / mutant.path
    source = file.read_text(encoding="utf-8")
    text = mutated(source, mutant)
    was, now = changed_lines(source, text)
    tests = measured.within(measured.tests_of(mutant.path, mutant.lines), budget)
    began = time.monotonic()
    outcome, by = "uncovered", ""
    if tests:
        with restore_contents(file):
            file.write_text(text, encoding="utf-8")
            outcome, by = _outcome(tests, measured)
    _forget_compiled(measured, mutant)
    return Trial(mutant, was, now, outcome, by, len(tests), time.monotonic() - began)


def _outcome(tests: list[str], measured: Measured) -> tuple[str, str]:
    allowed = STARTING_SECONDS + SLOWER * sum(measured.seconds[test] for test in tests)
    done = _run(tests, measured, allowed)
    if done is not None and done.returncode == USAGE_ERROR:  # the fault has renamed a test: whole files then
        done = _run(sorted({test.partition("::")[0] for test in tests}), measured, allowed)
    if done is None:
        return "killed", f"after {allowed:.0f} s"
    if done.returncode == 0:
        return "survived", ""
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return "killed", "by " + (failed[0].split(" - ")[0].split(maxsplit=1)[1] if failed else f"exit {done.returncode}")


def _run(tests: list[str], measured: Measured, allowed: float) -> subprocess.CompletedProcess[str] | None:
    """None where it takes longer than allowed [s]."""
    listed = measured.folder / "tests.txt"
    listed.write_text("\n".join(tests) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=no", f"@{listed}"]
    environment = measured.environment(PYTHONDONTWRITEBYTECODE="1")
    with subprocess.Popen(
        command, cwd=measured.tree, env=environment, text=True, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            stdout, _ = process.communicate(timeout=allowed)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    return subprocess.CompletedProcess(command, process.returncode, stdout)


def _forget_compiled(measured: Measured, mutant: Mutant) -> None:
    """The fault is no longer than its file, perhaps of the same second: Python would take the one for the other."""
    file = measured.tree / mutant.path
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
        compiled.unlink()
