"""Runs of one cell put in pairs: an arm beside the arm it is compared with, sharing all luck, and their terms.

A pair is named by its key: replication and, where arms are forked from one state, the instant of the fork [ns].
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl

from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.errors import ResultError

Term = dict[str, Any]
"""Sums of one window, UTC day or run; `day` is the number of its day, -1 where it is of the whole run."""
Key = tuple[int, int | None]
Value = Callable[[Sequence[Term]], float | None]

RUIN = ("wipe_probability", "collapse_share", "cascade_size", "branching_ratio", "insurance_loss")
"""Measures of ruin itself: of them collapsed runs are a part, where all others are of the survivors."""


class Measure(Protocol):
    """What is needed of a measure (`analysis.measures`): terms of a run or of a pair, and the value of any of them."""

    @property
    def name(self) -> str:
        """Its name in the scenario language."""

    @property
    def unit(self) -> str:
        """Unit of its values; `ratio` where 1 means that nothing is different."""

    @property
    def of_pair(self) -> Callable[[Run, Run], list[Term]] | None:
        """Terms of a run beside its counterfactual; None for a measure of single runs."""

    @property
    def of_run(self) -> Callable[[Run], list[Term]] | None:
        """Terms of a single run; None for a measure of pairs."""

    @property
    def value(self) -> Value:
        """The value of any list of terms put together; None where they do not say."""


class TapeCorrelation(Protocol):
    """How alike two runs' tapes of one market are: overall, and from which instant [ns] on no more."""

    @property
    def overall(self) -> float | None:
        """Correlation of all returns."""

    @property
    def fell_ns(self) -> int | None:
        """When the correlation of an hour first fell below one half; None where it never did."""


Tapes = Callable[[Run, Run], Sequence[TapeCorrelation]]
"""The correlation of two runs' tapes in each market they share."""


@dataclass
class Gathered:
    """The terms of one cell, arm and measure by pair, and what stood in the way of any.

    of_arm, of_versus: of single runs. of_pair: of pairs. of_strangers: of each run beside the counterfactual of the
    next replication, with which it shares nothing.
    """

    of_arm: dict[Key, list[Term]] = field(default_factory=dict)
    of_versus: dict[Key, list[Term]] = field(default_factory=dict)
    of_pair: dict[Key, list[Term]] = field(default_factory=dict)
    of_strangers: dict[Key, list[Term]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class ArmPairs:
    """The pairs of one arm in one cell: those whose runs are whole, and how many are lost by a run that failed.

    `collapsed` holds the keys of pairs in which a market was destroyed in either run.
    """

    cell: int
    arm: str
    versus: str
    runs: Mapping[Key, tuple[Run, Run]]
    lost: int
    collapsed: frozenset[Key]

    @property
    def failed_share(self) -> float | None:
        """Share of finished pairs that are lost because one of their runs failed."""
        finished = len(self.runs) + self.lost
        return self.lost / finished if finished else None

    @property
    def collapsed_share(self) -> float | None:
        """Share of whole pairs in which a market was destroyed."""
        return len(self.collapsed) / len(self.runs) if self.runs else None

    def keys(self, measure: str) -> list[Key]:
        """The pairs that a measure is of: survivors, or, for measures of ruin, all that are whole."""
        return [key for key in self.runs if measure in RUIN or key not in self.collapsed]


def pairs_of(study: Study, measures: Mapping[str, Measure]) -> Iterator[ArmPairs]:
    """Every arm of every cell in pairs with `study.versus`, itself included (its pairs are it and itself)."""
    rows, versus = study.runs().filter(pl.col("status") != "planned"), study.spec.versus
    if study.spec.fork is not None:
        rows = rows.filter(pl.col("fork_ns").is_not_null())
    for (cell,), of_cell in rows.group_by("cell", maintain_order=True):
        found: dict[str, dict[Key, Run | None]] = {}
        for row in of_cell.iter_rows(named=True):
            run = Run(row["path"]) if row["status"] == "ok" else None
            found.setdefault(row["arm"], {})[row["replication"], row["fork_ns"]] = run
        ruined = {run for runs in found.values() for run in runs.values() if run and _is_collapsed(run, measures)}
        for arm in (each.id for each in study.spec.arms):
            yield _paired(int(str(cell)), arm, versus, found.get(arm, {}), found.get(versus, {}), ruined)


def gather(pairs: ArmPairs, measures: Mapping[str, Measure]) -> dict[str, Gathered]:
    """The terms of every measure, pair by pair, so that each run is read once."""
    found = {name: Gathered() for name in measures}
    keys = list(pairs.runs)
    for number, key in enumerate(keys):
        arm, versus = pairs.runs[key]
        stranger = pairs.runs[keys[(number + 1) % len(keys)]][0] if len(keys) > 1 and key[1] is None else None
        for name, measure in measures.items():
            if found[name].note or key not in pairs.keys(name):
                continue
            try:
                _add(found[name], measure, key, arm, versus, stranger)
            except ResultError as error:
                found[name] = Gathered(note=str(error))
    return found


def _add(into: Gathered, measure: Measure, key: Key, arm: Run, versus: Run, stranger: Run | None) -> None:
    if measure.of_run is not None:
        into.of_arm[key] = measure.of_run(arm)
        into.of_versus[key] = into.of_arm[key] if arm is versus else measure.of_run(versus)
    elif measure.of_pair is not None and arm is not versus:
        into.of_pair[key] = measure.of_pair(versus, arm)
        if stranger is not None:
            into.of_strangers[key] = measure.of_pair(versus, stranger)


def _paired(
    cell: int,
    arm: str,
    versus: str,
    of_arm: Mapping[Key, Run | None],
    of_versus: Mapping[Key, Run | None],
    ruined: Collection[Run],
) -> ArmPairs:
    both = {key: (run, of_versus[key]) for key, run in of_arm.items() if key in of_versus}
    whole = {key: (a, v) for key, (a, v) in both.items() if a is not None and v is not None}
    collapsed = frozenset(key for key, runs in whole.items() if any(run in ruined for run in runs))
    return ArmPairs(cell, arm, versus, whole, len(both) - len(whole), collapsed)


def _is_collapsed(run: Run, measures: Mapping[str, Measure]) -> bool:
    """Whether a market of the run was destroyed, as the measure `collapse_share` has it; no where nobody can tell."""
    collapse = measures.get("collapse_share")
    if collapse is None or collapse.of_run is None:
        return False
    try:
        return bool(collapse.value(collapse.of_run(run)))
    except ResultError:
        return False
