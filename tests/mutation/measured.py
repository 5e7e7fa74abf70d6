"""Which tests run a line, and how long each takes: measured once for a copy of the checkout, by pytest-cov."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from coverage import CoverageData

NOT_RUN = ("tests/bench/", "tests/docs/", "tests/house/", "tests/kernel/", "tests/mutation/", "tests/verification/")
"""What holds no figure of the rooms above the kernel, or is too slow to be run for one mutant."""

QUICK_SECONDS, MOST_QUICK = 0.05, 100
"""Tests of a line that are run whatever else is."""

SETTINGS = "[run]\nsource = marketsim\nomit = marketsim/kernel/*\n"


class Measured:
    """The copy in `folder/tree`, the lines that its tests ran and the seconds that these took.

    among: beginnings of the names of the tests that may be chosen; all where none is given.
    """

    def __init__(self, folder: Path, among: Sequence[str] = ()) -> None:
        self.folder, self.among = folder, tuple(among) or ("",)
        self.tree = folder / "tree"

    def copy(self, root: Path) -> None:
        """Bring the copy to what the checkout holds."""
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
        kept = {name for name in names if (root / name).is_file()}
        for name in kept:
            to = self.tree / name
            if not to.exists() or to.read_bytes() != (root / name).read_bytes():
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / name, to)
        for path in list(self.tree.rglob("*.py")):
            if str(path.relative_to(self.tree)) not in kept:
                path.unlink()

    def environment(self, **more: str) -> dict[str, str]:
        """So that every child process imports the copy."""
        return {**os.environ, "PYTHONPATH": str(self.tree), **more}

    def measure(self, workers: str, keeps: bool) -> None:
        """Run the tests that are new or changed since they were measured; all of them where a source has changed.

        keeps: leave the others' lines as they were measured, though a source has changed.
        """
        now = {name: path.read_text(encoding="utf-8") for name, path in self._files()}
        at = self.folder / "measured.json"
        before = json.loads(at.read_text(encoding="utf-8")) if at.exists() else {}
        tests = [name for name in now if is_test(name)]
        if not keeps and any(now.get(name) != text for name, text in before.items() if not is_test(name)):
            before = {}
        stale = [name for name in tests if before.get(name) != now[name]]
        if not stale:
            return
        print(f"measuring {len(stale)} of {len(tests)} files of tests", flush=True)
        if not before:
            (self.folder / "coverage").unlink(missing_ok=True)
        settings = self.folder / "settings.ini"
        settings.write_text(SETTINGS, encoding="utf-8")
        options = [
            "-q",
            "-n",
            workers,
            "--dist",
            "loadfile",
            "-p",
            "tests.mutation.durations",
            "-p",
            "no:cacheprovider",
        ]
        options += [
            "--cov=marketsim",
            f"--cov-config={settings}",
            "--cov-context=test",
            "--cov-report=",
            "--cov-append",
        ]
        environment = self.environment(
            PYTHONDONTWRITEBYTECODE="",  # the trials read what is compiled here
            COVERAGE_FILE=str(self.folder / "coverage"),
            DURATIONS=str(self.folder / "durations.json"),
        )
        run = [sys.executable, "-m", "pytest", *options, *stale]
        done = subprocess.run(run, cwd=self.tree, env=environment, check=False)
        if done.returncode:
            raise SystemExit("mutation: the tests must pass before any fault is put in")
        at.write_text(json.dumps(now), encoding="utf-8")

    def _files(self) -> Iterable[tuple[str, Path]]:
        for top in ("marketsim", "tests"):
            for path in sorted((self.tree / top).rglob("*.py")):
                name = str(path.relative_to(self.tree))
                if not name.startswith(NOT_RUN) and not name.startswith("marketsim/kernel/"):
                    yield name, path

    @cached_property
    def seconds(self) -> Mapping[str, float]:
        """By test."""
        return {str(k): float(v) for k, v in json.loads((self.folder / "durations.json").read_text()).items()}

    @cached_property
    def _data(self) -> CoverageData:
        data = CoverageData(basename=str(self.folder / "coverage"))
        data.read()
        return data

    @cached_property
    def _by_file(self) -> dict[str, dict[int, set[str]]]:
        """Of each line of each file its contexts: a test and its phase."""
        found: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for measured in self._data.measured_files():
            lines = found[measured[measured.rindex("marketsim/") :]]
            for line, contexts in self._data.contexts_by_lineno(measured).items():
                lines[line].update(one for one in contexts if one.rpartition("|")[0] in self.seconds)
        return found

    @cached_property
    def _in_file(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for test in self.seconds:
            found[file_of(test)].append(test)
        return found

    @cached_property
    def _breadth(self) -> Mapping[str, int]:
        """How many lines a test runs: the fewer, the more it is about each."""
        contexts = (one for lines in self._by_file.values() for some in lines.values() for one in some)
        return Counter(one.rpartition("|")[0] for one in contexts)

    def registered_tests(self, path: str, lines: tuple[int, int]) -> list[str]:
        """The tests that run one of the lines, else the file's: those that take no time, then files in turn.

        The nearest come first. What was run by the setting-up of one test may be what others of its file look at.
        """
        by_line = self._by_file.get(path, {})
        contexts = set().union(*(by_line.get(line, set()) for line in range(lines[0], lines[1] + 1)))
        contexts = contexts or set().union(*by_line.values(), set())
        own = {test for test, _, phase in (one.rpartition("|") for one in contexts) if phase != "setup"}
        prepared = {file_of(one) for one in contexts if one.endswith("|setup")}
        every = own.union(*(self._in_file[file] for file in prepared))
        nearest = [test for test in every if test.startswith(self.among)]
        nearest.sort(key=lambda test: (test not in own, self._breadth[test], test))
        quick = [test for test in nearest if test in own and self.seconds[test] < QUICK_SECONDS][:MOST_QUICK]
        turns: Counter[str] = Counter()
        when = {}
        for test in nearest:
            turns[file_of(test)] += 1
            when[test] = turns[file_of(test)]
        return list(dict.fromkeys([*quick, *sorted(nearest, key=lambda test: when[test])]))

    def within(self, tests: Iterable[str], budget: float) -> list[str]:
        """The first of these that take no longer than a budget together [s], those of one file side by side."""
        chosen: dict[str, list[str]] = {}
        spent = 0.0
        for test in tests:
            if spent and spent + self.seconds[test] > budget:
                continue
            spent += self.seconds[test]
            chosen.setdefault(file_of(test), []).append(test)
        return [test for some in chosen.values() for test in some]


def file_of(test: str) -> str:
    """The file of a test, by its name or that of its context."""
    return test.partition("::")[0]


def is_test(name: str) -> bool:
    return name.startswith("tests/") and name.rpartition("/")[2].startswith("test_")
