"""One whole run of a study, by cell, replication and arm: `marketsim run` makes exactly what `sweep` makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from marketsim.errors import UsageError
from marketsim.experiments.cells import Cell, lay_out_cells, world_of
from marketsim.experiments.design import cell_text, whole_arms
from marketsim.scenario.run_block import RunSpec
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import PLACEBOS, ArmKind, ArmSpec
from marketsim.scenario.study.study import study_of
from marketsim.simulation.arms import FACTUAL


@dataclass(frozen=True)
class RunOfStudy:
    """A run as a world, with a block `run` that says which; source: the world whose orders a placebo sends again."""

    world: Scenario
    source: Scenario | None


def run_of_study(
    scenario: Scenario, *, cell: int | None = None, replication: int | None = None, arm: str | None = None
) -> RunOfStudy:
    """The run of a study that has this cell, replication and arm.

    cell: absent, the only one. replication: absent, the first; any number is a draw, also beyond those of the study.
    arm: an id of the study's, or a kind of arm; absent, the factual one. A scenario without a study is one of one cell.
    Raises UsageError, with what there is, for what the study has not.
    """
    refuse_run_of_study(scenario, "name the study's own file to choose another run of it")
    study, cells = study_of(scenario.study), list(lay_out_cells(scenario))
    chosen = _cell(cells, cell)
    draw = 0 if replication is None else replication
    if draw < 0:
        raise UsageError(f"replication: was {draw}; allowed: 0 and above")
    declared = _arm(study.arms, whole_arms(study), arm)
    sends_again = source_of(declared, study.arms)
    source = None if sends_again is None else world_of(scenario, chosen, sends_again)
    named = chosen if scenario.study is not None else None
    block = RunSpec(replication=draw, arm=declared, cell_sha256=world_of(scenario, chosen, FACTUAL).sha256())
    world = as_run(world_of(scenario, chosen, declared), named, source, block)
    return RunOfStudy(world, source)


def as_run(
    world: Scenario, cell: Cell | None, source: Scenario | None = None, block: RunSpec | None = None
) -> Scenario:
    """The world of a run, with the block that says of which cell it is, and whose orders it sends again."""
    told = (
        {} if cell is None else {"cell": cell.number, "over": {path: cell_text(v) for path, v in cell.values.items()}}
    )
    if source is not None and source.sha256() != world.sha256():
        told["source_sha256"] = source.sha256()
    return world.model_copy(update={"run": (block or RunSpec()).model_copy(update=told)})


def source_of(arm: ArmSpec, arms: Sequence[ArmSpec]) -> ArmSpec | None:
    """The factual arm whose orders a placebo sends again: of the same world where there is one; None for other arms."""
    if arm.arm not in PLACEBOS:
        return None
    factual = [each for each in arms if each.arm == "factual"]
    same = [each for each in factual if each.set == arm.set]
    return [*same, *factual, FACTUAL][0]


def check_is_study(scenario: Scenario) -> None:
    """Raise UsageError for a scenario that is no study, or is one run of a study."""
    if scenario.study is None:
        raise UsageError("this scenario has no study; `marketsim run` runs it, a block `study` makes it one")
    refuse_run_of_study(scenario, "sweep the study's own file")


def refuse_run_of_study(scenario: Scenario, instead: str) -> None:
    """Raise UsageError for the scenario of one stored run, which has that run's values in it already."""
    if scenario.run is not None:
        raise UsageError(f"{scenario.name} is one run already ({scenario.run.sentence()}); {instead}")


def _cell(cells: Sequence[Cell], number: int | None) -> Cell:
    last = len(cells) - 1
    if number is None and last > 0:
        raise UsageError(f"the study has {last + 1} cells; say which: --cell 0 to {last}")
    if not 0 <= (number or 0) <= last:
        raise UsageError(f"cell: was {number}; allowed: {f'0 to {last}' if last else '0, the only one'}")
    return cells[number or 0]


def _arm(arms: Sequence[ArmSpec], whole: Sequence[ArmSpec], name: str | None) -> ArmSpec:
    if name is None:
        return next((arm for arm in arms if arm.arm == "factual" and not arm.set), FACTUAL)
    found = next((arm for arm in arms if arm.id == name), None)
    if found is not None and found not in whole:
        raise UsageError(
            f"arm: {name!r} is made from forks in this study, and never from the start; `marketsim reproduce RUN` "
            "makes one of its forks again"
        )
    kinds = get_args(ArmKind)
    if found is None and name not in kinds:
        ids = [arm.id for arm in arms]
        raise UsageError(f"arm: was {name!r}; allowed: {', '.join(dict.fromkeys([*ids, *kinds]))}")
    return found or ArmSpec.model_validate({"id": name, "arm": name})
