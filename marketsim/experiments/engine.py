"""Parallel work: tasks handed to Dask workers, one core each, and what became of every one of them.

The local workers live in a process of their own (`host`). Work is pulled: no more tasks are out than workers can begin,
so a study of any length fits in memory, and a task can be added while others run.

A worker that dies takes its task with it; the task is tried again, and after `TRIES` deaths it is given back as dead.
What a task leaves is on disk (`datasets.store`), so nothing of a finished task can be lost here.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from select import select
from time import monotonic, sleep
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from marketsim.errors import EnvironmentLackError
from marketsim.experiments.host import Host
from marketsim.experiments.memory import MB, resident_bytes

if TYPE_CHECKING:
    from distributed import Client, Future

TRIES = 3
RUNS_OF_A_WORKER = 500  # then it starts anew: what libraries never give back is bounded
WORN_SHARE = 0.5  # of its memory limit held while idle: starts anew as well
LOOK_S, LOOK_SHORT_S = 0.5, 0.05
CONNECT_S = 30.0
RESTART_S = 60.0
WATCH_S, LOOKS_UNTIL_REVIVED = 2.0, 3  # how the host looks after workers that nobody starts again
GATHER_S = 10.0
CONFIG = {
    "distributed.scheduler.allowed-failures": 0,  # every death comes back here and is counted here
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.comm.retry.count": 2,
    "distributed.admin.tick.limit": "1h",
}


@dataclass(frozen=True)
class Task:
    """A function of an importable module and its arguments; `name` is unique among the tasks of a cluster."""

    name: str
    act: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a task: its value, or the error it raised, or neither where the workers that tried it died."""

    name: str
    value: Any = None
    error: BaseException | None = None
    deaths: int = 0
    memory_mb: float = 0.0
    worker: str = ""

    @property
    def is_dead(self) -> bool:
        """Whether every worker that tried it died."""
        return self.error is None and self.deaths >= TRIES


@dataclass(frozen=True)
class _Done:
    value: Any
    worker: str
    rss_bytes: int
    is_worn: bool


@dataclass
class _Out:
    """A task that is with the workers."""

    task: Task
    future: Future[Any] | None = None
    deaths: int = 0
    attempts: int = 0


