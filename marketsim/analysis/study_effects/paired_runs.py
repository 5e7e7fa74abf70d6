"""The runs of a study's cell in pairs, an arm with the baseline, and the terms of every measure.

Both runs of a pair have common random numbers. A pair is named by its replication and, where arms are forked from one
state, by the instant of the fork.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import polars as pl

from marketsim.analysis.inference.intervals import ENOUGH
from marketsim.analysis.measures.family import Measure, PairMeasure, RunMeasure, Term
from marketsim.analysis.measures.pair_state import PairState, StateOfPair
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.errors import DamagedResultError, ResultError
from marketsim.scenario.study.study import StudySpec


class PairKey(NamedTuple):
    """Names a pair: its replication, and the instant of its fork [ns], None for whole runs."""

    replication: int
    fork_ns: int | None


@dataclass
class ArmTerms:
    """The terms of one measure in one cell and arm, by pair.

    of_unpaired: of measures of pairs, of each run with the baseline run of the next replication, with which it has no
    random number in common. note: why there are none.
    """

    of_arm: dict[PairKey, list[Term]] = field(default_factory=dict)
    of_unpaired: dict[PairKey, list[Term]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class ArmPairs:
    """The whole pairs of one arm in one cell: (its run, the baseline's) by key, which failed, and what became of each.

    The baseline's own pairs are of each run with itself.
    """

    arm: str
    runs: Mapping[PairKey, tuple[Run, Run]]
    failed: frozenset[PairKey]
    states: Mapping[PairKey, PairState]

    @cached_property
    def collapsed(self) -> frozenset[PairKey]:
        """The pairs in which a market was destroyed."""
        return frozenset(key for key, state in self.states.items() if state.is_collapsed)

    @cached_property
    def runaway(self) -> frozenset[PairKey]:
        """The pairs in which the push of resets grew."""
        return frozenset(key for key, state in self.states.items() if state.is_runaway)


@dataclass(frozen=True)
class CellPairs:
    """All arms of one cell, of forks those with one jump: their pairs with the baseline, and whose resets are read.

    factual: the arm that is the world as declared, None where it is not listed. senders: arms whose funds send orders.
    """

    cell: int
    jump: float | None
    baseline: str
    factual: str | None
    arms: Mapping[str, ArmPairs]
    senders: frozenset[str]

    @property
    def also_versus(self) -> str | None:
        """The arm that others have a row against beside that against the baseline: the factual one."""
        return None if self.factual == self.baseline else self.factual

    def resets(self, arm: str, key: PairKey) -> Run | None:
        """The run whose resets a pair is read at: the factual one for an arm that sends no orders, else its own."""
        if self.factual is None or key not in self.arms[self.factual].runs:
            return None
        sends = arm in self.senders and self.arms[arm].runs[key][0].manifest["counts"]["rebalances"] > 0
        return None if sends else self.arms[self.factual].runs[key][0]


def cells_of(study: Study, state: StateOfPair) -> Iterator[CellPairs]:
    """Every cell of a study that has a finished or a failed run, of forks every cell and jump."""
    rows, spec = study.runs().filter(pl.col("status") != "planned"), study.spec
    if spec.fork is not None:
        rows = rows.filter(pl.col("fork_ns").is_not_null())
    for (cell, jump), of_cell in rows.group_by("cell", "jump", maintain_order=True):
        found: dict[str, dict[PairKey, Run | None]] = {arm.id: {} for arm in spec.arms}
        for row in of_cell.iter_rows(named=True):
            run = Run(row["path"]) if row["status"] == "ok" else None
            found.setdefault(row["arm"], {})[PairKey(row["replication"], row["fork_ns"])] = run
        baseline = found[spec.baseline_arm]
        arms = {arm.id: _paired(arm.id, found[arm.id], baseline, state) for arm in spec.arms}
        yield CellPairs(
            int(str(cell)), None if jump is None else float(str(jump)), spec.baseline_arm, spec.factual_arm, arms,
            _senders(spec),
        )  # fmt: skip


def _senders(spec: StudySpec) -> frozenset[str]:
    """The arms whose funds send orders to a market; of a placebo they do not, the placebo does."""
    return frozenset(arm.id for arm in spec.arms if arm.arm in ("factual", "blind") or arm.only is not None)


def _paired(
    arm: str, of_arm: Mapping[PairKey, Run | None], of_baseline: Mapping[PairKey, Run | None], state: StateOfPair
) -> ArmPairs:
    both = {key: (run, of_baseline[key]) for key, run in of_arm.items() if key in of_baseline}
    whole = {key: (a, b) for key, (a, b) in both.items() if a is not None and b is not None}
    return ArmPairs(arm, whole, frozenset(both) - frozenset(whole), {key: state(*runs) for key, runs in whole.items()})


def terms_of(pairs: CellPairs, arm: str, measures: Mapping[str, Measure]) -> dict[str, ArmTerms]:
    """The terms of every measure of an arm, pair by pair, so that each run is read once; the collapsed too."""
    found = {name: ArmTerms() for name in measures}
    runs = pairs.arms[arm].runs
    keys = list(runs)
    for number, key in enumerate(keys):
        has_stranger = len(keys) >= ENOUGH and key.fork_ns is None  # of fewer no variance ratio is told
        stranger = runs[keys[(number + 1) % len(keys)]][1] if has_stranger else None
        for name, measure in measures.items():
            if found[name].note:
                continue
            try:
                _read(found[name], measure, key, runs[key], stranger, pairs.resets(arm, key))
            except DamagedResultError:
                raise
            except ResultError as error:
                found[name] = ArmTerms(note=str(error))
    return found


def _read(
    into: ArmTerms, measure: Measure, key: PairKey, runs: tuple[Run, Run], stranger: Run | None, resets: Run | None
) -> None:
    arm, baseline = runs
    if isinstance(measure, RunMeasure):
        into.of_arm[key] = measure.terms(arm)
    elif isinstance(measure, PairMeasure) and arm is not baseline:
        into.of_arm[key] = measure.terms(arm, baseline, resets)
        if stranger is not None:
            into.of_unpaired[key] = measure.terms(arm, stranger, resets)
