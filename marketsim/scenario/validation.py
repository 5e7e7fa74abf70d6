"""From nodes to Specs: every part is checked by its own Spec, and every complaint gets its place and its words."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from marketsim.kinds import Family
from marketsim.scenario.document import ScenarioSpec
from marketsim.scenario.nodes import INCOMPLETE, Node, Path, Problems, at, named, near, nearest, plain
from marketsim.spec import Spec, not_in_this_version

_LISTS = ("underlyings", "markets", "tokens", "traders", "networks", "events")
_ALLOWED = {
    "string_type": "text",
    "bool_type": "true or false",
    "dict_type": "a map of keys",
    "model_type": "a map of keys",
    "model_attributes_type": "a map of keys",
    "tuple_type": "a list",
    "list_type": "a list",
}


def parts_of(root: Node, problems: Problems) -> dict[str, Any]:
    """Every part that is right, as Specs by section; parts that are wrong are left out (None within lists)."""
    fields = {field.alias or name: field for name, field in ScenarioSpec.model_fields.items()}
    for key in root.map:
        if key not in fields:
            _unknown_key(root, (key,), ScenarioSpec, problems)
    context = {"currencies": _names(root)}
    parts: dict[str, Any] = {}
    for key, field in fields.items():
        node = root.map.get(key)
        if node is None:
            if field.is_required():
                _missing(root, (key,), problems)
        elif key in _LISTS:
            parts[key] = _items(root, key, context, problems)
        else:
            parts[key] = _checked(root, (key,), context, problems)
        if key == "clock" and parts.get("clock") is not None:
            context["start_ns"] = parts["clock"].start
    return parts


@cache
def _kind_in(section: str) -> Any:
    """What a section, or each item of one that is a list, has to be."""
    field = next(field for name, field in ScenarioSpec.model_fields.items() if (field.alias or name) == section)
    if section in _LISTS:
        return get_args(field.annotation)[0]
    return field.annotation if not field.metadata else Annotated[(field.annotation, *field.metadata)]


@cache
def _adapter(section: str) -> TypeAdapter[Any]:
    return TypeAdapter(_kind_in(section))


def _checked(root: Node, path: Path, context: Mapping[str, Any], problems: Problems) -> Any:
    """The value at a path as the Spec it should be; None, and problems, when it is not."""
    node, section = at(root, path), str(path[0])
    assert node is not None
    try:
        return _adapter(section).validate_python(plain(node), context=dict(context))
    except ValidationError as failure:
        found = Problems()
        for error in failure.errors(include_url=False, include_input=False):
            _translate(root, path, _kind_in(section), dict(error), found)
        _take_over(found, problems)
        return None


def _take_over(found: Problems, problems: Problems) -> None:
    """Pass problems on, as one where several readings of one value failed (`quotes: change` or a duration)."""
    for place in dict.fromkeys((p.file, p.line, p.column, p.path) for p in found.found):
        same = [p for p in found.found if (p.file, p.line, p.column, p.path) == place]
        allowed = " or ".join(dict.fromkeys(p.allowed for p in same if p.allowed))
        suggestion = next((p.suggestion for p in same if p.suggestion), "")
        problems.note(replace(same[-1], allowed=allowed, suggestion=suggestion))


def _items(root: Node, section: str, context: Mapping[str, Any], problems: Problems) -> list[Any]:
    node = root.map[section]
    if not isinstance(node.value, list):
        problems.at(root, (section,), "a list is due here", f"a list of {section}")
        return []
    return [_checked(root, (section, i), context, problems) for i in range(len(node.list))]


def _names(root: Node) -> frozenset[str]:
    """The ids of the underlyings, so that a prefix is not cut from one that starts with M or G."""
    underlyings = root.map.get("underlyings")
    ids = [item.map["id"].value for item in (underlyings.list if underlyings else []) if "id" in item.map]
    return frozenset(name for name in ids if isinstance(name, str))


def _translate(root: Node, start: Path, kind: Any, error: dict[str, Any], problems: Problems) -> None:
    """Turn one of the validator's errors into a problem with its place."""
    path, inside = _follow(root, start, kind, error["loc"])
    context = error.get("ctx", {})
    what = error["type"]
    if what == "marketsim":
        for part in context.get("inside", ()):
            path = (*path, part) if at(root, (*path, part)) is not None else path
        problems.at(root, path, context["message"], context["allowed"], context["suggestion"])
    elif what == "extra_forbidden":
        _unknown_key(root, path, inside if isinstance(inside, type) and issubclass(inside, Spec) else None, problems)
    elif what == "missing":
        _missing(root, path, problems)
    elif what in ("literal_error", "union_tag_invalid", "union_tag_not_found"):
        _wrong_word(root, path, what, context, problems)
    else:
        allowed_here = _ALLOWED.get(what, "")
        message = f"{allowed_here} is due here" if allowed_here else str(error["msg"])[:1].lower() + error["msg"][1:]
        problems.at(root, path, message, allowed_here)


