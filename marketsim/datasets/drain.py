"""The record's one background thread: jobs are done in the order given, and whoever gets ahead of it waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Queue
from time import perf_counter


class Drain:
    """One thread and a short queue of jobs, so that memory stays bounded; `waited_s` is what its users waited [s].

    A job that fails ends the work: the jobs behind it are dropped, and its exception is raised at the next call. The
    thread starts with the first job and does not keep the process alive.
    """

    def __init__(self, room: int = 2) -> None:
        self.waited_s = 0.0
        self._jobs: Queue[Callable[[], None] | None] = Queue(maxsize=room)
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def submit(self, job: Callable[[], None]) -> None:
        """Have `job` done; waits while the queue is full, and raises what an earlier job raised."""
        self._raise_failure()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="marketsim-record", daemon=True)
            self._thread.start()
        began = perf_counter()
        self._jobs.put(job)
        self.waited_s += perf_counter() - began

    def finish(self) -> None:
        """Wait until every job is done and raise what any of them raised."""
        self.stop()
        self._raise_failure()

    def stop(self) -> None:
        """Wait until the thread has ended, whatever became of the jobs; a later job starts another."""
        if self._thread is not None:
            began = perf_counter()
            self._jobs.put(None)
            self._thread.join()
            self._thread = None
            self.waited_s += perf_counter() - began

    def drop(self) -> None:
        """Drop the jobs that have not begun and wait until the thread has ended."""
        if self._failure is None:
            self._failure = InterruptedError("the record was abandoned")
        self.stop()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._failure is None:
                try:
                    job()
                except BaseException as failure:  # handed to whoever asks next, never lost in the thread
                    self._failure = failure
