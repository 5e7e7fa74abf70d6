"""What a sweep still has to do, in order: what is ready, and what waits for something else to be finished first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from marketsim.experiments.engine import Task
from marketsim.experiments.order import Answer


@dataclass(frozen=True)
class Item:
    """One thing to do: a whole run, or several that one process makes together. `name` is unique.

    task: makes the workers' task, when its turn comes. leave: what to do instead, given the reason, where it cannot be
    done: its workers died, or what it comes `after` failed.
    """

    name: str
    task: Callable[[], Task]
    leave: Callable[[str], Answer]
    after: str | None = None


class Agenda:
    """Items in order; those that come after another wait until that one is done."""

    def __init__(self, items: Iterable[Item], standing: Mapping[str, bool]) -> None:
        """standing: what needs no doing any more, by name, and whether it is done or failed."""
        self._ready: deque[Item] = deque()
        self._waiting: dict[str, list[Item]] = {}
        self._stands = dict(standing)
        self.items = {item.name: item for item in items}
        self._lost: list[Item] = []
        for item in self.items.values():
            self._place(item)

    def _place(self, item: Item) -> None:
        if item.after is None or self._stands.get(item.after) is True:
            self._ready.append(item)
        elif item.after in self.items and item.after not in self._stands:
            self._waiting.setdefault(item.after, []).append(item)
        else:
            self._lost.append(item)

    def next(self) -> Item | None:
        """The next item whose turn it is; None where nothing is ready now."""
        return self._ready.popleft() if self._ready else None

    def settle(self, name: str, *, is_done: bool) -> None:
        """Say that an item is done or failed; those that waited for it become ready, or are lost."""
        self._stands[name] = is_done
        for item in self._waiting.pop(name, []):
            self._place(item)

    def lost(self) -> list[Item]:
        """The items, each told once, that can no longer be done because what they come after failed."""
        lost, self._lost = self._lost, []
        return lost

    def stop(self) -> None:
        """Begin nothing more."""
        self._ready.clear()
        self._waiting.clear()
        self._lost.clear()