def _unknown_key(root: Node, path: Path, inside: type[Spec] | None, problems: Problems) -> None:
    """Refuse a key that the Spec around it has not."""
    key, fields = str(path[-1]), inside.model_fields if inside is not None else {}
    allowed = [field.alias or name for name, field in fields.items()]
    if inside is not None and key in inside.announced_keys:
        message = not_in_this_version(key, inside.announced_keys[key])
        problems.at_key(root, path, message, ", ".join(allowed))
    else:
        problems.at_key(root, path, "there is no such key", ", ".join(allowed), near(key, allowed))


def _missing(root: Node, path: Path, problems: Problems) -> None:
    around = nearest(root, path[:-1])
    if INCOMPLETE in (root.origin, around.origin):
        return
    message = f"the key {path[-1]!r} is missing"
    allowed = "marketsim/1" if path == ("schema",) else ""
    problems.add(around.place, named(root, path), "", message, allowed)


def _wrong_word(root: Node, path: Path, what: str, context: dict[str, Any], problems: Problems) -> None:
    if what.startswith("union"):
        key = str(context["discriminator"]).strip("'")
        path = (*path, key)
        if what == "union_tag_not_found" and at(root, path) is None:
            _missing(root, path, problems)
            return
    words = str(context.get("expected_tags") or context.get("expected", ""))
    allowed = [word.strip().strip("'") for word in words.replace(" or ", ", ").split(",") if word.strip()]
    node = nearest(root, path)
    word = node.value if isinstance(node.value, str) else None
    suggestion = near(word, allowed) if word else ""
    problems.at(root, path, "this is none of the words allowed here", ", ".join(allowed), suggestion)


def _follow(root: Node, start: Path, kind: Any, location: tuple[str | int, ...]) -> tuple[Path, Any]:
    """The path in the document that a location of the validator stands for, and the Spec around its last part."""
    path, inside = start, _choose(kind, None)
    around: Any = inside
    for position, part in enumerate(location):
        node = at(root, path)
        is_tag = isinstance(inside, tuple)
        if is_tag:
            inside = _choose(inside, str(part))
            continue
        if node is not None and not isinstance(node.value, (dict, list)) and at(root, (*path, part)) is None:
            break
        around = inside
        if isinstance(node, Node) and at(root, (*path, part)) is None and position < len(location) - 1:
            continue
        path = (*path, part)
        inside = _below(inside, part)
    return path, around


def _choose(kind: Any, tag: str | None) -> Any:
    """A Spec class; a tuple of them where a tag decides; an annotation for anything else."""
    if isinstance(kind, tuple):
        if tag is None:
            return kind[0] if len(kind) == 1 else kind
        for member in kind:
            for field in member.model_fields.values():
                if get_origin(field.annotation) is Literal and tag in get_args(field.annotation):
                    return member
        return None
    if get_origin(kind) is Annotated:
        return _choose(_in_family(kind.__metadata__) or get_args(kind)[0], tag)
    if get_origin(kind) in (Union, types.UnionType):
        specs = tuple(arg for arg in get_args(kind) if isinstance(arg, type) and issubclass(arg, Spec))
        return specs[0] if len(specs) == 1 else specs or kind
    return kind


def _in_family(metadata: Iterable[Any]) -> tuple[type[Spec], ...] | None:
    """The kinds of the family that a field's annotation names; None where it names none."""
    family = next((part for part in metadata if isinstance(part, Family)), None)
    return None if family is None else tuple(family.kinds.values())


def _below(kind: Any, part: str | int) -> Any:
    if isinstance(kind, type) and issubclass(kind, Spec):
        field = kind.model_fields.get(str(part))
        return _choose(_in_family(field.metadata) or field.annotation, None) if field is not None else None
    if isinstance(part, int) and get_origin(kind) is tuple:
        arguments = [argument for argument in get_args(kind) if argument is not ...]
        return _choose(arguments[min(part, len(arguments) - 1)], None) if arguments else None
    return None
