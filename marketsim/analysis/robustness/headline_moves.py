"""headlines.parquet: how a headline moves from the first cell of a study to each of the others.

A headline is a measure of the factual arm against the baseline. Cells have common random numbers, so a change is that
of the replications that both cells have, and its interval is of their differences: replications are the unit, every
value is computed again without each of them. A cell *holds* where the 90 % interval of its change lies within the
registered margin, a share of the first cell's value (two one-sided tests, Schuirmann 1987); it *moves* where the 95 %
interval leaves 0 out, which it may do and hold; else it is undecided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

import polars as pl

from marketsim.analysis.inference.equivalence import Equivalence, equivalence
from marketsim.analysis.measures.family import Measure, Term
from marketsim.analysis.measures.pair_state import StateOfPair, pair_state
from marketsim.analysis.measures.register import all_measures, measures_asked_for
from marketsim.analysis.robustness.registered_headlines import RegisteredHeadlines
from marketsim.analysis.study_effects.arm_contrast import Contrast
from marketsim.analysis.study_effects.paired_runs import CellPairs, cells_of, terms_of
from marketsim.analysis.study_effects.replications import Replications
from marketsim.datasets.study import Study

COLUMNS = {
    "cell": pl.Int64, "world": pl.String, "market": pl.String, "measure": pl.String, "unit": pl.String,
    "replications": pl.Int64, "collapsed": pl.Int64, "estimate": pl.Float64, "lo": pl.Float64, "hi": pl.Float64,
    "change": pl.Float64, "change_lo": pl.Float64, "change_hi": pl.Float64, "change_share": pl.Float64,
    "margin": pl.Float64, "verdict": pl.String, "sentence": pl.String,
}  # fmt: skip
"""Columns of headlines.parquet. change: of the value, from that of the first cell; change_share: as a share of it.
margin: in the measure's unit. The first cell has no change."""

VERDICTS = {
    "equivalent": "holds", "equivalent, and differs": "holds, and moves", "differs": "moves", "undecided": "undecided",
    "too few": "too few",
}  # fmt: skip
ByReplication = Mapping[int, list[Term]]
"""The terms of one measure, market and cell."""


def headlines_table(
    study: Study,
    told: RegisteredHeadlines,
    measures: Mapping[str, Measure] | None = None,
    state: StateOfPair = pair_state,
) -> pl.DataFrame:
    """Every headline in every cell; columns `COLUMNS`. measures: all there are, where None the registered ones."""
    every = measures_asked_for(study.spec, all_measures() if measures is None else measures)
    wanted = {name: every[name] for name in told.headlines}
    cells = [(pairs, _read(pairs, wanted)) for pairs in cells_of(study, state)]
    rows = [row for name, measure in wanted.items() for row in _rows(name, measure, cells, told)]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def _read(pairs: CellPairs, measures: Mapping[str, Measure]) -> dict[str, dict[str | None, ByReplication]]:
    """The terms of the factual arm by measure, market and replication, of pairs in which no market collapsed."""
    assert pairs.factual is not None  # checked before anything ran
    collapsed = pairs.arms[pairs.factual].collapsed
    found: dict[str, dict[str | None, ByReplication]] = {}
    for name, arm in terms_of(pairs, pairs.factual, measures).items():
        kept = {key.replication: terms for key, terms in arm.of_arm.items() if key not in collapsed}
        markets = sorted({term.market for terms in kept.values() for term in terms}, key=lambda m: m or "")
        found[name] = {market: _together(measures[name], kept, market) for market in markets}
    return found


def _together(measure: Measure, kept: Mapping[int, Sequence[Term]], market: str | None) -> ByReplication:
    """What each replication says of a market; those that could not be read are left out."""
    known = {r: [t for t in terms if t.market == market and t.denominator] for r, terms in kept.items()}
    together = {r: measure.of_replication(terms) for r, terms in known.items()}
    return {r: terms for r, terms in together.items() if terms}


def _rows(
    name: str,
    measure: Measure,
    cells: Sequence[tuple[CellPairs, Mapping[str, Mapping[str | None, ByReplication]]]],
    told: RegisteredHeadlines,
) -> Iterator[dict[str, Any]]:
    _, first = cells[0]
    for market, reference in first[name].items():
        at_first = _contrast(measure, reference, list(reference)).estimate
        for pairs, read in cells:
            here = read[name].get(market, {})
            row = dict.fromkeys(COLUMNS) | _level(measure, here)
            row |= {
                "cell": pairs.cell, "world": told.cells[pairs.cell], "market": market, "measure": name,
                "unit": measure.unit, "collapsed": len(pairs.arms[pairs.factual or ""].collapsed),
            }  # fmt: skip
            if pairs.cell:
                row |= _change(measure, here, reference, at_first, told.margin)
            yield row | {"sentence": _sentence(row, told.cells[0])}


def _contrast(
    measure: Measure, arm: ByReplication, kept: Sequence[int], versus: ByReplication | None = None
) -> Contrast:
    sides = [None if side is None else Replications(measure, [side[r] for r in kept]) for side in (arm, versus)]
    assert sides[0] is not None
    return Contrast(measure, sides[0], sides[1])


def _level(measure: Measure, here: ByReplication) -> dict[str, Any]:
    """The value of a cell and its interval; none where nothing could be read."""
    contrast = _contrast(measure, here, list(here))
    if not isfinite(contrast.estimate):
        return {"replications": contrast.n}
    interval = contrast.interval()
    return {"replications": contrast.n, "estimate": contrast.estimate, "lo": interval.lo, "hi": interval.hi}


def _change(
    measure: Measure, here: ByReplication, reference: ByReplication, at_first: float, share: float
) -> dict[str, Any]:
    """What a cell has that the first has not, in the replications of both, and the verdict on it."""
    both = [r for r in here if r in reference]
    contrast = _contrast(measure, here, both, reference)
    margin = share * abs(at_first)
    if not isfinite(contrast.estimate):
        return {"margin": margin}
    found: Equivalence = equivalence(contrast.estimate, contrast.left_out, 0.0, margin)
    return {
        "change": found.estimate, "change_lo": found.lo, "change_hi": found.hi,
        "change_share": found.estimate / at_first if at_first else None, "margin": margin,
        "verdict": VERDICTS[found.verdict],
    }  # fmt: skip


def _sentence(row: Mapping[str, Any], first: str) -> str:
    """A row in words."""
    if row["estimate"] is None:
        return f"{row['world']}: {row['measure']} could not be read."
    value = f"{row['world']}: {row['measure']} is {row['estimate']:.2f} {row['unit']}"
    if row["change"] is None:
        return f"{value}."
    ends = row["change_lo"], row["change_hi"]
    within = "" if None in ends else f" (95 %: {ends[0]:+.2f} to {ends[1]:+.2f})"
    return f"{value}, {row['change']:+.2f}{within} from {first}: {row['verdict']}."
