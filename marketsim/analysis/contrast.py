"""One outcome of one arm beside another, over clusters of terms that are resampled whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isclose, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.analysis.pairs import Gathered, Key, Measure, Term, Value
from marketsim.analysis.resampling import Numbers, jackknife_variance

Clusters = list[list[Term]]


@dataclass(frozen=True)
class Contrast:
    """The value of an arm's terms less that of `versus`, or of one list alone where `versus` is None.

    arm, versus: the terms of each cluster (n,). unit: `replications`, `forks` or `days`, what the clusters are.
    strangers: terms of runs of different luck put side by side, for measures of pairs.
    """

    value: Value
    unit: str
    arm: Clusters
    versus: Clusters | None = None
    strangers: Clusters | None = None

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        return len(self.arm)

    def of(self, chosen: Numbers) -> float:
        """The value of the clusters chosen; NaN where they do not say."""
        value = pooled(self.value, self.arm, chosen)
        return value if self.versus is None else value - pooled(self.value, self.versus, chosen)

    def swapped(self, marked: NDArray[np.bool_]) -> float:
        """The value with the arms of the clusters marked (n,) exchanged."""
        assert self.versus is not None
        arm = [b if swap else a for a, b, swap in zip(self.arm, self.versus, marked, strict=True)]
        versus = [a if swap else b for a, b, swap in zip(self.arm, self.versus, marked, strict=True)]
        everybody = np.arange(self.clusters)
        return pooled(self.value, arm, everybody) - pooled(self.value, versus, everybody)

    @property
    def estimate(self) -> float:
        """The value of all clusters; NaN where they do not say."""
        return self.of(np.arange(self.clusters))

    @property
    def variance(self) -> float | None:
        """Variance of the estimate over clusters, by the jackknife."""
        return jackknife_variance(self.of, self.clusters)

    @property
    def variance_unpaired(self) -> float | None:
        """Variance that the estimate would have if the runs compared did not share their luck.

        Of a difference, the sum of both arms' variances; of a measure of pairs, the variance over strangers.
        """
        if self.versus is not None:
            both = [
                jackknife_variance(lambda chosen, side=side: pooled(self.value, side, chosen), self.clusters)  # type: ignore[misc]
                for side in (self.arm, self.versus)
            ]
            return None if both[0] is None or both[1] is None else both[0] + both[1]
        if self.strangers is None:
            return None
        return Contrast(self.value, self.unit, self.strangers).variance

    @property
    def variance_ratio(self) -> float | None:
        """How many independent runs one pair is worth: variance without over variance with shared luck."""
        with_luck, without = self.variance, self.variance_unpaired
        return without / with_luck if with_luck and without is not None else None

    @property
    def pair_correlation(self) -> float | None:
        """Correlation of the outcome between the arms, over clusters; None for fewer than three, or without spread."""
        if self.versus is None:
            return None
        outcomes = np.array(
            [
                [pooled(self.value, side, np.array([i])) for side in (self.arm, self.versus)]
                for i in range(self.clusters)
            ]
        )
        outcomes = outcomes[np.isfinite(outcomes).all(axis=1)]
        if len(outcomes) < 3 or (outcomes.std(axis=0) == 0.0).any():
            return None
        return float(np.corrcoef(outcomes.T)[0, 1])


def pooled(value: Value, clusters: Sequence[Sequence[Term]], chosen: Numbers) -> float:
    """The value of all terms of the clusters chosen, put together: a ratio of sums, never a mean of ratios."""
    found = value([term for i in chosen for term in clusters[i]])
    return nan if found is None else float(found)


def contrast_of(measure: Measure, gathered: Gathered) -> Contrast | None:
    """The contrast of an arm with the arm it is compared with; None where there are no terms."""
    if measure.of_pair is not None:
        return _contrast(measure.value, gathered.of_pair, None, gathered.of_strangers)
    return _contrast(measure.value, gathered.of_arm, gathered.of_versus, {})


def level_of(measure: Measure, gathered: Gathered) -> Contrast | None:
    """The value of an arm alone, for measures of single runs; None where there are no terms."""
    return _contrast(measure.value, gathered.of_arm, None, {})


def _contrast(
    value: Value,
    arm: Mapping[Key, list[Term]],
    versus: Mapping[Key, list[Term]] | None,
    strangers: Mapping[Key, list[Term]],
) -> Contrast | None:
    """Clusters are replications, or forks, each with all its days; of one replication they are its days."""
    if not arm:
        return None
    keys, sides = list(arm), [side for side in (arm, versus, strangers) if side]
    unit, clusters = "replications" if keys[0][1] is None else "forks", [[side[key] for key in keys] for side in sides]
    if len(keys) == 1:
        unit, clusters = "days", _by_day(clusters)
    clusters = [_condensed(value, side) for side in clusters]
    apart = clusters[-1] if strangers and unit != "days" else None
    return Contrast(value, unit, clusters[0], clusters[1] if versus else None, apart)


def _by_day(sides: Sequence[Clusters]) -> list[Clusters]:
    """The terms of one cluster by day, the same days on every side; what is of the whole run stays in one piece."""
    days = sorted({term.get("day", -1) for side in sides for term in side[0]})
    if -1 in days:
        return list(sides)
    return [[[term for term in side[0] if term["day"] == day] for day in days] for side in sides]


def _condensed(value: Value, clusters: Clusters) -> Clusters:
    """Each cluster as one term with its sums, where the value is one of sums alone, so that resampling is quick."""
    sums = [[_summed(terms)] if terms else [] for terms in clusters]
    everything, together = value(list(chain(*clusters))), value(list(chain(*sums)))
    if everything is None or together is None:
        return sums if everything is together else clusters
    return sums if isclose(everything, together, rel_tol=1e-9, abs_tol=1e-15) else clusters


def _summed(terms: Sequence[Term]) -> Term:
    total: Term = dict(terms[0])
    for term in terms[1:]:
        for name, part in term.items():
            total[name] = _plus(total[name], part)
    return {**total, "day": terms[0].get("day", -1)}


def _plus(a: Any, b: Any) -> Any:
    if isinstance(a, list):
        return [x + y for x, y in zip(a, b, strict=True)]
    return a + b
