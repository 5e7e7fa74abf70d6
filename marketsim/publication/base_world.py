"""How a study's world differs from the base world that it extends, path by path."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import marketsim.scenario as scenarios
from marketsim.datasets.study import Study
from marketsim.errors import MarketsimError
from marketsim.experiments.given_files import GIVEN
from marketsim.scenario.loader import read
from marketsim.scenario.nodes import Problems
from marketsim.scenario.shipped import is_reference

LEFT_OUT = ("study", "seed", "name", "title", "references", "schema")
MOST_TEXT = 160


def base_of(study: Study) -> tuple[str, Mapping[str, Any]] | None:
    """The base world that the study's scenario extends last: its name, and its resolved document; None without one."""
    folder = study.path / GIVEN
    extends = {path: _extended(path) for path in sorted(folder.rglob("*.yaml"))} if folder.is_dir() else {}
    bases = {(path.parent / base).resolve() for path, base in extends.items() if base and not is_reference(base)}
    path = next((path for path in extends if path.resolve() not in bases), None)
    seen: list[str | Path] = []
    while path is not None and (base := extends.get(path)) and len(seen) < len(extends):
        found = base if is_reference(base) else (path.parent / base).resolve()
        seen.append(found)
        path = None if isinstance(found, str) else next((each for each in extends if each.resolve() == found), None)
    if not seen:
        return None
    try:
        world = scenarios.load(seen[-1])
    except MarketsimError:
        return None
    return world.name, world.canonical()


def _extended(path: Path) -> str | None:
    try:
        found = read(path, Problems()).map.get("extends")
    except MarketsimError:
        return None
    return str(found.value) if found is not None and isinstance(found.value, str) else None


def changes(base: Mapping[str, Any], world: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """What differs: the path, its value in the base ("" where there is none), and its value here ("" likewise)."""
    before, after = dict(_leaves(base)), dict(_leaves(world))
    paths = sorted(before.keys() | after.keys())
    return tuple(
        (path, before.get(path, ""), after.get(path, "")) for path in paths if before.get(path) != after.get(path)
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Paths to values that are no maps; members of lists are named by their id where they have one."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if path or key not in LEFT_OUT:
                yield from _leaves(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) and "id" in each for each in value):
        for each in value:
            yield from _leaves({key: part for key, part in each.items() if key != "id"}, f"{path}.{each['id']}")
    elif value is not None and value != [] and value != {}:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield path, text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 3]}..."
