"""The files that a study was given in: the scenario, what it extends, files of market data, and its registration."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from marketsim.datasets.registration import kept_place, registered_file
from marketsim.datasets.storage import storing
from marketsim.files import data_file, shipped_folder
from marketsim.scenario.nodes import Node
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.study import study_of
from marketsim.spec import FileSpec, Spec

GIVEN = "given"


def keep_given_files(scenario: Scenario, study: Path) -> None:
    """Copy them to `given/` in a study's folder, below it as they stand below the scenario's root folder."""
    registered = registered_file(scenario)
    registered = None if registered is None else registered.resolve()
    for path, place in sorted(given_files(scenario).items()):
        copy = study / GIVEN / place
        if not copy.is_file() or path == registered:
            with storing(copy):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)


def given_files(scenario: Scenario) -> dict[Path, str]:
    """Each file with its place below the root folder; those shipped with marketsim are below `shipped/`."""
    found: dict[Path, str] = {}
    for name in _written_in(scenario.document) if scenario.document else ():
        path = Path(name)
        if path.is_file():
            found[path.resolve()] = _place(path.resolve(), scenario.root)
    for spec in _file_specs(scenario):
        for path in spec.files(data_file(spec.path, scenario.root)):
            found[path.resolve()] = _place(path.resolve(), scenario.root)
    registered = registered_file(scenario)
    if registered is not None:
        found[registered.resolve()] = kept_place(str(study_of(scenario.study).registration))
    return found


def _place(path: Path, root: Path) -> str:
    for folder, below in ((root.resolve(), ""), (shipped_folder(), "shipped/")):
        if path.is_relative_to(folder):
            return below + path.relative_to(folder).as_posix()
    return path.name


def _written_in(node: Node) -> set[str]:
    """The files that the values of a document stand in."""
    value = node.value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {node.place.file}.union(*(_written_in(each) for each in inside))


def _file_specs(spec: Spec) -> Iterator[FileSpec]:
    if isinstance(spec, FileSpec):
        yield spec
    for name in type(spec).model_fields:
        value = getattr(spec, name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Spec):
                yield from _file_specs(part)
