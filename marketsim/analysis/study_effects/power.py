"""The power of a study, told before it runs: the smallest effect it would detect, from the pairs of a pilot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite, sqrt

from scipy.stats import norm

from marketsim.analysis.inference.intervals import jackknife_variance
from marketsim.analysis.measures.family import Measure
from marketsim.analysis.measures.pair_state import pair_state
from marketsim.analysis.study_effects.effects_table import measures_of
from marketsim.analysis.study_effects.paired_runs import cells_of, terms_of
from marketsim.analysis.study_effects.row_terms import RowTerms, rows_of
from marketsim.datasets.study import Study

LEVEL, POWER = 0.05, 0.80


@dataclass(frozen=True, slots=True)
class DetectableEffect:
    """What a study can detect of one measure in one cell and arm, told from a pilot.

    sd_paired: standard deviation of the difference of one pair; None where the pilot does not tell it (`note` says
    why). pairs: as many as the study will have; smallest_effect: at that number.
    """

    measure: str
    unit: str
    cell: int
    arm: str
    pilot_pairs: int
    estimate: float | None = None
    sd_paired: float | None = None
    variance_ratio: float | None = None
    pair_correlation: float | None = None
    pairs: int | None = None
    smallest_effect: float | None = None
    note: str | None = None


def smallest_effect(sd_paired: float, pairs: int, level: float = LEVEL, power: float = POWER) -> float:
    """The effect that a two-sided test at `level` detects with probability `power` in so many pairs.

    (z_(1 - level/2) + z_power) sd / sqrt(R), 2.80 sd / sqrt(R) at 5 % and 80 % (Cohen 1988, section 2.4, with the
    normal for the t distribution, which is slightly optimistic below twenty pairs).
    """
    return float((norm.ppf(1 - level / 2) + norm.ppf(power)) * sd_paired / sqrt(pairs))


def estimate_power(
    study: Study, measures: Mapping[str, Measure], replications: int | None = None
) -> list[DetectableEffect]:
    """What a study of so many replications can detect of its primary outcome, or of all its measures without one.

    The pilot is whatever pairs of `study` are finished, which may be those of a small study made for this purpose.
    replications: as the study declares where None.
    """
    wanted = measures_of(study, measures)
    if study.spec.primary in wanted:
        wanted = {study.spec.primary: wanted[study.spec.primary]}
    planned, found = replications or study.spec.replications, []
    for pairs in cells_of(study, pair_state):
        read = {arm: terms_of(pairs, arm, wanted) for arm in pairs.arms}
        for arm in pairs.arms:
            for name, measure in wanted.items():
                terms = {each: of_arm[name] for each, of_arm in read.items()}
                if arm != pairs.baseline and pairs.arms[arm].runs:
                    found += [_told(row, planned) for row in rows_of(pairs, measure, arm, pairs.baseline, terms)]
    return found


def _told(terms: RowTerms, planned: int) -> DetectableEffect:
    """What a pilot tells: the standard deviation of one pair, from the jackknife variance of all of them together."""
    contrast, of_row = terms.survivors, terms.row
    row = DetectableEffect(of_row.measure, of_row.unit, of_row.cell, of_row.arm, contrast.n)
    variance = jackknife_variance(contrast.left_out)
    if not isfinite(variance):
        note = "the pilot has too few pairs in which something happened; two replications or more are needed"
        return replace(row, note=terms.note or note)
    sd_paired = sqrt(variance * contrast.n)
    return replace(
        row, estimate=contrast.estimate, sd_paired=sd_paired,
        variance_ratio=contrast.variance_ratio, pair_correlation=contrast.pair_correlation,
        pairs=planned, smallest_effect=smallest_effect(sd_paired, planned),
    )  # fmt: skip
