"""Keys of a Spec as a table: what each takes, what is allowed, its default, all from the schema of scenario files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

from marketsim.kinds import families
from marketsim.scenario.registry import default_as_written
from marketsim.scenario.schema import Scenario
from marketsim.spec import Spec

Shape = Mapping[str, Any]
"""A part of a JSON Schema."""

_PAGE = re.compile(r"(?<![\w/])docs/([\w/-]+\.md#[\w-]+)")
UNITS = {"type": "a number", "integer": "a whole number", "boolean": "true or false", "number": "a number"}


@cache
def schema() -> Shape:
    """The JSON Schema of resolved scenarios, what is required included."""
    return Scenario.model_json_schema(by_alias=True)


def shape_of(name: str) -> Shape:
    """The part of a Spec, by its class's name; "" for the scenario itself."""
    part: Shape = schema()["$defs"][name] if name else schema()
    return part


@cache
def specs() -> Mapping[str, type[Spec]]:
    """Every Spec by its class's name."""
    found, waiting = {"": cast(type[Spec], Scenario)}, [Spec]
    while waiting:
        for each in waiting.pop().__subclasses__():
            found[each.__name__] = each
            waiting.append(each)
    return found


def keys_table(name: str, leave_out: frozenset[str] = frozenset()) -> Iterator[str]:
    """The lines of a table of all keys of a Spec but some; nothing without keys."""
    shape, spec = shape_of(name), specs()[name]
    rows = [(key, part) for key, part in shape.get("properties", {}).items() if key not in leave_out]
    if not rows:
        return
    fields = {field.alias or attribute: attribute for attribute, field in spec.model_fields.items()}
    yield from ("| key | takes | allowed | default |", "|---|---|---|---|")
    for key, part in rows:
        yield f"| `{key}` | {takes(part)} | {allowed(part)} | {_default(spec, fields[key])} |"
    yield ""


def _default(spec: type[Spec], attribute: str) -> str:
    if spec.model_fields[attribute].is_required():
        return "required"
    default = default_as_written(spec, attribute)
    return "none" if default in ("", "none", "[]", "{}") else f"`{default}`"


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
        return str(part["description"]) + (
            f" ({examples})" if examples and examples.strip("`") not in part["description"] else ""
        )
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


@cache
def words_by_class() -> Mapping[str, str]:
    """The words of kinds that have keys, by the name of their class."""
    return {
        kind.__name__: word
        for family in families().values()
        for word, kind in family.kinds.items()
        if issubclass(kind, Spec)
    }


def _link(reference: str) -> str:
    """A link to a part: a kind by its word."""
    name = reference.rpartition("/")[2]
    word = words_by_class().get(name)
    page = "language.md" if word is None else "kinds.md"
    return f"[{title(name) if word is None else f'`{word}`'}]({page}#spec-{title(name).lower()})"


def title(name: str) -> str:
    """What a Spec is called on the pages: its class's name without the ending."""
    return name.removesuffix("Spec")


def linked(text: str) -> str:
    """A docstring with its references to pages as links."""
    return _PAGE.sub(r"[\1](../\1)", text)
