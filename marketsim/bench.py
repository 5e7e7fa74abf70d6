"""The benchmarks: each case has a name, a unit, a target, and a function that measures one figure.

A list and nothing more. What is measured belongs to its own room; figures of other simulators are not measured here.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from marketsim.errors import UsageError


@dataclass(frozen=True)
class Case:
    """One figure to be measured: `measure()` gives it in `unit`; `target` is a floor if `at_least`, else a ceiling."""

    name: str
    unit: str
    target: float
    at_least: bool
    measure: Callable[[], float]


def run(names: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Measure the named cases, all without names, one after another; each gives its figure beside its target."""
    unknown = sorted(set(names) - {case.name for case in CASES})
    if unknown:
        allowed = ", ".join(case.name for case in CASES)
        raise UsageError(f"no such benchmark: {', '.join(unknown)}; allowed: {allowed}")
    for case in CASES:
        if names and case.name not in names:
            continue
        started_s = time.perf_counter()
        figure = case.measure()
        yield {
            "case": case.name,
            "figure": round(figure, 6),
            "unit": case.unit,
            "target": case.target,
            "met": figure >= case.target if case.at_least else figure <= case.target,
            "wall_s": round(time.perf_counter() - started_s, 3),
        }


def _median_seconds(*arguments: str, times: int = 7) -> float:
    def once() -> float:
        started_s = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started_s

    once()  # the first start reads bytecode from disk
    return statistics.median(once() for _ in range(times))


def help_seconds() -> float:
    """Time `marketsim --help` from a new process [s]."""
    return _median_seconds("-m", "marketsim", "--help")


def import_seconds() -> float:
    """Time `import marketsim` from a new process [s]."""
    return _median_seconds("-c", "import marketsim")


CASES = [
    Case("help", "s", 0.3, at_least=False, measure=help_seconds),
    Case("import", "s", 0.15, at_least=False, measure=import_seconds),
]