@dataclass
class Cluster:
    """Workers that take tasks; `local` starts them here, `at` uses those of an existing Dask scheduler."""

    client: Client
    workers: int
    memory: int = 0  # of each worker [bytes], where it is known
    host: Host | None = None
    _worn: set[str] = field(default_factory=set)
    _short_s: float | None = None  # since when a worker that died is missing

    @classmethod
    def local(cls, workers: int, memory_limit: int = 0) -> Self:
        """Start `workers` processes here, each killed beyond `memory_limit` [bytes]; 0 leaves it to the system.

        Raises `EnvironmentLackError` where they do not start.
        """
        host = Host(workers, memory_limit)
        try:
            return cls(_connected(host.address()), workers, memory_limit, host)
        except BaseException:
            host.stop()
            raise

    @classmethod
    def at(cls, address: str) -> Self:
        """Use the workers of the scheduler at `address`; raises `EnvironmentLackError` where there are none."""
        client = _connected(address)
        try:
            client.wait_for_workers(1, timeout=CONNECT_S)
        except TimeoutError:
            client.close()
            raise EnvironmentLackError(f"the scheduler at {address} has no workers after {CONNECT_S:g} s") from None
        return cls(client, sum(client.nthreads().values()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the local workers at once, whatever they are at; an existing cluster loses this client alone."""
        with _silence():
            self.client.close(timeout=2)
            if self.host is not None:
                self.host.stop()

    def pids(self) -> list[int]:
        """The process numbers of the workers."""
        return sorted(self.client.run(os.getpid).values())

    def outcomes(self, take: Callable[[], Task | None]) -> Iterator[Outcome]:
        """Do the tasks that `take` gives; yields as they end. It is asked when a worker is free, None = nothing now.

        Raises `EnvironmentLackError` where the cluster is gone.
        """
        ended: SimpleQueue[str] = SimpleQueue()
        out: dict[str, _Out] = {}
        again: deque[_Out] = deque()
        while True:
            is_all = False
            while len(out) < self._most_out():  # one task for each worker: a death costs no other
                one = again.popleft() if again else _taken(take)
                is_all = one is None
                if one is None:
                    break
                self._submit(one, ended)
                out[one.task.name] = one
            if is_all and not out:
                return
            name = self._next(ended)
            if name is None:
                continue
            one = out.pop(name)
            outcome = self._outcome(one)
            if outcome is None:
                self._short_s = monotonic() if self.host is not None else None
                again.append(one)
            else:
                yield outcome

    def _most_out(self) -> int:
        """How many tasks may be out: after a death no more than there are workers, until its successor is there."""
        if self._short_s is None:
            return self.workers
        living = 0
        with suppress(OSError):  # where the scheduler is gone, `_next` says so
            living = len(self.client.nthreads())
        if living >= self.workers:
            self._short_s = None
        elif not living and monotonic() - self._short_s > RESTART_S:
            raise EnvironmentLackError("workers that died do not start again; what was finished is kept")
        return min(living, self.workers)

    def _submit(self, one: _Out, ended: SimpleQueue[str]) -> None:
        most = RUNS_OF_A_WORKER if self.host is not None else 0
        task, name = one.task, one.task.name
        key = f"{name}-{one.attempts}"
        one.attempts += 1
        one.future = self.client.submit(_work, task.act, task.arguments, most, key=key, pure=False, retries=0)
        one.future.add_done_callback(lambda _: ended.put(name))

    def _next(self, ended: SimpleQueue[str]) -> str | None:
        """The name of a task that has ended; None now and then, having looked whether the cluster is still there."""
        try:
            return ended.get(timeout=LOOK_S if self._short_s is None else LOOK_SHORT_S)
        except Empty:
            gone = self.host is not None and not self.host.is_alive()
            if gone or self.client.status not in ("running", "connecting"):
                raise _gone() from None
            return None

    def _outcome(self, one: _Out) -> Outcome | None:
        """What became of a task, None where it is to be tried again."""
        from distributed import CancelledError, KilledWorker

        future, one.future = one.future, None  # released here: the scheduler forgets it
        assert future is not None
        try:
            done: _Done = future.result()
        except KilledWorker as error:
            worker = getattr(error.last_worker, "address", "")
            if worker in self._worn:  # it ended by itself; several tasks may have waited there
                return None
            one.deaths += 1
            return None if one.deaths < TRIES else Outcome(one.task.name, deaths=one.deaths)
        except CancelledError:
            raise _gone() from None
        except Exception as error:
            return Outcome(one.task.name, error=error, deaths=one.deaths)
        if done.is_worn:
            self._worn.add(done.worker)
        return Outcome(one.task.name, done.value, None, one.deaths, done.rss_bytes / MB, done.worker)


def _taken(take: Callable[[], Task | None]) -> _Out | None:
    task = take()
    return None if task is None else _Out(task)


def _gone() -> EnvironmentLackError:
    return EnvironmentLackError("the workers' scheduler is gone; what was finished is kept, start again to continue")


_tasks_done = 0  # of this worker process


def _work(act: Callable[..., Any], arguments: tuple[Any, ...], most: int) -> _Done:
    """Do one task in a worker; a worn worker ends here, before it has begun, and its nanny starts a fresh one."""
    global _tasks_done  # a worker process does one task after the other
    from distributed import get_worker

    worker = get_worker()
    limit = getattr(worker.memory_manager, "memory_limit", None) or 0
    if most and _is_worn(most, limit):
        _wait_until(lambda: not worker.data, GATHER_S)  # what it did last has reached the parent
        os._exit(0)
    value = act(*arguments)
    _tasks_done += 1
    return _Done(value, worker.address, resident_bytes(), bool(most) and _is_worn(most, limit))


def _wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    until = monotonic() + seconds
    while not is_so() and monotonic() < until:
        sleep(0.01)


def _is_worn(most: int, limit: int) -> bool:
    return _tasks_done >= most or (limit > 0 and resident_bytes() > WORN_SHARE * limit)


def cores() -> int:
    """The processor cores this process may use, as the system and a container limit them."""
    from dask.system import CPU_COUNT

    return int(CPU_COUNT)


def share_of_memory(workers: int) -> int:
    """A worker's share of the memory this process may use [bytes]."""
    from distributed.system import MEMORY_LIMIT

    return int(MEMORY_LIMIT) // workers


def _connected(address: str) -> Client:
    import dask
    from distributed import Client

    with dask.config.set(CONFIG):
        try:
            return Client(address, set_as_default=False, timeout=CONNECT_S)
        except (OSError, ValueError, TimeoutError) as error:
            message = f"no Dask scheduler answers at {address}: {error}"
            raise EnvironmentLackError(message, f"dask scheduler --host {address}") from None


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Dask's own words of a connection that ends from the user."""
    logger = logging.getLogger("distributed.client")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def serve(workers: int, memory_limit: int, scratch: str) -> None:
    """Be a local cluster until standard input ends: what the host's process does."""
    import dask
    from distributed import LocalCluster

    with dask.config.set(CONFIG):
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=memory_limit,
            dashboard_address=None,
            host="127.0.0.1",
            local_directory=scratch,
        )
        sys.stdout.write(f"{cluster.scheduler_address}\n")
        sys.stdout.flush()
        dead: dict[Any, int] = {}
        while not select([sys.stdin], [], [], WATCH_S)[0]:
            revive(cluster, dead)
        sys.stdin.read()


def revive(cluster: Any, dead: dict[Any, int]) -> None:
    """Start workers anew that nobody starts: Dask's nanny forgets one that ends while it still counts as starting.

    dead: how often in a row each nanny was seen without a process; it is left to itself the first times.
    """
    for name, nanny in list(cluster.workers.items()):
        dead[name] = 0 if nanny.is_alive() else dead.get(name, 0) + 1
        if dead[name] >= LOOKS_UNTIL_REVIVED:
            dead[name] = 0
            nanny.process = None
            with suppress(Exception):  # it is looked at again
                cluster.sync(nanny.instantiate)
