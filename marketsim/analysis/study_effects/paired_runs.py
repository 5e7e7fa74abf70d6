"""The runs of a study's cell in pairs: an arm with the arm it is compared with, and the terms of every measure.

Both runs of a pair have common random numbers. A pair is named by its replication and, where arms are forked from one
state, by the instant of the fork.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from marketsim.analysis.measures.family import Measure, PairMeasure, RunMeasure, Term
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.errors import DamagedResultError, ResultError


class PairKey(NamedTuple):
    """Names a pair: its replication, and the instant of its fork [ns], None for whole runs."""

    replication: int
    fork_ns: int | None


@dataclass
class PairTerms:
    """The terms of one measure in one cell and arm, by pair.

    of_arm, of_versus: of single runs. of_pair: of pairs. of_unpaired: of each run with the counterfactual of the next
    replication, with which it has no random number in common. note: why there are none.
    """

    of_arm: dict[PairKey, list[Term]] = field(default_factory=dict)
    of_versus: dict[PairKey, list[Term]] = field(default_factory=dict)
    of_pair: dict[PairKey, list[Term]] = field(default_factory=dict)
    of_unpaired: dict[PairKey, list[Term]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class ArmPairs:
    """The pairs of one arm in one cell: (run of the arm, run of `versus`) by key, and how many a failed run cost.

    `collapsed` holds the keys of pairs in which a market was destroyed in either run.
    """

    cell: int
    arm: str
    versus: str
    runs: Mapping[PairKey, tuple[Run, Run]]
    lost: int
    collapsed: frozenset[PairKey]

    @property
    def failed_share(self) -> float | None:
        """Share of finished pairs that are lost because one of their runs failed."""
        finished = len(self.runs) + self.lost
        return self.lost / finished if finished else None

    @property
    def collapsed_share(self) -> float | None:
        """Share of whole pairs in which a market was destroyed."""
        return len(self.collapsed) / len(self.runs) if self.runs else None

    def keys(self, measure: Measure) -> list[PairKey]:
        """The pairs that a measure is of: the survivors, or all whole pairs for one that keeps the collapsed."""
        return [key for key in self.runs if measure.keeps_collapsed or key not in self.collapsed]


def pairs_of(study: Study, collapse: Measure | None) -> Iterator[ArmPairs]:
    """Every arm of every cell in pairs with `study.versus`, that arm itself included (each run paired with itself).

    collapse: the measure that says whether a run collapsed (`collapse_share`); None where none is to be left out.
    """
    rows, versus = study.runs().filter(pl.col("status") != "planned"), study.spec.versus
    if study.spec.fork is not None:
        rows = rows.filter(pl.col("fork_ns").is_not_null())
    for (cell,), of_cell in rows.group_by("cell", maintain_order=True):
        found: dict[str, dict[PairKey, Run | None]] = {}
        for row in of_cell.iter_rows(named=True):
            run = Run(row["path"]) if row["status"] == "ok" else None
            found.setdefault(row["arm"], {})[PairKey(row["replication"], row["fork_ns"])] = run
        ruined = {run for runs in found.values() for run in runs.values() if run and _is_collapsed(run, collapse)}
        for arm in (each.id for each in study.spec.arms):
            yield _paired(int(str(cell)), arm, versus, found.get(arm, {}), found.get(versus, {}), ruined)


def terms_of(pairs: ArmPairs, measures: Mapping[str, Measure]) -> dict[str, PairTerms]:
    """The terms of every measure, pair by pair, so that each run is read once."""
    found = {name: PairTerms() for name in measures}
    keys = list(pairs.runs)
    for number, key in enumerate(keys):
        arm, versus = pairs.runs[key]
        is_alone = len(keys) == 1 or key.fork_ns is not None
        unpaired = None if is_alone else pairs.runs[keys[(number + 1) % len(keys)]][0]
        for name, measure in measures.items():
            if found[name].note or key not in pairs.keys(measure):
                continue
            try:
                _add(found[name], measure, key, arm, versus, unpaired)
            except DamagedResultError:
                raise
            except ResultError as error:
                found[name] = PairTerms(note=str(error))
    return found


def _add(into: PairTerms, measure: Measure, key: PairKey, arm: Run, versus: Run, unpaired: Run | None) -> None:
    if isinstance(measure, RunMeasure):
        into.of_arm[key] = measure.terms(arm)
        into.of_versus[key] = into.of_arm[key] if arm is versus else measure.terms(versus)
    elif isinstance(measure, PairMeasure) and arm is not versus:
        into.of_pair[key] = measure.terms(versus, arm)
        if unpaired is not None:
            into.of_unpaired[key] = measure.terms(versus, unpaired)


def _paired(
    cell: int,
    arm: str,
    versus: str,
    of_arm: Mapping[PairKey, Run | None],
    of_versus: Mapping[PairKey, Run | None],
    ruined: Collection[Run],
) -> ArmPairs:
    both = {key: (run, of_versus[key]) for key, run in of_arm.items() if key in of_versus}
    whole = {key: (a, v) for key, (a, v) in both.items() if a is not None and v is not None}
    collapsed = frozenset(key for key, runs in whole.items() if any(run in ruined for run in runs))
    return ArmPairs(cell, arm, versus, whole, len(both) - len(whole), collapsed)


def _is_collapsed(run: Run, collapse: Measure | None) -> bool:
    """Whether a market of the run was destroyed; no where its record does not tell."""
    if not isinstance(collapse, RunMeasure):
        return False
    try:
        return bool(collapse.value(collapse.terms(run)))
    except DamagedResultError:
        raise
    except ResultError:
        return False
