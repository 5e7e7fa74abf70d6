"""Tasks that workers do in the tests, some of which end the worker; a worker imports this module."""

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

from marketsim.experiments import run_task
from marketsim.experiments.run_task import RunTask
from marketsim.experiments.task import Receipt
from marketsim.simulation.forks import in_child, in_new_process


@dataclass(frozen=True)
class Pid:
    """Answers with the number of the process that does it."""

    name: str

    def perform(self) -> Receipt:
        return Receipt("ok", str(os.getpid()))

    def fail(self, reason: str) -> Receipt:
        return Receipt("failed", reason)


class Raises(Pid):
    def perform(self) -> Receipt:
        raise ValueError("no")


class Kills(Pid):
    """Ends every worker."""

    def perform(self) -> Receipt:
        return die()


@dataclass(frozen=True)
class KillsOnce(Pid):
    """Ends the worker at the first call of all workers."""

    marker: Path

    def perform(self) -> Receipt:
        return die() if first_of_all(self.marker) else super().perform()


@dataclass(frozen=True)
class CopyKilled(Pid):
    """Forks a copy of an interpreter that is killed, at the first call of all workers or at every one."""

    marker: Path
    always: bool = False

    def perform(self) -> Receipt:
        in_new_process(copy_killed, self.always or first_of_all(self.marker))
        return super().perform()


def copy_killed(is_killed: bool) -> None:
    in_child(lambda: die() if is_killed else None)


def wait_in_a_copy(fifo: Path, told: Path) -> None:
    """Say the numbers of this process and of a forked copy, which waits for ever."""

    def wait() -> None:
        told.with_suffix(".part").write_text(f"{os.getppid()} {os.getpid()}", encoding="ascii")
        told.with_suffix(".part").rename(told)
        fifo.read_bytes()

    in_child(wait)


@dataclass(frozen=True)
class Waits(Pid):
    """Waits for ever."""

    fifo: Path

    def perform(self) -> Receipt:
        self.fifo.read_bytes()
        return super().perform()


def die() -> Receipt:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it lives")


def first_of_all(marker: Path) -> bool:
    """Whether nobody called this with the marker before."""
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


class RunKilledOnce(RunTask):
    """A run of a study; the first one ends its worker in the middle of its run."""

    def perform(self) -> Receipt:
        if not first_of_all(self.study / "died"):
            return super().perform()
        run_task.memory_watch = lambda limit: lambda now, end, events: die() if now > end // 2 else None
        return RunTask.perform(replace(self, memory_limit=1))
