"""From a declared study to its plan: cells, their worlds checked, and the runs, before anything runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from marketsim.datasets.provenance import run_id
from marketsim.datasets.study import PLAN
from marketsim.experiments.cells import Cell, currencies, lay_out_cells
from marketsim.experiments.world_checks import check_worlds
from marketsim.scenario.quantities import read_quantity
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from marketsim.scenario.study.study import StudySpec, study_of
from marketsim.units import format_number


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
    cells: Sequence[Cell]
    runs: tuple[PlannedRun, ...]

    def design_table(self) -> pl.DataFrame:
        """design.parquet: a row per cell (`Study.design` says what the columns mean)."""
        columns: dict[str, Any] = {"cell": [cell.number for cell in self.cells]}
        known = currencies(self.scenario)
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
    identities = check_worlds(scenario, study, cells)
    runs = [
        PlannedRun(cell.number, replication, arm.id, run_id(sha, seed, replication, arm.id))
        for cell in cells
        for replication in range(study.replications)
        for arm in whole_arms(study)
        for sha, seed in (identities[cell.number, arm.id],)
    ]
    return Plan(scenario, cells, tuple(runs))


def whole_arms(study: StudySpec) -> tuple[ArmSpec, ...]:
    """The arms that run from the start: all, or, where arms are forked from one state, the factual ones."""
    return tuple(arm for arm in study.arms if study.fork is None or arm.arm == "factual")


def cell_text(value: Any) -> str | None:
    """A value as scenario files write it, in one line; None where the cell takes the key out."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return format_number(value)
    return json.dumps(value, ensure_ascii=False, default=str)
