"""Keys of a Spec as a table: what each takes, what is allowed, its default, all from the schema of scenario files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from marketsim.scenario.schema import Scenario

Shape = Mapping[str, Any]
"""A part of a JSON Schema."""

UNITS = {"type": "a number", "integer": "a whole number", "boolean": "true or false", "number": "a number"}


@cache
def schema() -> Shape:
    """The JSON Schema of resolved scenarios, what is required included."""
    return Scenario.model_json_schema(by_alias=True)


def shape_of(name: str) -> Shape:
    """The part of a Spec, by its class's name; "" for the scenario itself."""
    part: Shape = schema()["$defs"][name] if name else schema()
    return part


def keys_table(shape: Shape, leave_out: frozenset[str] = frozenset()) -> Iterator[str]:
    """The lines of a table of all keys but some; nothing without keys."""
    rows = [(key, part) for key, part in shape.get("properties", {}).items() if key not in leave_out]
    if not rows:
        return
    yield from ("| key | takes | allowed | default |", "|---|---|---|---|")
    for key, part in rows:
        default = "required" if key in shape.get("required", ()) else _text(part.get("default"))
        yield f"| `{key}` | {takes(part)} | {allowed(part)} | {default} |"
    yield ""


def takes(part: Shape) -> str:
    """What a value looks like, in words, with links to the parts it is made of."""
    if "$ref" in part:
        return _link(part["$ref"])
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return " ".join(f"`{word}`" for word in part["enum"] if word is not None)
    several = [*part.get("anyOf", ()), *part.get("oneOf", ())]
    if several:
        return " or ".join(dict.fromkeys(takes(each) for each in several if each.get("type") != "null"))
    if "description" in part:
        examples = ", ".join(f"`{example}`" for example in part.get("examples", ()))
        return part["description"] + (f" ({examples})" if examples and examples.strip("`") not in part["description"] else "")
    if part.get("type") == "array":
        inner = part.get("items") or {"anyOf": part.get("prefixItems", [{}])}
        return f"list of {takes(inner)}"
    if part.get("type") == "object":
        inside = part.get("additionalProperties")
        return f"map to {takes(inside)}" if isinstance(inside, dict) else "map"
    return UNITS.get(part.get("type", ""), "text")


def allowed(part: Shape) -> str:
    """The range, in words; nothing where any value of the type will do."""
    if "allowed" in part:
        return str(part["allowed"])
    return "; ".join(dict.fromkeys(filter(None, (allowed(each) for each in part.get("anyOf", ())))))


def _link(reference: str) -> str:
    name = reference.rpartition("/")[2]
    return f"[{title(name)}]({place(name)})"


def title(name: str) -> str:
    """What a Spec is called on the pages: its class's name without the ending."""
    return name.removesuffix("Spec")


def place(name: str) -> str:
    """Where the part of a Spec stands: on the page of kinds or on that of the language."""
    from marketsim.site.kinds_reference import kinds_by_class

    page = "kinds.md" if name in kinds_by_class() else "language.md"
    return f"{page}#spec-{title(name).lower()}"


def _text(default: Any) -> str:
    if default is None or default in ([], {}):
        return "none"
    if isinstance(default, str | bool | int):
        return f"`{json.dumps(default) if isinstance(default, bool) else default}`"
    return f"`{_flow(default)}`"


def _flow(value: Any) -> str:
    """A value as a scenario file writes it on one line, without keys that are absent."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items() if part is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return json.dumps(value) if isinstance(value, bool) else str(value)
