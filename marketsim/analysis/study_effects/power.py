"""The power of a study, told before it runs: the smallest effect it would detect, from the pairs of a pilot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt

from scipy.stats import norm

from marketsim.analysis.measures.family import Measure
from marketsim.analysis.study_effects.arm_contrast import Contrast, contrast_of
from marketsim.analysis.study_effects.effects_table import COLLAPSE, measures_of
from marketsim.analysis.study_effects.paired_runs import pairs_of, terms_of
from marketsim.datasets.study import Study

LEVEL, POWER = 0.05, 0.80


@dataclass(frozen=True, slots=True)
class DetectableEffect:
    """What a study can detect of one measure in one cell and arm, told from a pilot.

    sd_paired: standard deviation of the difference of one pair; None where the pilot does not tell it (`note` says
    why). clusters: what was resampled. pairs: as many as the study will have; smallest_effect: at that number.
    """

    measure: str
    unit: str
    cell: int
    arm: str
    pilot_pairs: int
    clusters: str | None = None
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
    replications: as the study declares where None; in a study of forks each brings as many pairs as in the pilot.
    """
    wanted = measures_of(study, measures)
    if study.spec.primary in wanted:
        wanted = {study.spec.primary: wanted[study.spec.primary]}
    found = []
    for pairs in pairs_of(study, wanted.get(COLLAPSE)):
        if pairs.arm == pairs.versus or not pairs.runs:
            continue
        forks = len(pairs.runs) / len({key.replication for key in pairs.runs})
        planned = round((replications or study.spec.replications) * forks)
        for name, terms in terms_of(pairs, wanted).items():
            measure = wanted[name]
            row = DetectableEffect(name, measure.unit, pairs.cell, pairs.arm, len(pairs.keys(measure)))
            row = _told(row, contrast_of(measure, terms), planned)
            found.append(replace(row, note=terms.note) if terms.note else row)
    return found


def _told(row: DetectableEffect, contrast: Contrast | None, planned: int) -> DetectableEffect:
    """What a pilot tells: the standard deviation of one pair, from the jackknife variance of all of them together."""
    variance = None if contrast is None else contrast.variance
    if contrast is None or variance is None:
        note = "the pilot has too few pairs in which something happened; two replications or more are needed"
        return replace(row, clusters=None if contrast is None else contrast.unit, note=note)
    sd_paired = sqrt(variance * row.pilot_pairs)
    return replace(
        row, clusters=contrast.unit, estimate=contrast.estimate, sd_paired=sd_paired,
        variance_ratio=contrast.variance_ratio, pair_correlation=contrast.pair_correlation,
        pairs=planned, smallest_effect=smallest_effect(sd_paired, planned),
    )  # fmt: skip
