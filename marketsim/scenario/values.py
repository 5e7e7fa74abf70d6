"""Values given in Python as nodes of a document, and values of a Spec as JSON has them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from marketsim.errors import UsageError
from marketsim.scenario.nodes import Node, Place
from marketsim.spec import Spec

MAX_DEPTH = 60
GIVEN = "given"
"""Origin of a value that was handed over in Python."""


def node_of(value: Any, place: Place, origin: str, where: str = "") -> Node:
    """A Python value as a node; a float is taken by its shortest decimal text, a NumPy scalar by its value.

    where: the path of the value, for the refusal of what no scenario can hold.
    """
    if where.count(".") > MAX_DEPTH:
        raise UsageError(f"{where}: this is nested too deeply; allowed: at most {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        entries = {_key(key, where): node_of(item, place, origin, _below(where, key)) for key, item in value.items()}
        return Node(entries, place, "", origin, dict.fromkeys(entries, place))
    if isinstance(value, (list, tuple)):
        items = [node_of(item, place, origin, _below(where, _name(item, i))) for i, item in enumerate(value)]
        return Node(items, place, "", origin)
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, float):
        value = Decimal(repr(value))
    is_number = not isinstance(value, Decimal) or value.is_finite()
    if is_number and (value is None or isinstance(value, (bool, int, Decimal, str))):
        return Node(value, place, "" if value is None else str(value), origin)
    what = f"the number {value}" if isinstance(value, Decimal) else f"a {type(value).__name__}"
    raise UsageError(f"{where or 'scenario'}: {what} is no value of a scenario; text, a number, a list or a map is")


def _key(key: Any, where: str) -> str:
    if isinstance(key, str):
        return key
    raise UsageError(f"{where or 'scenario'}: the key {key!r} is no text; allowed: names of keys")


def _name(item: Any, position: int) -> str:
    named = item.get("id") if isinstance(item, Mapping) else None
    return named if isinstance(named, str) else str(position)


def _below(where: str, key: Any) -> str:
    return f"{where}.{key}" if where else str(key)


def value_in_json(spec: type[Spec], name: str, value: Any) -> Any:
    """A value of a field as JSON has it: text with its unit, numbers, lists and maps."""
    kind = spec.__pydantic_fields__[name].rebuild_annotation()
    return TypeAdapter(kind).dump_python(value, mode="json")
