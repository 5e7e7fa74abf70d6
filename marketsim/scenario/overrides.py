"""Overrides of the resolved document: `--set PATH=VALUE`, with things named by id and `*` for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from marketsim.errors import UsageError
from marketsim.scenario.loader import read_value
from marketsim.scenario.merging import merge, without_markers
from marketsim.scenario.nodes import Node, Path, Place, Problems, id_of, near
from marketsim.scenario.values import node_of

_EARLIER = ("extends", "preset", "like", "id", "delete")


def override(root: Node, overrides: Mapping[str, Any] | Sequence[str], problems: Problems) -> Node:
    """The document with every override laid over it, in order; a path that leads nowhere is a problem."""
    for path, value in _pairs(overrides):
        file = f"--set {path}"
        node = (
            read_value(value, file, 1, problems)
            if isinstance(value, str)
            else node_of(value, Place(file, 1, 1), file, path)
        )
        parts = path.split(".")
        if not all(parts):
            problems.add(Place(file, 1, 1), path, path, "this is not a path", "tokens.BTC3L.aum, tokens.*.rebalance.at")
            continue
        if parts[-1] in _EARLIER:
            message = "an override acts on the resolved file, where this key has done its work already"
            problems.add(Place(file, 1, 1), path, parts[-1], message, "the keys it stands for")
            continue
        root = _set(root, parts, node, path, (), problems)
    return without_markers(root, problems)


def _pairs(overrides: Mapping[str, Any] | Sequence[str]) -> list[tuple[str, Any]]:
    if isinstance(overrides, Mapping):
        return [(str(path), value) for path, value in overrides.items()]
    pairs = []
    for text in overrides:
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            raise UsageError(f"--set {text}: this is not PATH=VALUE; as in --set tokens.BTC3L.aum='100 MUSDT'")
        pairs.append((path.strip(), value.strip()))
    return pairs


def _set(node: Node, parts: list[str], value: Node, whole: str, path: Path, problems: Problems) -> Node:
    if not parts:
        return merge(node, value, problems, path)
    part, rest = parts[0], parts[1:]
    if isinstance(node.value, list):
        return _set_in_list(node, part, rest, value, whole, path, problems)
    if isinstance(node.value, dict):
        chosen = list(node.map) if part == "*" else [part]
        if not chosen:
            problems.add(value.place, whole, part, "there is nothing here that * could stand for")
        entries, keys = dict(node.map), dict(node.keys)
        for key in chosen:
            below = entries.get(key)
            if below is None:
                if "*" in rest or _is_section(path, key):
                    problems.add(value.place, whole, key, "there is nothing of this name", ", ".join(node.map), "")
                    continue
                below = Node({} if rest else None, value.place, "", value.origin)
                keys[key] = value.place
            entries[key] = _set(below, rest, value, whole, (*path, key), problems)
        return replace(node, value=entries, keys=keys)
    message = f"{'.'.join(map(str, path))} has no parts to name"
    problems.add(value.place, whole, part, message, "a path that ends there")
    return node


def _is_section(path: Path, key: str) -> bool:
    return not path and key in ("underlyings", "markets", "tokens", "traders", "events")


def _set_in_list(
    node: Node, part: str, rest: list[str], value: Node, whole: str, path: Path, problems: Problems
) -> Node:
    names = [id_of(item) or str(position) for position, item in enumerate(node.list)]
    chosen = range(len(names)) if part == "*" else [names.index(part)] if part in names else []
    if not chosen:
        what = "there is nothing here that * could stand for" if part == "*" else "there is nothing of this name"
        problems.add(value.place, whole, part, what, ", ".join(names) or "nothing", near(part, names))
    items = list(node.list)
    for position in chosen:
        items[position] = _set(items[position], rest, value, whole, (*path, names[position]), problems)
    return replace(node, value=items)
