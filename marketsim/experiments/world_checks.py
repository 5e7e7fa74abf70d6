"""The worlds of a study's cells and arms, resolved and checked before anything runs: all, or some of very many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice, product

from marketsim.errors import Problem, ScenarioError
from marketsim.experiments.cells import Cell, Cells, world_of
from marketsim.scenario.nodes import Node, at
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from marketsim.scenario.study.study import StudySpec
from marketsim.streams import Stream

STREAM = "study:checked"
MOST_CORNERS = 32

Identity = tuple[str, int]
"""sha256 and root seed of a world."""


def check_worlds(scenario: Scenario, study: StudySpec, cells: Iterable[Cell]) -> dict[tuple[int, str], Identity]:
    """Resolve the world of every arm of these cells: (sha256, root seed) by cell and arm.

    Arms that set nothing share one. Raises ScenarioError with every problem, each naming the cell it is in.
    """
    identities: dict[tuple[int, str], Identity] = {}
    found: dict[Problem, list[int]] = {}
    for cell in cells:
        shared: Identity | None = None
        for arm in study.arms:
            if arm.set or shared is None:
                try:
                    world = world_of(scenario, cell, arm)
                except ScenarioError as error:
                    for problem in error.problems:
                        cells_there = found.setdefault(_placed(problem, scenario.document, study, arm), [])
                        cells_there += [cell.number] if cells_there[-1:] != [cell.number] else []
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


@dataclass(frozen=True)
class Chosen:
    """Some cells of a study, to be checked in place of all; `among` says what is certainly among them."""

    numbers: tuple[int, ...]
    among: str


def choose_cells(cells: Cells, most: int, seed: int) -> Chosen:
    """At most so many cells that stand for all: what is impossible is most often so at an end of an axis.

    First the corners (each combination of the axes' smallest and largest values, of at most 5 axes; in a list or sample
    the cells that have them), then cells that have every value of every axis of a grid, then any, from a stream of the
    study's own.
    """
    axes = range(len(cells.axes))
    ends = [cells.ends(axis) for axis in axes]
    if cells.kind == "grid":
        corners = [cells.number_of(turns) for turns in islice(product(*ends), MOST_CORNERS)]
        lengths = [len(axis.values) for axis in cells.axes]
        diagonal = [cells.number_of([turn % length for length in lengths]) for turn in range(max(lengths))]
        what = "every value of every axis" if len({*corners, *diagonal}) <= most else "both ends of every axis"
    else:
        corners, diagonal = [number for pair in ends for number in pair], [0, len(cells) - 1]
        what = "both ends of every axis"
    drawn = Stream(seed, 0, STREAM).integers(len(cells), range(most), 0)
    numbers = dict.fromkeys([*corners, *diagonal, *(int(number) for number in drawn)])
    return Chosen(tuple(sorted(islice(numbers, most))), what)
