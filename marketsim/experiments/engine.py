"""Parallel work: tasks handed to Dask workers, one core each, and a receipt for every one of them.

The local workers live in a process of their own (`local_workers`). Work is pulled: no more tasks are out than workers
can begin, so a study of any length fits in memory, and a task can be added while others run.

A worker that dies takes its task with it; the task is tried again, and after `TRIES` deaths it is left as failed. What
a task leaves is on disk (`datasets.store`), so nothing of a finished task can be lost here.
"""

from __future__ import annotations

import gc
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from marketsim.errors import EnvironmentLackError, ProcessKilledError
from marketsim.experiments.local_workers import Door, LocalWorkers
from marketsim.experiments.memory import MB, resident_bytes
from marketsim.experiments.task import Receipt, Task, error_text
from marketsim.experiments.worker_host import CONFIG

if TYPE_CHECKING:
    from distributed import Client, Future

TRIES = 3
RUNS_OF_A_WORKER = 500  # then it is restarted, which bounds what libraries never free
WORN_SHARE = 0.5  # of its memory limit held while idle: restarted as well
LOOK_S, LOOK_SHORT_S = 0.5, 0.05
CONNECT_S = 30.0
RESTART_S = 60.0
END_S = 60.0  # a worn worker that nobody ends goes on


@dataclass(frozen=True)
class _Done:
    receipt: Receipt
    worker: str
    rss_bytes: int
    is_worn: bool


