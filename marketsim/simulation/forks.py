"""Forks: one world taken at a quiet instant, and arms run on from it, so that they share all history.

A SimPy process cannot be copied, so the operating-system process is: a parent runs the factual world from event to
event and never records; at each it splits off a child for each arm, which records from there on. Where the platform has
no `fork`, each arm is replayed from the start to the same instant. Both give equal rows (tests/counterfactual).

A process with threads must not be forked, so the parent is a fresh interpreter without any (`run_forks` starts it).
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from marketsim.errors import MarketsimError, ProcessKilledError, ResultError
from marketsim.kernel.warm import warm_up
from marketsim.safe_path import SAFE_PATH, safe_command
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from marketsim.simulation.arms import FACTUAL
from marketsim.simulation.model import MarketModel
from marketsim.simulation.run_builder import ForkWindow, RunBuilder
from marketsim.simulation.running import children_of, open_world

Way = Literal["fork", "replay"]

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
"""Environment of a process that is to be forked: no library starts threads of its own."""

KILLED = 137
"""Exit code of a parent whose forked copy was killed, as shells have it (128 + SIGKILL)."""

PR_SET_PDEATHSIG = 1

CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"
"""macOS has `fork`, but its system libraries do not survive it."""


@dataclass(frozen=True)
class ForkPlan:
    """Forks of one factual world: of each window, a run of each arm.

    source: the factual run's directory, for placebo arms. time_limit: of each forked run, wall time [ns].
    """

    scenario: Scenario
    windows: tuple[ForkWindow, ...]
    arms: tuple[ArmSpec, ...]
    folder: Path
    replication: int = 0
    cell: int | None = None
    source: Path | None = None
    identity: str | None = None
    again: bool = False
    time_limit: int | None = None

    def builders(self) -> list[RunBuilder]:
        """The runs, in the order of their instants."""
        identity = self.identity or self.scenario.sha256()
        return [
            RunBuilder(self.scenario, self.replication, arm, self.cell, self.folder, identity, window, again=self.again)
            for window in sorted(self.windows, key=lambda window: (window.from_ns, window.until_ns))
            for arm in self.arms
        ]


def run_forks(plan: ForkPlan, way: Way | None = None) -> list[Path]:
    """Run every fork that is not there yet; returns all their directories, in time and in the order of the arms.

    way: `fork` copies the process, `replay` runs anew to each instant; absent, what the platform can. A run that fails
    by itself leaves a failed directory; raises ResultError where one left nothing.
    """
    builders = plan.builders()
    missing = [builder for builder in builders if builder.finished() is None]
    if missing:
        is_copied = (way or ("fork" if CAN_FORK else "replay")) == "fork"
        in_new_process(fork_all if is_copied else replay_all, plan, missing)
    places = [builder.find() for builder in builders]
    lost = [str(path) for found, path in places if found == "absent"]
    if lost:
        raise ResultError(f"a forked run left nothing behind: {', '.join(lost)}")
    return [path for _, path in places]


def windows_around(instants: Iterable[int], *, before: int, horizon: int, end_ns: int) -> tuple[ForkWindow, ...]:
    """The windows of a study's `fork` around events [ns], each instant once, none that begins before the run."""
    return tuple(
        ForkWindow(at - before, at, min(at + horizon, end_ns))
        for at in sorted(set(instants))
        if 0 <= at - before < end_ns
    )


def in_new_process(work: Callable[..., Any], *given: Any) -> Any:
    """Call a function in an interpreter without threads, and return its answer.

    Raises ResultError where it fails, ProcessKilledError where it or a copy of it was killed.
    """
    done = subprocess.run(
        safe_command("from marketsim.simulation.forks import serve; serve()"),
        input=pickle.dumps((work, given)),
        env={**os.environ, **ONE_THREAD, **SAFE_PATH},
        capture_output=True,
        check=False,
    )
    if done.returncode < 0 or done.returncode == KILLED:
        raise ProcessKilledError("a process of the forks was killed")
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip()
        raise ResultError(f"forking stopped with code {done.returncode}: {told[-2000:] or 'nothing was said'}")
    return pickle.loads(done.stdout)


def serve() -> None:
    """Program of the new interpreter: read a function and its arguments from standard input, write its result."""
    end_with_parent()
    work, given = pickle.loads(sys.stdin.buffer.read())
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever is printed meanwhile is no answer
    warm_up(lambda text: None)
    try:
        answer = work(*given)
    except ProcessKilledError:
        sys.exit(KILLED)
    except MarketsimError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    answers.buffer.write(pickle.dumps(answer))
    answers.buffer.flush()


def end_with_parent() -> None:
    """Let the system kill this process when the one that started it ends, where it can (Linux, prctl(2)).

    Else it would go on by itself at what another worker has been given meanwhile.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))


def replay_all(plan: ForkPlan, builders: Sequence[RunBuilder]) -> None:
    """Run each fork from the start of the factual world."""
    for builder in builders:
        _build(plan, builder, lambda: MarketModel(plan.scenario, replication=plan.replication, arm=FACTUAL))


def fork_all(plan: ForkPlan, builders: Sequence[RunBuilder]) -> None:
    """Run the factual world from instant to instant, and split off a child process for each fork."""
    model = MarketModel(plan.scenario, replication=plan.replication, arm=FACTUAL)
    for at_ns, group in groupby(builders, key=lambda builder: _window(builder).from_ns):
        model.env.run_before(at_ns)
        for builder in group:
            in_child(partial(_build, plan, builder, lambda: model))
    model.close()


def _window(builder: RunBuilder) -> ForkWindow:
    assert builder.window is not None
    return builder.window


def in_child(work: Callable[[], Any]) -> Any:
    """Call a function in a forked copy of this process, and return its result.

    Raises ProcessKilledError where the copy was killed, ResultError where it stopped in an error.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            end_with_parent()
            os.close(reading)
            with os.fdopen(writing, "wb") as told:
                pickle.dump(work(), told)
            code = 0
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)  # nothing of the parent's may run twice
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        answer = told.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        raise ProcessKilledError(f"a forked run was killed by signal {-code}")
    if code > 0:
        raise ResultError("a forked run could not be recorded")
    return pickle.loads(answer)


def _build(plan: ForkPlan, builder: RunBuilder, world: Callable[[], MarketModel]) -> None:
    """Run a world to a fork's instant, let the arm begin, and record until the fork's end; nothing if it is there."""
    if builder.finished() is not None:
        return
    children = children_of(builder.arm, plan.source)
    builder.build(lambda: open_world(builder, children, world()), limit=plan.time_limit)
