"""The cells of a study, laid out by number: each is made when it is asked for, so that a large study costs nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, overload

from marketsim.experiments.axis import Axis, axis_of
from marketsim.experiments.sampling import Points, sample
from marketsim.scenario.quantities import read_quantity
from marketsim.scenario.resolve import varied
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from marketsim.scenario.study.design import SAMPLES
from marketsim.scenario.study.study import study_of


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


@dataclass(frozen=True, eq=False)
class Cells(Sequence[Cell]):
    """All cells of a study, numbered from 0; one without values where nothing is varied.

    kind: `grid` has every combination, the first axis varies slowest; `list` the n-th values together; a sample has a
    row of `points` (cells, axes) in [0, 1] per cell. known: the underlyings' ids.
    """

    axes: tuple[Axis, ...]
    kind: str
    known: frozenset[str]
    points: Points | None = None

    def __len__(self) -> int:
        if self.points is not None:
            return len(self.points)
        return prod(self._lengths) if self.kind == "grid" else min(self._lengths, default=1)

    @overload
    def __getitem__(self, number: int) -> Cell: ...
    @overload
    def __getitem__(self, number: slice) -> list[Cell]: ...
    def __getitem__(self, number: int | slice) -> Cell | list[Cell]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        if not 0 <= number < len(self):
            raise IndexError(number)
        if self.points is not None:
            row = self.points[number].tolist()
            places = {axis.path: place for axis, place in zip(self.axes, row, strict=True)}
            return Cell(number, {axis.path: axis.at(places[axis.path]) for axis in self.axes}, places)
        turns = self._turns(number)
        return Cell(number, {axis.path: axis.values[turn] for axis, turn in zip(self.axes, turns, strict=True)}, {})

    def number_of(self, turns: Sequence[int]) -> int:
        """The number of the cell of a grid that has these values, counted along each axis."""
        number = 0
        for turn, length in zip(turns, self._lengths, strict=True):
            number = number * length + turn
        return number

    def ends(self, axis: int) -> tuple[int, int]:
        """Where along an axis of values, or in which cells of a sample, it has its smallest and its largest.

        Values that cannot be compared count in the order they stand in.
        """
        if self.points is not None:
            return int(self.points[:, axis].argmin()), int(self.points[:, axis].argmax())
        read = [read_quantity(value, self.known) for value in self.axes[axis].values]
        sizes = [quantity.amount for quantity in read if quantity is not None]
        if len(sizes) < len(read):
            return 0, len(read) - 1
        return sizes.index(min(sizes)), sizes.index(max(sizes))

    def _turns(self, number: int) -> list[int]:
        if self.kind == "list":
            return [number] * len(self.axes)
        turns = []
        for length in reversed(self._lengths):
            number, turn = divmod(number, length)
            turns.append(turn)
        return turns[::-1]

    @cached_property
    def _lengths(self) -> list[int]:
        return [len(axis.values) for axis in self.axes]


def lay_out_cells(scenario: Scenario) -> Cells:
    """The cells of a scenario's study; samples are of `sampling.sample`."""
    study, document, known = study_of(scenario.study), scenario.complete(), currencies(scenario)
    axes = tuple(axis_of(path, over, value_at(document, path.split(".")), known) for path, over in study.over.items())
    layout, points = study.layout, None
    if layout.kind in SAMPLES:
        points = sample(layout.kind, layout.points or 0, len(axes), scenario.seed)
    return Cells(axes, layout.kind, known, points)


def world_of(scenario: Scenario, cell: Cell, arm: ArmSpec) -> Scenario:
    """The scenario of one cell and arm: the cell's overrides, then the arm's."""
    of_arm = {path: _override(value) for path, value in arm.set.items()}
    return varied(scenario, cell.overrides, of_arm, is_of_study=True)


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


def currencies(scenario: Scenario) -> frozenset[str]:
    """The names that units of size may have: the underlyings' ids."""
    return frozenset(underlying.id for underlying in scenario.underlyings)


def _override(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else value
