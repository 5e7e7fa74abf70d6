"""The tasks a sweep still has to do, by name and in order: what is ready, and what waits for another to finish."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping


class TaskQueue:
    """Tasks in their order; one that comes after another waits until that one is done.

    after: the task that each has to wait for, or None. finished: what needs no doing any more, and whether it is done
    (True) or failed (False).
    """

    def __init__(self, after: Mapping[str, str | None], finished: Mapping[str, bool]) -> None:
        self._after = dict(after)
        self._finished = dict(finished)
        self._ready: deque[str] = deque()
        self._waiting: dict[str, list[str]] = {}
        self._lost: list[str] = []
        for name in self._after:
            self._place(name)

    def _place(self, name: str) -> None:
        after = self._after[name]
        if after is None or self._finished.get(after) is True:
            self._ready.append(name)
        elif after in self._after and after not in self._finished:
            self._waiting.setdefault(after, []).append(name)
        else:
            self._lost.append(name)

    def next(self) -> str | None:
        """The next task that may begin; None where nothing is ready now."""
        return self._ready.popleft() if self._ready else None

    def settle(self, name: str, *, is_done: bool) -> None:
        """Note that a task is done or failed; those that waited for it become ready, or are lost."""
        self._finished[name] = is_done
        for waiting in self._waiting.pop(name, []):
            self._place(waiting)

    def take_lost(self) -> list[tuple[str, str]]:
        """The tasks, each returned once, that cannot be done because another failed, with the name of that one."""
        lost = [(name, str(self._after[name])) for name in self._lost]
        self._lost.clear()
        return lost

    def stop(self) -> None:
        """Begin nothing more."""
        self._ready.clear()
        self._waiting.clear()
        self._lost.clear()
