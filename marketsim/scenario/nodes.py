"""A document as it was written: values with the place and the origin of each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from marketsim.errors import Problem

Path = tuple[str | int, ...]

INCOMPLETE = "incomplete"
"""Origin of a thing whose preset or sibling is not there: what it lacks is not its own mistake."""


class Place(NamedTuple):
    """Where something stands: file, line and column, both counted from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True)
class Node:
    """A value and where it comes from; maps hold Nodes by key (and the place of each key), lists hold Nodes."""

    value: dict[str, Node] | list[Node] | str | int | Decimal | bool | None
    place: Place
    text: str = ""
    origin: str = ""
    keys: dict[str, Place] = field(default_factory=dict)

    @property
    def map(self) -> dict[str, Node]:
        """The entries of a map; none for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def list(self) -> list[Node]:
        """The items of a list; none for anything else."""
        return self.value if isinstance(self.value, list) else []

    def with_entries(self, entries: dict[str, Node], keys: dict[str, Place]) -> Node:
        """The same map with other entries."""
        return replace(self, value=entries, keys={key: keys[key] for key in entries if key in keys})

    def shown(self) -> str:
        """The offending text as a message quotes it."""
        if isinstance(self.value, dict):
            return "{" + ", ".join(self.value) + "}"
        return f"a list of {len(self.value)}" if isinstance(self.value, list) else self.text


def plain(node: Node) -> Any:
    """The value without places."""
    if isinstance(node.value, dict):
        return {key: plain(entry) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def id_of(node: Node) -> str | None:
    """The id of a thing that has one."""
    found = node.map.get("id")
    return found.value if found is not None and isinstance(found.value, str) else None


def at(root: Node, path: Path) -> Node | None:
    """The node at a path of keys and positions, if it is there."""
    node: Node | None = root
    for part in path:
        if node is None:
            return None
        if isinstance(part, int):
            node = node.list[part] if 0 <= part < len(node.list) else None
        else:
            node = node.map.get(part)
    return node


def nearest(root: Node, path: Path) -> Node:
    """The node at a path, or the closest one around the place where it should be."""
    while path and at(root, path) is None:
        path = path[:-1]
    return at(root, path) or root


def named(root: Node, path: Path) -> str:
    """A path as people write it: things by id, the rest by key or position."""
    parts, node = [], root
    for part in path:
        below = at(node, (part,))
        parts.append(str((below and id_of(below)) or part) if isinstance(part, int) else part)
        node = below or Node({}, node.place)
    return ".".join(parts)


def near(word: str, words: Iterable[str]) -> str:
    """The word that was perhaps meant, or nothing."""
    return _near(word, tuple(words))


@lru_cache(maxsize=4_096)
def _near(word: str, words: tuple[str, ...]) -> str:
    candidates = {candidate.lower(): candidate for candidate in words}
    found = difflib.get_close_matches(word.lower(), candidates, n=1, cutoff=0.6)
    return candidates[found[0]] if found else ""


class Problems:
    """Collects every mistake of a scenario, each named once."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self._known: set[tuple[str, int, int, str]] = set()

    def add(self, place: Place, path: str, text: str, message: str, allowed: str = "", suggestion: str = "") -> None:
        """Note one mistake; what copies and anchors repeat is noted once, where it was written."""
        self.note(Problem(place.file, place.line, place.column, path, text, message, allowed, suggestion))

    def note(self, problem: Problem) -> None:
        """Note a problem unless the same one stands there already."""
        where = (problem.file, problem.line, problem.column, problem.message)
        if where not in self._known:
            self._known.add(where)
            self.found.append(problem)

    def at(self, root: Node, path: Path, message: str, allowed: str = "", suggestion: str = "") -> None:
        """Note a mistake in the value at a path, or in what stands around it when it is absent."""
        node = nearest(root, path)
        text = node.shown() if at(root, path) is node else ""
        self.add(node.place, named(root, path), text, message, allowed, suggestion)

    def at_key(self, root: Node, path: Path, message: str, allowed: str = "", suggestion: str = "") -> None:
        """Note a mistake in the last key of a path, which is there."""
        around, key = nearest(root, path[:-1]), str(path[-1])
        self.add(around.keys.get(key, around.place), named(root, path), key, message, allowed, suggestion)
