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
PUSH, PER_MOVE = "impact_gap_0s", "impact_per_move_0s"
MINUTE_NS = 60 * 10**9


@dataclass(frozen=True)
class PlaceboPairs:
    """What each replication says, numerators and denominators (n,), by name.

    Pushes at the last fill [bp], and pushes per 1 % of move, of placebos of random sign and of the funds' own orders,
    both against the world without orders; and the difference of that world's log variance between unrelated seeds.
    """

    by_name: dict[str, tuple[Floats, Floats]]
    of_an_effect = ("push of own orders", "push per move of own orders")

    @classmethod
    def made(cls, out: Path) -> PlaceboPairs:
        """From the replications of worlds/placebo.yaml."""
        study = Study(ms.sweep(WORLDS / "placebo.yaml", out=out, workers="auto", report=False).path)
        (pairs,) = cells_of(study, lambda arm, versus: PairState())
        measures, found = {name: all_measures()[name] for name in (PUSH, PER_MOVE)}, {}
        for arm, orders in (("placebo_sign", "placebos"), ("factual", "own orders")):
            terms = terms_of(pairs, arm, measures)
            for name, words in ((PUSH, "push"), (PER_MOVE, "push per move")):
                (row,) = rows_of(pairs, measures[name], arm, "frictionless", {arm: terms[name]})
                scale = float(measures[name].scale)  # type: ignore[attr-defined]
                side = row.survivors.arm
                found[f"{words} of {orders}"] = (side.numerators * scale, side.denominators)
        quiet = [variance(run) for run, _ in pairs.arms["frictionless"].runs.values()]
        unrelated = np.diff(np.log(quiet).reshape(-1, 2), axis=1)[:, 0]
        return cls({**found, "log variance of unrelated seeds": (unrelated, np.ones(len(unrelated)))})


def variance(run: ms.Run) -> float:
    """The realised variance of a run's 1-minute returns of the mid after the warm-up."""
    minutes = np.arange(3, 16) * MINUTE_NS
    return float((np.diff(np.log(mids_of(run).at("BTC-PERP", minutes))) ** 2).sum())
