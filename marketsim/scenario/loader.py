"""Reading YAML 1.2, strictly: from text to nodes with file, line and column, every mistake of form named.

The only place that knows the YAML library. It reads the library's *events*, not its composed tree, because only the
events tell an explicit tag from an implied one; scalars are resolved here by the core schema of YAML 1.2 (`yes`, `on`,
`00:02` and `2024-01-01` are text; numbers with a point are decimal and exact). Refused: tags, merge keys, duplicate
keys, keys that are not plain text, several documents, aliases that expand to more than 20,000 nodes.

Paths in a file (`extends`, an index file) are relative to the folder of the file they stand in, and stay below the
scenario's root folder: the nearest folder above named `scenarios`, or the file's own folder when there is none. What a
path of the form `marketsim:NAME` names is shipped with the package, and has its root folder there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from marketsim.errors import ScenarioError, UnknownScenarioError, UnreadableFileError
from marketsim.files import missing, read_file
from marketsim.scenario import shipped
from marketsim.scenario.nodes import INCOMPLETE, Node, Place, Problems

MAX_ALIASED_NODES = 20_000
MAX_NODES = 250_000
MAX_DEPTH = 60
MAX_BYTES = 2_000_000

_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def read(path: Path, problems: Problems) -> Node:
    """Read one file into nodes; raises ScenarioError when it cannot be read at all."""
    place = Place(str(path), 1, 1)
    try:
        data = read_file(path, MAX_BYTES)
    except UnreadableFileError as error:
        problems.add(place, "", "", error.message, error.allowed)
        raise ScenarioError(problems.found) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problems.add(Place(str(path), line, 1), "", "", "the file is not UTF-8 text", "UTF-8")
        raise ScenarioError(problems.found) from error
    return read_text(text, str(path), problems)


def read_text(text: str, file: str, problems: Problems, origin: str = "") -> Node:
    """Read one document into nodes; raises ScenarioError at a mistake after which nothing can be read."""
    try:
        return _Composer(file, problems, origin).document(_events(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = " ".join(str(part) for part in (error.context, error.problem) if part)
        problems.add(Place(file, line, column), "", "", f"this is not YAML: {what}", "YAML 1.2")
        raise ScenarioError(problems.found) from error
    except (yaml.YAMLError, ValueError) as error:
        problems.add(Place(file, 1, 1), "", "", f"this is not YAML: {str(error).splitlines()[0]}", "YAML 1.2")
        raise ScenarioError(problems.found) from error


def _events(text: str) -> Iterator[Any]:
    """The events of a text with their marks, by libyaml where the library has it: 2 MB a second instead of 0.3."""
    yield from yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def read_file_with_bases(path: Path, problems: Problems) -> list[Node]:
    """Read a scenario and the chain of files it extends, the outermost base first."""
    return with_bases(read(path, problems), path, problems)


def with_bases(node: Node, path: Path, problems: Problems) -> list[Node]:
    """A document and the chain of files it extends, the outermost base first; `path` is where it stands, or would."""
    chain: list[Node] = []
    seen = [_real(path)]
    root = root_folder(path)
    while True:
        entries = dict(node.map)
        extends = entries.pop("extends", None)
        chain.insert(0, node.with_entries(entries, node.keys) if extends is not None else node)
        if extends is None or extends.value is None:
            return chain
        base = _base_of(extends, path.parent, root, problems)
        chain[0] = replace(chain[0], origin=INCOMPLETE)
        if base is None:
            return chain
        root = root_folder(base) if shipped.is_reference(extends.text) else root
        if _real(base) in seen:
            problems.add(extends.place, "extends", extends.text, "these files extend each other in a circle")
            return chain
        lack = missing(base)
        if lack is not None:
            names = ", ".join(sorted(p.name for p in base.parent.glob("*.yaml"))[:12])
            allowed = f"a file below {root}" + (f"; there: {names}" if names else "")
            meant = shipped.reference_meant(extends.text)
            problems.add(extends.place, "extends", extends.text, lack, allowed, meant)
            return chain
        chain[0] = replace(chain[0], origin="")
        path, node = base, read(base, problems)
        seen.append(_real(path))


def _base_of(extends: Node, folder: Path, root: Path, problems: Problems) -> Path | None:
    """The file that `extends` names, by its name or its path; None, and a problem, where it names none."""
    if not isinstance(extends.value, str) or not shipped.is_reference(extends.value):
        return below_root(extends, folder, root, "extends", problems)
    try:
        return shipped.find(extends.value).file
    except UnknownScenarioError as error:
        problems.add(extends.place, "extends", error.text, error.message, error.allowed, error.suggestion)
        return None


def root_folder(path: Path) -> Path:
    """The folder that no path in a scenario leads out of."""
    real = _real(path)
    return next((folder for folder in real.parents if folder.name == "scenarios"), real.parent)


def _real(path: Path) -> Path:
    """A path without links; unlike `Path.resolve`, links in a circle are left as they are."""
    return Path(os.path.realpath(path))


def below_root(node: Node, folder: Path, root: Path, path: str, problems: Problems) -> Path | None:
    """The file a node names, relative to `folder`; None, and a problem, when that leads out of the root folder."""
    if not isinstance(node.value, str) or not node.value:
        problems.add(node.place, path, node.shown(), "a path to a file is due here", "a relative path, in text")
        return None
    target = Path(os.path.normpath(folder / node.value))
    is_path = "\0" not in node.value and node.value.isprintable()
    if not is_path or Path(node.value).is_absolute() or not _real(target).is_relative_to(root):
        allowed = f"a relative path that stays below {root}"
        problems.add(node.place, path, node.text, "this path leads out of the scenario's root folder", allowed)
        return None
    return target


class _Composer:
    """Builds the nodes of one document from its events."""

    def __init__(self, file: str, problems: Problems, origin: str) -> None:
        self.file = file
        self.problems = problems
        self.origin = origin
        self.anchors: dict[str, Node] = {}
        self.sizes: dict[str, int] = {}
        self.aliased = 0
        self.count = 0

    def document(self, events: Iterator[Any]) -> Node:
        root: Node | None = None
        for event in events:
            if isinstance(event, DocumentStartEvent):
                if root is not None:
                    self._problem(self._place(event), "", "a scenario is one document", "no second '---'")
                    raise ScenarioError(self.problems.found)
                if event.version not in (None, (1, 2)):
                    self._problem(self._place(event), "%YAML", "another version of YAML", "YAML 1.2")
                root = self._node(next(events), events, 0)
        if root is None or not isinstance(root.value, dict):
            place = root.place if root else Place(self.file, 1, 1)
            self._problem(place, root.shown() if root else "", "a scenario is a map of keys", "schema: marketsim/1 ...")
            raise ScenarioError(self.problems.found)
        return root

    def value(self, events: Iterator[Any]) -> Node:
        """The first node of a document that may be anything."""
        for event in events:
            if isinstance(event, DocumentStartEvent):
                return self._node(next(events), events, 0)
        return Node(None, Place(self.file, 1, 1), "", self.origin)

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        place = self._place(event)
        if isinstance(event, AliasEvent):
            return self._alias(event, place)
        if depth > MAX_DEPTH:
            self._problem(place, "", "this is nested too deeply", f"at most {MAX_DEPTH} levels")
            raise ScenarioError(self.problems.found)
        before = self.count
        self.count += 1
        if self.count > MAX_NODES:
            self._problem(place, "", "there are too many values in this file", f"at most {MAX_NODES:,}")
            raise ScenarioError(self.problems.found)
        if event.tag is not None:
            self._problem(place, _tag(event), "tags are not part of the language", "plain values")
        if isinstance(event, MappingStartEvent):
            node = self._map(place, events, depth)
        elif isinstance(event, SequenceStartEvent):
            items = []
            while not isinstance(item := next(events), SequenceEndEvent):
                items.append(self._node(item, events, depth + 1))
            node = Node(items, place, "", self.origin)
        else:
            node = Node(_scalar(event), place, str(event.value), self.origin)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
            self.sizes[event.anchor] = self.count - before
        return node

    def _alias(self, event: Any, place: Place) -> Node:
        if event.anchor not in self.anchors:
            self._problem(place, f"*{event.anchor}", "there is no such anchor above", "an anchor that is complete")
            return Node(None, place, f"*{event.anchor}", self.origin)
        self.aliased += self.sizes[event.anchor]
        self.count += self.sizes[event.anchor]
        if self.aliased > MAX_ALIASED_NODES:
            self._problem(place, f"*{event.anchor}", "the aliases expand to too much", f"{MAX_ALIASED_NODES} nodes")
            raise ScenarioError(self.problems.found)
        return self.anchors[event.anchor]

    def _map(self, place: Place, events: Iterator[Any], depth: int) -> Node:
        entries: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        origin = self.origin
        while not isinstance(event := next(events), MappingEndEvent):
            where = self._place(event)
            key = self._key(event, events, depth)
            value = self._node(next(events), events, depth + 1)
            if key is None:
                origin = INCOMPLETE
                continue
            if key in entries:
                message = f"this key stands here twice, first in line {keys[key].line}"
                self._problem(where, key, message, "each key once")
                continue
            entries[key], keys[key] = value, where
        return Node(entries, place, "", origin, keys)

    def _key(self, event: Any, events: Iterator[Any], depth: int) -> str | None:
        where = self._place(event)
        if not isinstance(event, ScalarEvent):
            self._node(event, events, depth + 1)
            self._problem(where, "", "a key is plain text", "a name")
            return None
        if event.tag is not None:
            self._problem(where, _tag(event), "tags are not part of the language", "plain keys")
        if event.value == "<<" and not event.style:
            self._problem(where, "<<", "merge keys are not part of the language", "like: ID, extends: FILE")
            return None
        return str(event.value)

    def _place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _problem(self, place: Place, text: str, message: str, allowed: str) -> None:
        self.problems.add(place, "", text, message, allowed)


def _tag(event: Any) -> str:
    return str(event.tag).replace("tag:yaml.org,2002:", "!!")


def _scalar(event: Any) -> str | int | Decimal | bool | None:
    text = str(event.value)
    return text if event.style else plain_scalar(text)  # quoted or block text is text


def plain_scalar(text: str) -> str | int | Decimal | bool | None:
    """What a text without quotes stands for, by the core schema of YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and len(text) < 40:
        return int(text)
    if _DECIMAL.fullmatch(text) and len(text) < 40 and abs((number := Decimal(text)).adjusted()) < 40:
        return number
    return text


def read_value(text: str, file: str, line: int, problems: Problems) -> Node:
    """Read one flow value, as `--set PATH=VALUE` has it."""
    composer = _Composer(file, problems, file)
    try:
        node = composer.value(_events(text))
    except (yaml.YAMLError, ValueError) as error:
        problems.add(Place(file, line, 1), "", text, "this is not a YAML value", "one YAML flow value")
        raise ScenarioError(problems.found) from error
    return node
