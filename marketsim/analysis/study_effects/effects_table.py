"""What the arms of a study did, with intervals and p-values, as effects.parquet has it.

One direction everywhere: a row says what `arm` has that `versus` has not, a difference is arm - versus, a ratio arm /
versus. Each arm has rows against the baseline; where the factual arm is listed and is not the baseline, each arm other
than these two also has rows against it, the difference of both arms' values. Rows whose `versus` is null are values of
one arm alone, of measures of single runs.

Replications are the unit, each with all its days and forks; values are ratios of sums, never means of ratios.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain
from math import isfinite

import numpy as np
import polars as pl

from marketsim.analysis.comparison.return_correlation import ReturnCorrelation, return_correlations
from marketsim.analysis.inference.p_values import benjamini_hochberg, holm
from marketsim.analysis.inference.power import LEVEL, replications_needed
from marketsim.analysis.measures.family import Measure, PairMeasure, RunMeasure
from marketsim.analysis.measures.pair_state import StateOfPair, pair_state
from marketsim.analysis.measures.register import all_measures, measures_asked_for
from marketsim.analysis.study_effects.effect_row import COLUMNS, EffectRow
from marketsim.analysis.study_effects.paired_runs import ArmPairs, ArmTerms, CellPairs, cells_of, terms_of
from marketsim.analysis.study_effects.row_terms import RowTerms, rows_of
from marketsim.analysis.study_effects.sentences import sentence, what_would_do
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.streams import Stream

ALONE = "it compares an arm with the baseline, and the study has one arm"
"""Why a measure of pairs has no value in a study of one arm."""

Correlations = Callable[[Run, Run], Sequence[ReturnCorrelation]]
Said = Callable[[EffectRow, int], str]
"""A row in words, given how many tests its registered outcome has."""


def effects_of(study: Study) -> pl.DataFrame:
    """The effects of a study with all registered measures; columns `COLUMNS`."""
    return measure_effects(study, all_measures(), correlations=return_correlations)


def measure_effects(
    study: Study,
    measures: Mapping[str, Measure],
    *,
    state: StateOfPair = pair_state,
    correlations: Correlations | None = None,
) -> pl.DataFrame:
    """The effects of a study (cells x jumps x measures x arms x markets), columns `COLUMNS`.

    measures: all there are; those that the study asks for are taken. state: what became of a pair of runs.
    correlations: of the returns of two runs, by market; None leaves them out.
    """
    wanted = measures_asked_for(study.spec, measures)
    found = [each for pairs in cells_of(study, state) for each in _rows(study, pairs, wanted, correlations)]
    rows = adjusted([row for row, _ in found], study.spec.primary)
    tests = sum(row.measure == study.spec.primary and row.p is not None for row in rows)
    said = [replace(row, sentence=say(row, tests)) for row, (_, say) in zip(rows, found, strict=True)]
    return pl.DataFrame([asdict(row) for row in said], schema=COLUMNS)


def adjusted(rows: Sequence[EffectRow], primary: str | None) -> list[EffectRow]:
    """Rows with p-values adjusted for the number of tests: the registered outcome by itself, all others together."""
    done = list(rows)
    for is_primary, adjust in ((True, holm), (False, benjamini_hochberg)):
        family = [i for i, row in enumerate(rows) if (row.measure == primary) == is_primary and row.p is not None]
        for i, value in zip(family, adjust([rows[i].p or 0.0 for i in family]), strict=True):
            done[i] = replace(rows[i], p_adjusted=value)
    return done


def _rows(
    study: Study, pairs: CellPairs, measures: Mapping[str, Measure], correlations: Correlations | None
) -> Iterator[tuple[EffectRow, Said]]:
    """The rows of one cell and jump, arm by arm, and what says each in words once its p-value is adjusted."""
    read = {arm: terms_of(pairs, arm, measures) for arm in pairs.arms}
    for arm in pairs.arms:
        alike = None if arm == pairs.baseline else _mean_correlation(pairs.arms[arm], correlations)
        for name, measure in measures.items():
            terms = {each: found[name] for each, found in read.items()}
            for of_row in compared(pairs, measure, arm, terms):
                row = estimated(of_row, generator(study, "effects", of_row.row))
                of_pair = isinstance(measure, PairMeasure) and row.versus == pairs.baseline
                yield replace(row, pair_correlation=alike) if of_pair else row, _said(study, of_row)


def compared(pairs: CellPairs, measure: Measure, arm: str, terms: Mapping[str, ArmTerms]) -> Iterator[RowTerms]:
    """What there is to say of an arm: its own value, and what it has that the baseline and the factual arm have not."""
    if isinstance(measure, RunMeasure):
        yield from rows_of(pairs, measure, arm, None, terms)
    if arm != pairs.baseline:
        yield from rows_of(pairs, measure, arm, pairs.baseline, terms)
    if isinstance(measure, PairMeasure) and len(pairs.arms) == 1:
        yield from (replace(row, note=ALONE) for row in rows_of(pairs, measure, arm, None, terms))
    if pairs.also_versus is not None and arm not in (pairs.baseline, pairs.factual):
        yield from rows_of(pairs, measure, arm, pairs.also_versus, terms)


def generator(study: Study, use: str, row: EffectRow) -> np.random.Generator:
    """A generator of its own for each use and row, so that no p-value depends on another."""
    name = f"{use}:{row.cell}:{row.jump}:{row.measure}:{row.market}:{row.arm}:{row.versus}"
    return np.random.default_rng(int(Stream(study.declared["seed"], 0, name).bits(0, 0)))


def estimated(terms: RowTerms, rng: np.random.Generator) -> EffectRow:
    """The row with its estimates, interval and test; without an estimate where the terms give none."""
    contrast, every = terms.survivors, terms.every.estimate
    row = replace(terms.row, pairs=contrast.n, dropped=terms.dropped, estimate_all=every if isfinite(every) else None)
    if not isfinite(contrast.estimate):
        return row
    made, steady = contrast.interval(), terms.without_runaways.estimate
    return replace(
        row, estimate=contrast.estimate, lo=made.lo, hi=made.hi, method=made.method, coverage=made.coverage,
        p=contrast.p(rng), variance_ratio=contrast.variance_ratio, pair_correlation=contrast.pair_correlation,
        estimate_without_runaways=steady if isfinite(steady) else None,
    )  # fmt: skip


def _said(study: Study, terms: RowTerms) -> Said:
    """What says a row in words: what was found, or why nothing was. It does not keep the terms."""
    against_factual = terms.row.versus == study.spec.factual_arm != study.spec.baseline_arm
    measure, reset, nothing = terms.measure, terms.reset, terms.why_nothing()
    is_primary = measure.name == study.spec.primary
    scatter = terms.survivors.scatter if is_primary and terms.survivors.n > 1 else None

    def say(row: EffectRow, tests: int) -> str:
        if row.estimate is None:
            return nothing
        words = sentence(row, measure, reset, against_factual=against_factual)
        if scatter is None or row.p_adjusted is None or row.p_adjusted <= LEVEL or not np.isfinite(scatter).all():
            return words
        needed = replications_needed(scatter, float(scatter.mean()), generator(study, "power", row), LEVEL / tests)
        return f"{words} {what_would_do(needed)}"

    return say


def _mean_correlation(pairs: ArmPairs, correlations: Correlations | None) -> float | None:
    """The correlation of the mids' returns of an arm and the baseline, mean over pairs and markets."""
    if correlations is None:
        return None
    found = chain(*(correlations(baseline, arm) for arm, baseline in pairs.runs.values()))
    known = [each.overall for each in found if each.overall is not None]
    return float(np.mean(known)) if known else None
