"""One measure of one arm against the arm it is compared with, over clusters of terms that are resampled whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from marketsim.analysis.arrays import Flags, Integers
from marketsim.analysis.inference.intervals import jackknife_variance
from marketsim.analysis.measures.family import WHOLE_RUN, Measure, PairMeasure, Term
from marketsim.analysis.study_effects.paired_runs import PairKey, PairTerms

Clusters = list[list[Term]]


@dataclass(frozen=True)
class Contrast:
    """The value of an arm's terms less that of `versus`, or of the arm's terms alone where `versus` is None.

    arm, versus: the terms of each cluster (n,). unit: what the clusters are, `replications`, `forks` or `days`.
    unpaired: terms of runs without common random numbers, for measures of pairs.
    """

    measure: Measure
    unit: str
    arm: Clusters
    versus: Clusters | None = None
    unpaired: Clusters | None = None

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        return len(self.arm)

    def of(self, chosen: Integers) -> float:
        """The value of the chosen clusters; NaN where they do not give one."""
        value = self._pooled(self.arm, chosen)
        return value if self.versus is None else value - self._pooled(self.versus, chosen)

    def swapped(self, marked: Flags) -> float:
        """The value with the arms of the marked clusters (n,) exchanged."""
        assert self.versus is not None
        arm = [b if swap else a for a, b, swap in zip(self.arm, self.versus, marked, strict=True)]
        versus = [a if swap else b for a, b, swap in zip(self.arm, self.versus, marked, strict=True)]
        every = np.arange(self.clusters)
        return self._pooled(arm, every) - self._pooled(versus, every)

    @property
    def estimate(self) -> float:
        """The value of all clusters; NaN where they do not give one."""
        return self.of(np.arange(self.clusters))

    @property
    def variance(self) -> float | None:
        """Variance of the estimate over clusters, by the jackknife."""
        return jackknife_variance(self.of, self.clusters)

    @property
    def variance_unpaired(self) -> float | None:
        """The variance that the estimate would have without common random numbers.

        For a difference, the sum of both arms' variances; for a measure of pairs, the variance over unpaired runs.
        """
        if self.versus is not None:
            both = [Contrast(self.measure, self.unit, side).variance for side in (self.arm, self.versus)]
            return None if both[0] is None or both[1] is None else both[0] + both[1]
        return None if self.unpaired is None else Contrast(self.measure, self.unit, self.unpaired).variance

    @property
    def variance_ratio(self) -> float | None:
        """How many independent runs one pair is worth: variance without over variance with common random numbers."""
        paired, unpaired = self.variance, self.variance_unpaired
        return unpaired / paired if paired and unpaired is not None else None

    @property
    def pair_correlation(self) -> float | None:
        """Correlation of the value between the arms, over clusters; None for fewer than three, or without spread."""
        if self.versus is None:
            return None
        values = np.array(
            [[self._pooled(side, np.array([i])) for side in (self.arm, self.versus)] for i in range(self.clusters)]
        )
        values = values[np.isfinite(values).all(axis=1)]
        if len(values) < 3 or (values.std(axis=0) == 0.0).any():
            return None
        return float(np.corrcoef(values.T)[0, 1])

    def _pooled(self, clusters: Sequence[Sequence[Term]], chosen: Integers) -> float:
        """The value of all terms of the chosen clusters put together: a ratio of sums, never a mean of ratios."""
        found = self.measure.value([term for i in chosen for term in clusters[i]])
        return nan if found is None else float(found)


def contrast_of(measure: Measure, terms: PairTerms) -> Contrast | None:
    """The contrast of an arm with the arm it is compared with; None where there are no terms."""
    if isinstance(measure, PairMeasure):
        return _contrast(measure, terms.of_pair, None, terms.of_unpaired)
    return _contrast(measure, terms.of_arm, terms.of_versus, {})


def level_of(measure: Measure, terms: PairTerms) -> Contrast | None:
    """The value of an arm alone, for measures of single runs; None where there are no terms."""
    return _contrast(measure, terms.of_arm, None, {})


def _contrast(
    measure: Measure,
    arm: Mapping[PairKey, list[Term]],
    versus: Mapping[PairKey, list[Term]] | None,
    unpaired: Mapping[PairKey, list[Term]],
) -> Contrast | None:
    """Clusters are replications, or forks, each with all its days; with a single one they are its days."""
    if not arm:
        return None
    keys, sides = list(arm), [side for side in (arm, versus, unpaired) if side]
    unit = "replications" if keys[0].fork_ns is None else "forks"
    clusters = [[side[key] for key in keys] for side in sides]
    if len(keys) == 1:
        unit, clusters = "days", _by_day(clusters)
    if measure.is_of_sums:
        clusters = [[_summed(terms) for terms in side] for side in clusters]
    apart = clusters[-1] if unpaired and unit != "days" else None
    return Contrast(measure, unit, clusters[0], clusters[1] if versus else None, apart)


def _by_day(sides: Sequence[Clusters]) -> list[Clusters]:
    """The terms of one cluster by day, the same days on every side; terms of a whole run stay together."""
    days = sorted({term.day for side in sides for term in side[0]})
    if WHOLE_RUN in days:
        return list(sides)
    return [[[term for term in side[0] if term.day == day] for day in days] for side in sides]


def _summed(terms: Sequence[Term]) -> list[Term]:
    """The terms of one cluster as a single one, so that resampling is fast."""
    if not terms:
        return []
    numerator, denominator = sum(term.numerator for term in terms), sum(term.denominator for term in terms)
    return [Term(terms[0].day, numerator, denominator)]
