"""What the arms of a study did: paired differences with intervals and p-values, as effects.parquet has them.

The estimate of a measure of pairs is its value over all pairs of a cell, factual = `versus`, counterfactual = the arm;
of a measure of single runs it is the arm's value less that of `versus`. Rows whose `versus` is null are levels: a
measure of single runs of that arm alone. Values are of sums over all pairs: ratios of sums, never means of ratios.

Clusters are replications, each with all its days; with one replication its days; in a study of forks the forks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from math import isfinite
from pathlib import Path

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats
from marketsim.analysis.comparison.return_correlation import ReturnCorrelation, return_correlations
from marketsim.analysis.inference.intervals import interval
from marketsim.analysis.inference.p_values import benjamini_hochberg, bootstrap_p, holm, sign_flip_p
from marketsim.analysis.measures.family import Measure, PairMeasure, RunMeasure
from marketsim.analysis.measures.register import all_measures
from marketsim.analysis.study_effects.arm_contrast import Contrast, contrast_of, level_of
from marketsim.analysis.study_effects.effect_row import COLUMNS, EffectRow
from marketsim.analysis.study_effects.paired_runs import ArmPairs, PairTerms, pairs_of, terms_of
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.streams import Stream

COLLAPSE = "collapse_share"
"""The measure that says which runs collapsed."""

Correlations = Callable[[Run, Run], Sequence[ReturnCorrelation]]


def write_effects(study: Study) -> Path:
    """Compute the effects of a study with all registered measures, write effects.parquet and return its path."""
    return study.write_effects(measure_effects(study, all_measures(), return_correlations))


def measure_effects(
    study: Study, measures: Mapping[str, Measure], correlations: Correlations | None = None
) -> pl.DataFrame:
    """The effects of a study (cells x measures x arms), columns `COLUMNS`.

    measures: all there are; those that the study names are taken, or all where it names none. correlations: of the
    returns of two runs, by market; None leaves them out.
    """
    wanted = measures_of(study, measures)
    rows: list[EffectRow] = []
    for pairs in pairs_of(study, measures.get(COLLAPSE)):
        terms = terms_of(pairs, wanted)
        tape = _TapeCorrelation.of(pairs, correlations)
        for name, measure in wanted.items():
            rows += _rows(study, pairs, measure, terms[name], tape)
    return _adjusted(pl.DataFrame([asdict(row) for row in rows], schema=COLUMNS))


def measures_of(study: Study, measures: Mapping[str, Measure]) -> dict[str, Measure]:
    """The measures a study names, its primary outcome among them, or all where it names none."""
    asked = study.spec.sensitivity
    further = (study.spec.primary, None if asked is None else asked.measure)
    named = dict.fromkeys([*study.spec.measures, *(name for name in further if name is not None)])
    return {name: measures[name] for name in named if name in measures} if named else dict(measures)


@dataclass(frozen=True, slots=True)
class _TapeCorrelation:
    """How alike the mids of an arm's pairs are: mean correlation, and the median instant at which it fell [ns]."""

    overall: float | None = None
    fell_ns: int | None = None

    @classmethod
    def of(cls, pairs: ArmPairs, correlations: Correlations | None) -> _TapeCorrelation:
        if correlations is None or pairs.arm == pairs.versus:
            return cls()
        found = list(chain(*(correlations(versus, arm) for arm, versus in pairs.runs.values())))
        known = [each for each in found if each.overall is not None]
        fell = sorted(each.fell_ns if each.fell_ns is not None else np.inf for each in known)
        middle = fell[(len(fell) - 1) // 2] if fell else np.inf
        overall = float(np.mean([each.overall for each in known])) if known else None
        return cls(overall, int(middle) if isfinite(middle) else None)


def _rows(
    study: Study, pairs: ArmPairs, measure: Measure, terms: PairTerms, tape: _TapeCorrelation
) -> Iterator[EffectRow]:
    """The level of an arm, and its difference from `versus`, as far as the measure has them."""
    row = EffectRow(
        pairs.cell, measure.name, pairs.arm, pairs=len(pairs.keys(measure)),
        failed=pairs.failed_share, collapsed=pairs.collapsed_share, note=terms.note or None,
    )  # fmt: skip
    seed = f"effects:{pairs.cell}:{measure.name}:{pairs.arm}"
    if isinstance(measure, RunMeasure):
        yield _estimated(row, level_of(measure, terms), _generator(study, f"{seed}:level"), measure)[0]
    if pairs.arm != pairs.versus:
        contrast, rng = contrast_of(measure, terms), _generator(study, seed)
        against = replace(
            row, versus=pairs.versus, primary=measure.name == study.spec.primary,
            tape_correlation=tape.overall, parted_ns=tape.fell_ns,
        )  # fmt: skip
        estimated, resampled = _estimated(against, contrast, rng, measure)
        tested = _tested(estimated, contrast, resampled, rng, measure)
        yield replace(tested, pair_correlation=tape.overall) if isinstance(measure, PairMeasure) else tested


def _generator(study: Study, name: str) -> np.random.Generator:
    """A generator of its own for each estimate, so that no interval depends on the other cells."""
    return np.random.default_rng(int(Stream(study.declared["seed"], 0, name).bits(0, 0)))


def _estimated(
    row: EffectRow, contrast: Contrast | None, rng: np.random.Generator, measure: Measure
) -> tuple[EffectRow, Floats]:
    """The row with estimate and interval, or with why it has none; and the resampled values behind the interval."""
    if contrast is None or not isfinite(contrast.estimate):
        clusters = None if contrast is None else contrast.unit
        return replace(row, clusters=clusters, note=row.note or _why_nothing(row, contrast, measure)), np.zeros(0)
    made = interval(contrast.of, contrast.clusters, rng)
    found = replace(row, estimate=contrast.estimate, lo=made.lo, hi=made.hi, method=made.method, clusters=contrast.unit)
    return found, made.resampled


def _why_nothing(row: EffectRow, contrast: Contrast | None, measure: Measure) -> str:
    if not row.pairs:
        return "no pair of runs is there to be compared"
    if contrast is None or contrast.versus is None or row.versus is None:
        return measure.if_nothing
    sides = ((row.arm, contrast.arm), (row.versus, contrast.versus))
    silent = [arm for arm, side in sides if not isfinite(Contrast(measure, contrast.unit, side).estimate)]
    return f"{measure.if_nothing} (arm {' and '.join(silent)})"


def _tested(
    row: EffectRow, contrast: Contrast | None, resampled: Floats, rng: np.random.Generator, measure: Measure
) -> EffectRow:
    """The row of an effect with its test against no effect, and what common random numbers did for it."""
    if contrast is None or row.estimate is None:
        return row
    p = None
    if contrast.versus is not None:
        p = sign_flip_p(contrast.swapped, contrast.clusters, rng)
    elif isinstance(measure, PairMeasure) and measure.no_effect is not None:
        p = bootstrap_p(resampled, measure.no_effect)
    return replace(row, p=p, variance_ratio=contrast.variance_ratio, pair_correlation=contrast.pair_correlation)


def _adjusted(effects: pl.DataFrame) -> pl.DataFrame:
    """p-values adjusted for the number of tests: the registered outcome by itself, all others together."""
    adjusted: list[float | None] = [None] * effects.height
    tested = effects.with_row_index("row").filter(pl.col("p").is_not_null())
    for is_primary, adjust in ((True, holm), (False, benjamini_hochberg)):
        family = tested.filter(pl.col("primary") == is_primary)
        for row, value in zip(family["row"].to_list(), adjust(family["p"].to_list()), strict=True):
            adjusted[row] = value
    return effects.with_columns(p_adjusted=pl.Series(adjusted, dtype=pl.Float64))
