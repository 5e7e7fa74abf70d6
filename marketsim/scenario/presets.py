"""Presets: dated sets of keys that a file names instead of spelling out. The files beside this one hold them.

A preset file has `preset` (its name), `for` (markets or tokens), `date` (which version of the rules), `source`,
`about`, and `keys` (what it sets). Tables of margin tiers, which need no file, are in `venues/margin`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from marketsim.scenario.loader import read
from marketsim.scenario.nodes import Node, Problems, plain

FOLDER = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class Preset:
    """A named, dated set of keys with its source."""

    name: str
    section: str
    date: str
    source: str
    about: str
    keys: Node


@cache
def all_presets() -> dict[tuple[str, str], Preset]:
    """Every preset by (section, name)."""
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        problems = Problems()
        node = read(path, problems)
        assert not problems.found, problems.found
        head = {key: str(plain(node.map[key])) for key in ("preset", "for", "date", "source", "about")}
        keys = _marked(node.map["keys"], head["preset"], path.name)
        preset = Preset(head["preset"], head["for"], head["date"], head["source"], head["about"], keys)
        found[preset.section, preset.name] = preset
    return found


def presets_for(section: str) -> dict[str, Preset]:
    """The presets of markets or tokens, by name."""
    return {name: preset for (of, name), preset in all_presets().items() if of == section}


def _marked(node: Node, name: str, file: str) -> Node:
    """The same nodes, each saying which preset it comes from."""
    place = node.place._replace(file=f"presets/{file}")
    value = node.value
    if isinstance(value, dict):
        value = {key: _marked(entry, name, file) for key, entry in value.items()}
    elif isinstance(value, list):
        value = [_marked(item, name, file) for item in value]
    keys = {key: where._replace(file=f"presets/{file}") for key, where in node.keys.items()}
    return replace(node, value=value, place=place, origin=f"preset {name}", keys=keys)