@dataclass
class _Submitted:
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
    own: LocalWorkers | None = None
    door: Door = field(default_factory=lambda: Door(""))
    _worn: set[str] = field(default_factory=set)
    _short_s: float | None = None  # since when a worker that died is missing

    @classmethod
    def local(cls, workers: int, memory_limit: int = 0) -> Self:
        """Start `workers` processes here, each killed beyond `memory_limit` [bytes]; 0 leaves it to the system.

        Raises `EnvironmentLackError` where they do not start.
        """
        own = LocalWorkers(workers, memory_limit)
        try:
            door = own.door()
            return cls(_connected(door), workers, memory_limit, own, door)
        except BaseException:
            own.stop()
            raise

    @classmethod
    def at(cls, address: str) -> Self:
        """Use the workers of the scheduler at `address`; raises `EnvironmentLackError` where there are none.

        `tls://` shows the certificate that Dask's own configuration names (`distributed.comm.tls`).
        """
        client = _connected(Door(address))
        try:
            client.wait_for_workers(1, timeout=CONNECT_S)
        except TimeoutError:
            client.close()
            raise EnvironmentLackError(f"the scheduler at {address} has no workers after {CONNECT_S:g} s") from None
        return cls(client, sum(client.nthreads().values()), door=Door(address))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the local workers at once, whatever they are at; an existing cluster loses this client alone."""
        with _silence():
            self.client.close(timeout=2)
            if self.own is not None:
                self.own.stop()

    def pids(self) -> list[int]:
        """The process numbers of the workers."""
        return sorted(self.client.run(os.getpid).values())

    def receipts(self, take: Callable[[], Task | None]) -> Iterator[Receipt]:
        """Do the tasks that `take` gives; yields their receipts as they end.

        `take` is asked when a worker is free; None means that nothing is ready now. Raises `EnvironmentLackError` where
        the cluster is gone.
        """
        ended: SimpleQueue[str] = SimpleQueue()
        out: dict[str, _Submitted] = {}
        again: deque[_Submitted] = deque()
        while True:
            is_all = False
            while len(out) < self._most_submitted():  # one task for each worker: a death costs no other
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
            receipt = self._receipt(one)
            if receipt is None:
                self._short_s = monotonic() if self.own is not None else None
                again.append(one)
            else:
                yield replace(receipt, task=name, deaths=one.deaths)

    def _most_submitted(self) -> int:
        """How many tasks may be out: after a death no more than there are workers, until its successor is there."""
        if self._short_s is None:
            return self.workers
        living = self._living()
        if living >= self.workers:
            self._short_s = None
        elif not living and monotonic() - self._short_s > RESTART_S:
            raise EnvironmentLackError("workers that died do not start again; what was finished is kept")
        return min(living, self.workers)

    def _submit(self, one: _Submitted, ended: SimpleQueue[str]) -> None:
        most = RUNS_OF_A_WORKER if self.own is not None else 0
        task, name = one.task, one.task.name
        key = f"{name}-{one.attempts}"
        one.attempts += 1
        one.future = self.client.submit(_work, task, most, key=key, pure=False, retries=0)
        one.future.add_done_callback(lambda _: ended.put(name))

    def _next(self, ended: SimpleQueue[str]) -> str | None:
        """The name of a task that has ended; None now and then, having looked whether the cluster is still there."""
        try:
            return ended.get(timeout=LOOK_S if self._short_s is None else LOOK_SHORT_S)
        except Empty:
            gone = self.own is not None and not self.own.is_alive()
            if gone or self.client.status not in ("running", "connecting"):
                raise _gone() from None
            if self.own is not None and self._short_s is None and not self._living():
                self._short_s = monotonic()  # all died while nothing of theirs had begun
            return None

    def _living(self) -> int:
        """How many workers there are now."""
        with suppress(OSError):  # where the scheduler is gone, `_next` says so
            return len(self.client.nthreads())
        return 0

    def _receipt(self, one: _Submitted) -> Receipt | None:
        """The receipt of a task that has ended, None where it is to be tried again."""
        from distributed import CancelledError, KilledWorker

        future, one.future = one.future, None  # released here: the scheduler forgets it
        assert future is not None
        try:
            done: _Done = future.result()
        except KilledWorker as error:
            worker = getattr(error.last_worker, "address", "")
            if worker in self._worn:  # it was ended on purpose, before it began
                return None
            return self._died(one)
        except ProcessKilledError:
            return self._died(one)
        except CancelledError:
            raise _gone() from None
        except Exception as error:
            return one.task.fail(error_text(error))
        if done.is_worn:
            self._end_worn(done.worker)
        return replace(done.receipt, worker=done.worker, memory_mb=done.rss_bytes / MB)

    def _died(self, one: _Submitted) -> Receipt | None:
        """What becomes of a task whose process was killed: it is tried again, up to `TRIES` times in all."""
        one.deaths += 1
        return None if one.deaths < TRIES else fail_dead(one.task)

    def _end_worn(self, worker: str) -> None:
        """End a worker that has said that it is worn: a task that waits there is tried again."""
        self._worn.add(worker)
        self._short_s = monotonic()
        self.client.run(os._exit, 0, workers=[worker], on_error="ignore")  # it ends in the middle of its answer


def fail_dead(task: Task) -> Receipt:
    """Leave a task as failed whose every worker died."""
    return task.fail(f"{TRIES} workers died while they ran it: killed, or out of memory")


def _taken(take: Callable[[], Task | None]) -> _Submitted | None:
    task = take()
    return None if task is None else _Submitted(task)


def _gone() -> EnvironmentLackError:
    return EnvironmentLackError("the workers' scheduler is gone; what was finished is kept, start again to continue")


_tasks_done, _is_worn = 0, False  # of this worker process


def _work(task: Task, most: int) -> _Done:
    """Do one task in a worker; a worn one has said so with its last receipt and begins no more until it is ended."""
    global _tasks_done, _is_worn  # a worker process does one task after the other
    from distributed import get_worker

    if _is_worn:
        sleep(END_S)
    worker = get_worker()
    limit = getattr(worker.memory_manager, "memory_limit", None) or 0
    receipt = task.perform()
    _tasks_done += 1
    _is_worn = most > 0 and (_tasks_done >= most or _holds_much(limit))
    return _Done(receipt, worker.address, resident_bytes(), _is_worn)


def _holds_much(limit: int) -> bool:
    """Whether this process holds more than `WORN_SHARE` of its memory limit [bytes, 0 for none], garbage aside."""
    if not limit or resident_bytes() <= WORN_SHARE * limit:
        return False
    gc.collect()
    return resident_bytes() > WORN_SHARE * limit


def cores() -> int:
    """The processor cores this process may use, as the system and a container limit them."""
    from dask.system import CPU_COUNT

    return int(CPU_COUNT)


def share_of_memory(workers: int) -> int:
    """A worker's share of the memory this process may use [bytes]."""
    from distributed.system import MEMORY_LIMIT

    return int(MEMORY_LIMIT) // workers


def _connected(door: Door) -> Client:
    """A client of the scheduler; raises `EnvironmentLackError` where none answers."""
    import dask
    from distributed import Client
    from distributed.comm.addressing import get_address_host_port
    from distributed.security import Security

    security = None
    if door.certificate:
        pair = {"tls_client_cert": door.certificate, "tls_client_key": door.key, "tls_ca_file": door.certificate}
        security = Security(require_encryption=True, **pair)
    with dask.config.set(CONFIG):
        try:
            get_address_host_port(door.address, strict=True)
            return Client(door.address, security=security, set_as_default=False, timeout=CONNECT_S)
        except (OSError, ValueError, TypeError, TimeoutError) as error:
            message = f"no Dask scheduler answers at {door.address}: {error}"
            if door.address.startswith("tls://"):
                message += " (its certificates are those of Dask's own configuration, `distributed.comm.tls`)"
            raise EnvironmentLackError(message) from None


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Dask's own words of a connection that ends from the user."""
    logger = logging.getLogger("distributed.client")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
