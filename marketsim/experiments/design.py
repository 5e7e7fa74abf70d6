"""From a declared study to its plan: cells, their worlds checked, and the runs, before anything runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from typing import Any

import polars as pl

from marketsim.datasets.provenance import run_id
from marketsim.datasets.study import PLAN
from marketsim.errors import Problem, ScenarioError
from marketsim.experiments.axis import Axis, axis_of
from marketsim.experiments.sampling import Points, sample
from marketsim.scenario.nodes import Node, at
from marketsim.scenario.quantities import read_quantity
from marketsim.scenario.resolve import varied
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study import SAMPLES, ArmSpec, StudySpec, study_of
from marketsim.units import format_number


@dataclass(frozen=True)
class Cell:
    """One point of a study: what each varied path is set to, and, in a sample, the place in [0, 1] on its axis."""

    number: int
    values: Mapping[str, Any]
    places: Mapping[str, float]

    @property
    def overrides(self) -> dict[str, Any]:
        """The cell as overrides of the scenario: a text stays the text it is."""
        return {path: _override(value) for path, value in self.values.items()}


@dataclass(frozen=True)
class PlannedRun:
    """One whole run of a study; `run_id` is what its directory will be called."""

    cell: int
    replication: int
    arm: str
    run_id: str


@dataclass(frozen=True)
class Plan:
    """A study before anything runs: its cells and its whole runs, by cell, replication and arm."""

    scenario: Scenario
    cells: tuple[Cell, ...]
    runs: tuple[PlannedRun, ...]

    def design_table(self) -> pl.DataFrame:
        """design.parquet: a row per cell (`Study.design` says what the columns mean)."""
        columns: dict[str, Any] = {"cell": [cell.number for cell in self.cells]}
        known = _currencies(self.scenario)
        for path in self.cells[0].values:
            values = [cell.values[path] for cell in self.cells]
            columns[path] = pl.Series([cell_text(value) for value in values], dtype=pl.String)
            quantities = [read_quantity(value, known) for value in values]
            if len({quantity and quantity.dimension for quantity in quantities} - {None}) == 1 and all(quantities):
                columns[f"{path}:value"] = [float(quantity.amount) for quantity in quantities if quantity]
            if self.cells[0].places:
                columns[f"{path}:unit"] = [cell.places[path] for cell in self.cells]
        return pl.DataFrame(columns, schema_overrides={"cell": pl.Int64})

    def run_table(self) -> pl.DataFrame:
        """plan.parquet: a row per whole run."""
        return pl.DataFrame([vars(run) for run in self.runs], schema=PLAN)


def plan_study(scenario: Scenario) -> Plan:
    """Lay out a study and check the world of every cell and arm.

    Raises ScenarioError with every problem, each naming the cell it is in. A run's id depends on its own world alone,
    never on its cell's number, so another value on an axis leaves the runs there as they are.
    """
    study, cells = study_of(scenario.study), tuple(lay_out_cells(scenario))
    identities = _check_worlds(scenario, study, cells)
    runs = [
        PlannedRun(cell.number, replication, arm.id, run_id(sha, seed, replication, arm.id))
        for cell in cells
        for replication in range(study.replications)
        for arm in whole_arms(study)
        for sha, seed in (identities[cell.number, arm.id],)
    ]
    return Plan(scenario, cells, tuple(runs))


def lay_out_cells(scenario: Scenario) -> Iterator[Cell]:
    """The cells of a scenario's study, numbered from 0; one without values where nothing is varied.

    grid: every combination, the first path varies slowest. list: the n-th values together. Samples: `sampling.sample`.
    """
    study, document, known = study_of(scenario.study), scenario.complete(), _currencies(scenario)
    axes = [axis_of(path, over, value_at(document, path.split(".")), known) for path, over in study.over.items()]
    layout = study.layout
    if layout.kind in SAMPLES:
        yield from _sampled(axes, sample(layout.kind, layout.points or 0, len(axes), scenario.seed))
        return
    lists = [axis.values for axis in axes]
    rows = product(*lists) if layout.kind == "grid" else zip(*lists, strict=True) if lists else [()]
    for number, row in enumerate(rows):
        yield Cell(number, {axis.path: value for axis, value in zip(axes, row, strict=True)}, {})


def world_of(scenario: Scenario, cell: Cell, arm: ArmSpec) -> Scenario:
    """The scenario of one cell and arm: the cell's overrides, then the arm's."""
    return varied(scenario, cell.overrides, {path: _override(value) for path, value in arm.set.items()})


def whole_arms(study: StudySpec) -> tuple[ArmSpec, ...]:
    """The arms that run from the start: all, or, where arms are forked from one state, the factual ones."""
    return tuple(arm for arm in study.arms if study.fork is None or arm.arm == "factual")


def _sampled(axes: Sequence[Axis], points: Points) -> Iterator[Cell]:
    for number, row in enumerate(points.tolist()):
        places = dict(zip([axis.path for axis in axes], row, strict=True))
        yield Cell(number, {axis.path: axis.at(places[axis.path]) for axis in axes}, places)


def _check_worlds(
    scenario: Scenario, study: StudySpec, cells: Sequence[Cell]
) -> dict[tuple[int, str], tuple[str, int]]:
    """Resolve the world of every cell and arm: (sha256, root seed) by cell and arm; arms that set nothing share one."""
    identities: dict[tuple[int, str], tuple[str, int]] = {}
    found: dict[Problem, list[int]] = {}
    for cell in cells:
        shared: tuple[str, int] | None = None
        for arm in study.arms:
            if arm.set or shared is None:
                try:
                    world = world_of(scenario, cell, arm)
                except ScenarioError as error:
                    for problem in error.problems:
                        cells_there = found.setdefault(_placed(problem, scenario.document, study, arm), [])
                        cells_there += [cell.number] if cell.number not in cells_there else []
                    continue
                identity = world.sha256(), world.seed
                shared = shared if arm.set else identity
            identities[cell.number, arm.id] = identity if arm.set else shared or identity
    if found:
        raise ScenarioError([_naming_cells(problem, numbers) for problem, numbers in found.items()])
    return identities


def _naming_cells(problem: Problem, numbers: list[int]) -> Problem:
    others = f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
    return replace(problem, message=f"in cell {numbers[0]}{others}: {problem.message}")


def _placed(problem: Problem, root: Node | None, study: StudySpec, arm: ArmSpec) -> Problem:
    """A problem of an override, placed where the study declares it."""
    path = problem.file.removeprefix("--set ")
    if root is None or path == problem.file:
        return problem
    position = [each.id for each in study.arms].index(arm.id)
    for keys in (("study", "arms", position, "set"), ("study", "over")):
        node = at(root, keys)
        if node is not None and path in node.keys:
            place = node.keys[path]
            return replace(problem, file=place.file, line=place.line, column=place.column)
    return problem


def value_at(value: Any, parts: Sequence[str]) -> Any:
    """What stands at a path of a resolved scenario; of several, the first; None where nothing does."""
    if not parts or value is None:
        return value
    if isinstance(value, list):
        value = {str(item.get("id", i)) if isinstance(item, dict) else str(i): item for i, item in enumerate(value)}
    if not isinstance(value, dict):
        return None
    below = next(iter(value.values()), None) if parts[0] == "*" else value.get(parts[0])
    return value_at(below, parts[1:])


def _currencies(scenario: Scenario) -> frozenset[str]:
    return frozenset(underlying.id for underlying in scenario.underlyings)


def _override(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else value


def cell_text(value: Any) -> str | None:
    """A value as scenario files write it, in one line; None where the cell takes the key out."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return format_number(value)
    return json.dumps(value, ensure_ascii=False, default=str)
