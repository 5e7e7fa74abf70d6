"""What a registration says is tested of the loop of resets: a TOML file with `analysis = "reset loop"`.

    analysis = "reset loop"
    horizon = "0s"                     # when pushes are read, after the last fill; one of study.probe.horizons
    [margins]                          # H1 H2 H3 H4: a slope within 1 +- this; ways size sign: within 0 +- this
    H1 = 0.10
    [cells]                            # a row for each cell of the design, in its order
    columns = ["way", "level", "size", "sign"]
    rows = [["assets", 0.2, 0.01, "up"], ..]

A file with `analysis = "resets in turn"` has `[margins]` of `orders` and `push` alone: cells with several resets are
held against `resets_in_turn`, at the horizons of study.probe.

`level` numbers crowding levels that are meant to be equal; `size` is the first move, a share. Other keys and text are
the registration's own. Any other registration is kept, and nothing is computed of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marketsim.analysis.registrations import IN_TURN, LOOP, asked_for, registration_for, registration_of
from marketsim.datasets.study import Study
from marketsim.errors import UsageError
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.horizon import NEXT, horizon_ns
from marketsim.scenario.study.probe import ProbeSpec
from marketsim.scenario.study.study import StudySpec, study_of

MARGINS_IN_TURN = ("orders", "push")
MARGINS = ("H1", "H2", "H3", "H4", "ways", "size", "sign")
COLUMNS = ("way", "level", "size", "sign")
SIGNS = {"up": 1.0, "down": -1.0}


@dataclass(frozen=True, slots=True)
class CellLabel:
    """What a cell stands for: how its crowding was reached, which level is meant, size and sign of the first move."""

    way: str
    level: float
    size: float
    sign: float


@dataclass(frozen=True)
class RegisteredTests:
    """Margins by hypothesis, the horizon at which pushes are read, and the cells' labels in the order of the design."""

    horizon: str
    margins: Mapping[str, float]
    cells: tuple[CellLabel, ...]


@dataclass(frozen=True)
class RegisteredTurns:
    """Margins by what is measured (`MARGINS_IN_TURN`), and the horizons at which the first reset's probe is read."""

    margins: Mapping[str, float]
    horizons: tuple[str, ...]


def read_turns(data: bytes, name: str, horizons: tuple[str, ...]) -> RegisteredTurns | None:
    """The tests of resets in turn that a registration asks for; None where it asks for none.

    horizons: of the study's probes. Raises `UsageError`, naming file, key and what is allowed.
    """
    told = asked_for(IN_TURN, data, name)
    if told is None:
        return None
    if NEXT in horizons or "0s" not in horizons:
        raise UsageError(f"{name}: study.probe.horizons: was {list(horizons)}; allowed: 0s and later times, not {NEXT}")
    ordered = tuple(sorted(horizons, key=horizon_ns))
    return RegisteredTurns(_margins(told.get("margins"), name, MARGINS_IN_TURN), ordered)


def read_tests(data: bytes, name: str, cells: int, horizons: tuple[str, ...]) -> RegisteredTests | None:
    """The tests that a registration asks for, of a study with so many cells and these horizons of probes.

    None where it asks for none. Raises `UsageError`, naming file, key and what is allowed.
    """
    told = asked_for(LOOP, data, name)
    if told is None:
        return None
    horizon = told.get("horizon")
    if horizon not in horizons:
        raise UsageError(f"{name}: horizon: was {horizon!r}; allowed: a horizon of study.probe, {', '.join(horizons)}")
    if "0s" not in horizons:
        raise UsageError(f"{name}: study.probe.horizons has no 0s, at which the sizes of probes are compared")
    margins = _margins(told.get("margins"), name, MARGINS)
    return RegisteredTests(str(horizon), margins, _cells(told.get("cells"), name, cells))


def registered_tests(study: Study) -> RegisteredTests | None:
    """The tests that the registration of a study asks for; None where it has none or asks for none."""
    held = registration_of(study)
    return None if held is None else read_tests(*held, study.declared["cells"], _horizons(study.spec))


def registered_turns(study: Study) -> RegisteredTurns | None:
    """The tests of resets in turn that the registration of a study asks for; None where it asks for none."""
    held = registration_of(study)
    return None if held is None else read_turns(*held, _horizons(study.spec))


def check_tests(scenario: Scenario, cells: int) -> None:
    """Raise `UsageError` where a study's registration asks for tests that it cannot have; before anything runs."""
    named = registration_for(scenario)
    if named is not None:
        horizons = _horizons(study_of(scenario.study))
        read_tests(*named, cells, horizons)
        read_turns(*named, horizons)


def _horizons(spec: StudySpec) -> tuple[str, ...]:
    return (spec.probe or ProbeSpec()).words if spec.is_probed else ()


def _margins(told: Any, name: str, names: tuple[str, ...]) -> dict[str, float]:
    found = told if isinstance(told, dict) else {}
    for key in (*names, *found):
        value = found.get(key)
        if key not in names or not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < 1:
            raise UsageError(
                f"{name}: margins.{key}: was {value!r}; allowed: {', '.join(names)}, each above 0, below 1"
            )
    return {key: float(found[key]) for key in names}


def _cells(told: Any, name: str, number: int) -> tuple[CellLabel, ...]:
    found = told if isinstance(told, dict) else {}
    if tuple(found.get("columns", ())) != COLUMNS:
        raise UsageError(f"{name}: cells.columns: was {found.get('columns')!r}; allowed: {list(COLUMNS)}")
    rows = found.get("rows")
    if not isinstance(rows, list) or len(rows) != number:
        had = len(rows) if isinstance(rows, list) else 0
        raise UsageError(f"{name}: cells.rows: was {had} rows; allowed: one for each of the study's {number} cells")
    return tuple(_label(row, f"{name}: cells.rows, cell {cell}") for cell, row in enumerate(rows))


def _label(row: Any, place: str) -> CellLabel:
    try:
        way, level, size, sign = row
        label = CellLabel(str(way), float(level), float(size), SIGNS[sign])
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f'{place}: was {row!r}; allowed: such as ["assets", 0.2, 0.01, "up"]') from error
    if not label.level > 0:
        raise UsageError(f"{place}: level: was {label.level!r}; allowed: above 0")
    if not 0 < label.size < 1:
        raise UsageError(f"{place}: size: was {label.size!r}; allowed: above 0, below 1")
    return label
