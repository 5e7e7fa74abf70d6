"""The terms of one side of a comparison, replication by replication, and its value under any choice of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nan

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.analysis.measures.family import WHOLE_RUN, Measure, RatioOfSums, RootOfRatio, Term


@dataclass(frozen=True)
class Replications:
    """The terms of a measure by replication (n,), each with all its days and forks put together."""

    measure: Measure
    terms: Sequence[Sequence[Term]]

    def __len__(self) -> int:
        return len(self.terms)

    def of(self, weights: Floats) -> Floats:
        """The value (k,) of all terms, each replication taken as often as `weights` (k, n) says; NaN without one.

        Sums are weighed before anything is divided: a ratio of sums, never a mean of ratios.
        """
        if not self.measure.is_of_sums:
            return np.array([self._chosen(row) for row in weights])
        totals, denominators = np.tensordot(weights, self.numerators, axes=1), weights @ self.denominators
        if isinstance(self.measure, (RatioOfSums, RootOfRatio)):
            return self.measure.of_sums(totals, denominators)
        sums = zip(totals, denominators, strict=True)
        return np.array([_number(self.measure.value([Term(WHOLE_RUN, total, d)])) for total, d in sums])

    @cached_property
    def by_replication(self) -> Floats:
        """The value (n,) of each replication alone."""
        return self.of(np.eye(len(self)))

    @cached_property
    def numerators(self) -> Floats:
        """The numerators (n, ..) of the replications, of measures of sums, where each is one term."""
        return np.array([terms[0].numerator for terms in self.terms], np.float64)

    @cached_property
    def denominators(self) -> Floats:
        """The denominators (n,) of the replications, of measures of sums, where each is one term."""
        return np.array([float(terms[0].denominator) for terms in self.terms])

    def _chosen(self, weights: Floats) -> float:
        chosen = [term for i, often in enumerate(weights) for _ in range(int(often)) for term in self.terms[i]]
        return _number(self.measure.value(chosen))


def _number(value: float | None) -> float:
    return nan if value is None else float(value)
