"""Many pairs of runs of a small world, most of whose arms differ by luck alone, and what each says of a difference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import marketsim as ms
from marketsim.analysis.measures.pair_state import PairState
from marketsim.analysis.measures.register import all_measures
from marketsim.analysis.run_data.mid_prices import mids_of
from marketsim.analysis.study_effects.paired_runs import cells_of, terms_of
from marketsim.analysis.study_effects.row_terms import rows_of
from marketsim.datasets.study import Study
from tests.verification.results import WORLDS

Floats = NDArray[np.float64]
PUSH = "impact_gap_0s"
MINUTE_NS = 60 * 10**9


@dataclass(frozen=True)
class PlaceboPairs:
    """What each replication says (n,): the push of placebos of random sign [bp] and of the funds' own orders [bp], both
    against the world without orders, and the difference of that world's log variance between unrelated seeds."""

    placebo: Floats
    factual: Floats
    other_seed: Floats

    of_no_effect = ("placebo of random sign", "other seeds")

    @property
    def by_name(self) -> dict[str, Floats]:
        """The three, by name."""
        return {"placebo of random sign": self.placebo, "own orders": self.factual, "other seeds": self.other_seed}

    @classmethod
    def made(cls, out: Path) -> PlaceboPairs:
        """From 200 replications of worlds/placebo.yaml."""
        study = Study(ms.sweep(WORLDS / "placebo.yaml", out=out, workers="auto", report=False).path)
        (pairs,) = cells_of(study, lambda arm, versus: PairState())
        measure = all_measures()[PUSH]
        pushes = {}
        for arm in ("factual", "placebo_sign"):
            (row,) = rows_of(pairs, measure, arm, "frictionless", {arm: terms_of(pairs, arm, {PUSH: measure})[PUSH]})
            pushes[arm] = row.survivors.scatter
        quiet = [variance(run) for run, _ in pairs.arms["frictionless"].runs.values()]
        unrelated = np.diff(np.log(quiet).reshape(-1, 2), axis=1)[:, 0]
        return cls(pushes["placebo_sign"], pushes["factual"], unrelated)


def variance(run: ms.Run) -> float:
    """The realised variance of a run's 1-minute returns of the mid after the warm-up."""
    minutes = np.arange(3, 16) * MINUTE_NS
    return float((np.diff(np.log(mids_of(run).at("BTC-PERP", minutes))) ** 2).sum())
