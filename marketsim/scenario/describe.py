"""A scenario for people: the resolved document with the origin of every value, or what it means in sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from marketsim.scenario.document import ScenarioSpec
from marketsim.scenario.loader import plain_scalar
from marketsim.scenario.nodes import Node, id_of
from marketsim.scenario.resolve import load
from marketsim.scenario.sentences import in_sentences

_FIRST = ("schema", "id", "name", "title", "kind", "policy", "algorithm", "rule", "mode")
_PLAIN = re.compile(r"-?[\w.][\w .+/%?;()-]*(?<! )|\d\d:\d\d|[\d-]+T[\d:.]+Z")
"""Text that YAML takes as it stands."""
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w.*%/ +-]*(?<! )")


def show(path: str | Path, overrides: Mapping[str, Any] | Sequence[str] = (), sentences: bool = False) -> str:
    """The resolved scenario as text: with origins, or in words. Raises ScenarioError when it is invalid."""
    return described(load(ScenarioSpec, path, overrides), sentences)


def described(scenario: ScenarioSpec, sentences: bool = False) -> str:
    """A loaded scenario as text: with origins, or in words."""
    return in_sentences(scenario) if sentences else with_origins(scenario)


def as_yaml(scenario: ScenarioSpec) -> str:
    """The resolved scenario as a YAML file."""
    return "".join(f"{text}\n" for text, _ in _lines(scenario.complete(), None, 0, ""))


def with_origins(scenario: ScenarioSpec) -> str:
    """The resolved scenario as YAML, every value with a comment that says where it comes from."""
    lines = list(_lines(scenario.complete(), scenario.document, 0, ""))
    width = min(max((len(text) for text, _ in lines), default=0), 72)
    return "\n".join(f"{text:<{width}}  # {origin}" if origin else text for text, origin in lines)


def _lines(value: Any, node: Node | None, depth: int, lead: str) -> Iterator[tuple[str, str]]:
    """Lines of YAML, each with the origin of its value."""
    pad = "  " * depth
    if isinstance(value, dict) and value:
        for key in sorted(value, key=lambda key: (_FIRST.index(key) if key in _FIRST else len(_FIRST), key)):
            below = node.map.get(key) if node is not None else None
            inner = value[key]
            if isinstance(inner, (dict, list)) and inner and not _is_short(inner):
                yield f"{pad}{lead}{_key(key)}:", ""
                yield from _lines(inner, below, depth + 1 + len(lead) // 2, "")
            else:
                yield f"{pad}{lead}{_key(key)}: {_scalar(inner)}", _origin(below)
            lead = " " * len(lead)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            below = _member(node, item, position)
            if isinstance(item, dict) and item and not _is_short(item):
                yield from _lines(item, below, depth, "- ")
            else:
                yield f"{pad}- {_scalar(item)}", _origin(below)


def _member(node: Node | None, item: Any, position: int) -> Node | None:
    """The node of a list's item: by id where there is one, else by position."""
    items = node.list if node is not None else []
    if isinstance(item, dict) and "id" in item:
        return next((each for each in items if id_of(each) == item["id"]), None)
    return items[position] if position < len(items) else None


def _is_short(value: Any) -> bool:
    """Whether a value reads best on one line: a short list, a row of a tier table."""
    if isinstance(value, list):
        return len(value) <= 8 and not any(isinstance(item, (dict, list)) for item in value)
    return isinstance(value, dict) and "up_to" in value


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else _quoted(key)


def _scalar(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {_scalar(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_scalar(item) for item in value) + "]"
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "null"}[value]
    if not isinstance(value, str):
        return str(value)
    is_plain = _PLAIN.fullmatch(value) and isinstance(plain_scalar(value), str)
    return value if is_plain else _quoted(value)


def _quoted(text: str) -> str:
    """A text in double quotes; what no file may hold as it is stands there as its number."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in quoted)


def _origin(node: Node | None) -> str:
    if node is None:
        return "default"
    return node.origin or f"{node.place.file}:{node.place.line}"
