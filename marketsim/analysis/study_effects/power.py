"""The power of a study, told before it runs: what it would find of the effects that a pilot shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from marketsim.analysis.inference import power
from marketsim.analysis.measures.family import Measure
from marketsim.analysis.measures.pair_state import StateOfPair, pair_state
from marketsim.analysis.measures.register import measures_asked_for
from marketsim.analysis.study_effects.effects_table import compared, generator
from marketsim.analysis.study_effects.paired_runs import CellPairs, cells_of, terms_of
from marketsim.analysis.study_effects.row_terms import RowTerms
from marketsim.datasets.study import Study


@dataclass(frozen=True, slots=True)
class PlannedPower:
    """What a study will find of one measure in one cell, market and arm, told from a pilot, by the test it will use.

    estimate: of the pilot. pairs: replications that the study will have; power: how often it finds an effect as large
    as the estimate; smallest_effect: what it finds in four studies of five, None where no p-value can be that small.
    replications: as many as find the pilot's estimate in four of five; replications_cautious: that are enough in four
    pilots of five; None above 5,000. level: of the test, over all rows of a registered outcome together (Holm's first
    step). note: why a pilot tells nothing.
    """

    measure: str
    unit: str
    cell: int
    market: str | None
    arm: str
    versus: str
    pilot_pairs: int
    pairs: int
    level: float
    estimate: float | None = None
    power: float | None = None
    smallest_effect: float | None = None
    replications: int | None = None
    replications_cautious: int | None = None
    note: str | None = None


def estimate_power(
    pilot: Study,
    measures: Mapping[str, Measure],
    replications: int | None = None,
    primary: str | None = None,
    *,
    state: StateOfPair = pair_state,
) -> list[PlannedPower]:
    """What a study of so many replications will find of its primary outcome, or of all its measures without one.

    pilot: the same study, or one that differs in the number of replications, with some pairs finished. replications,
    primary: as the pilot declares where None.
    """
    registered = measures.get(primary or pilot.spec.primary or "")
    wanted = measures_asked_for(pilot.spec, measures) if registered is None else {registered.name: registered}
    rows = [each for pairs in cells_of(pilot, state) for each in _effects(pairs, wanted)]
    level = power.LEVEL / (len(rows) if registered is not None and rows else 1)
    planned = replications or pilot.spec.replications
    return [_told(pilot, each, planned, level) for each in rows]


def _effects(pairs: CellPairs, measures: Mapping[str, Measure]) -> Iterator[RowTerms]:
    """The terms of every effect of a cell, against the baseline and against the factual arm."""
    read = {arm: terms_of(pairs, arm, measures) for arm in pairs.arms}
    for arm in pairs.arms:
        for name, measure in measures.items():
            terms = {each: found[name] for each, found in read.items()}
            yield from (row for row in compared(pairs, measure, arm, terms) if row.row.versus is not None)


def _told(pilot: Study, terms: RowTerms, planned: int, level: float) -> PlannedPower:
    contrast, row = terms.survivors, terms.row
    assert row.versus is not None
    told = PlannedPower(
        row.measure, row.unit, row.cell, row.market, row.arm, row.versus, contrast.n, planned, level
    )  # fmt: skip
    if contrast.n < 2 or not isfinite(contrast.estimate) or not np.isfinite(contrast.scatter).all():
        few = "the pilot has too few replications in which something happened; two or more are needed"
        return replace(told, note=terms.note or few)
    rng, scatter = generator(pilot, "power", row), contrast.scatter
    effect, wider = float(scatter.mean()), scatter * power.cautious_spread(scatter)
    return replace(
        told, estimate=contrast.estimate, power=power.simulated_power(scatter, effect, planned, rng, level),
        smallest_effect=power.smallest_effect(scatter, planned, rng, level),
        replications=power.replications_needed(scatter, effect, rng, level),
        replications_cautious=power.replications_needed(wider, effect, rng, level),
    )  # fmt: skip
