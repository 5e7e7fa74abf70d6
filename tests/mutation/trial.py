"""One mutant before its tests."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
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


class Trials:
    """Puts faults into the copy, one at a time; a context, whose end ends the process that starts the tests."""

    def __init__(self, measured: Measured, budget: float) -> None:
        self.measured, self.budget = measured, budget
        self._starter = subprocess.Popen(
            [sys.executable, "-P", "tests/mutation/starter.py"],
            cwd=measured.tree,
            env=measured.environment(PYTHONDONTWRITEBYTECODE="1", OPENBLAS_NUM_THREADS="1"),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *_: object) -> None:
        self._starter.communicate()

    def tried(self, mutant: Mutant) -> Trial:
        """Put the fault in, run the nearest tests until one fails, and take it out again."""
        measured = self.measured
        file = measured.tree / mutant.path
        source = file.read_text(encoding="utf-8")
        text = mutated(source, mutant)
        was, now = changed_lines(source, text)
        tests = measured.within(measured.registered_tests(mutant.path, mutant.lines), self.budget)
        began = time.monotonic()
        outcome, by = "uncovered", ""
        if tests:
            with restore_contents(file):
                file.write_text(text, encoding="utf-8")
                _forget_compiled(file)
                outcome, by = self._outcome(tests)
        return Trial(mutant, was, now, outcome, by, len(tests), time.monotonic() - began)

    def _outcome(self, tests: list[str]) -> tuple[str, str]:
        allowed = STARTING_SECONDS + SLOWER * sum(self.measured.seconds[test] for test in tests)
        code, output = self._run(tests, allowed)
        if code == USAGE_ERROR:  # the fault has renamed a test: whole files then
            code, output = self._run(sorted({test.partition("::")[0] for test in tests}), allowed)
        if code is None:
            return "killed", f"after {allowed:.0f} s"
        if code == 0:
            return "survived", ""
        failed = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return "killed", "by " + (failed[0].split(" - ")[0].split(maxsplit=1)[1] if failed else f"exit {code}")

    def _run(self, tests: list[str], allowed: float) -> tuple[int | None, str]:
        assert self._starter.stdin is not None
        assert self._starter.stdout is not None
        arguments = [allowed, "-x", "-q", "-p", "no:cacheprovider", "--tb=no", *tests]
        self._starter.stdin.write(json.dumps(arguments) + "\n")
        self._starter.stdin.flush()
        code, output = json.loads(self._starter.stdout.readline())
        return code, output


def _forget_compiled(file: Path) -> None:
    """The fault is no longer than its file, perhaps of the same second: Python would take the one for the other."""
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
        compiled.unlink()
