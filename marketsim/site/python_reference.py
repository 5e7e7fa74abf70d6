"""The reference of Python: the public names and what they return, from signatures and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import marketsim
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.experiments import Reproduction, SweptStudy
from marketsim.simulation import RunResult
from marketsim.traders.agent import OwnView
from marketsim.venues.view import View

_INTRODUCTION = """\
# Python

`import marketsim as ms`: the public names, and below them what they return and what an agent sees; from the docstrings,
whose examples a test runs.
"""
BEHIND = (RunResult, Run, SweptStudy, Study, Reproduction, OwnView, View)
"""What the public names hand out."""


def written() -> str:
    """The page, in Markdown."""
    lines = [_INTRODUCTION, "## Public names", ""]
    for name in marketsim.__all__:
        lines += _entry(f"marketsim.{name}", getattr(marketsim, name))
    lines += ["## What they return", ""]
    for each in BEHIND:
        lines += _entry(f"{each.__module__}.{each.__name__}", each)
    return "\n".join(lines)


def _entry(name: str, thing: Any) -> Iterator[str]:
    """A function, or a class with its public methods and properties."""
    if not inspect.isclass(thing):
        yield from _described("function", f"{name}{_signature(thing)}", thing)
        return
    yield f"### `{name.rpartition('.')[2]}`\n"
    yield from _described("class", f"{name}{_signature(thing)}", thing)
    for member, value in vars(thing).items():
        if member.startswith("_") or not (value.__doc__ if callable(_function(value)) else None):
            continue
        is_value = isinstance(value, property) or not callable(getattr(value, "__func__", value))
        inside = f"{name}.{member}"
        sign = "" if is_value else _signature(_function(value))
        yield from _described("property" if is_value else "method", f"{inside}{sign}", _function(value))


def _function(value: Any) -> Any:
    """What a member of a class calls: of a property its getter, of a class method its function."""
    for inner in ("fget", "func", "__func__"):
        if getattr(value, inner, None) is not None:
            return getattr(value, inner)
    return value


class _Annotation(str):
    """An annotation that is shown as it is written, without quotes."""

    __repr__ = str.__str__


def _signature(thing: Any) -> str:
    """Parameters and what is returned, without `self` and `cls`; nothing more where the interpreter does not tell."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return "()"
    named = [each for each in found.parameters.values() if each.name not in ("self", "cls")]
    shown = [each.replace(annotation=_as_written(each.annotation)) for each in named]
    is_class = inspect.isclass(thing)
    back = inspect.Signature.empty if is_class else _as_written(found.return_annotation)
    return str(found.replace(parameters=shown, return_annotation=back))


def _as_written(annotation: Any) -> Any:
    return _Annotation(annotation) if isinstance(annotation, str) else annotation


def _described(sort: str, sign: str, thing: Any) -> Iterator[str]:
    """A directive of the Python domain with a docstring, its examples as a block of code."""
    yield from (f"::::{{py:{sort}}} {sign}", "", *_with_blocks(inspect.getdoc(thing) or ""), "::::", "")


def _with_blocks(text: str) -> Iterator[str]:
    """The lines of a docstring, lines of an example (from `>>>` to an empty line) between fences."""
    is_example = False
    for line in text.splitlines():
        if line.startswith(">>>") and not is_example:
            is_example = True
            yield "```pycon"
        if is_example and not line.strip():
            is_example = False
            yield "```"
        yield line
    if is_example:
        yield "```"
