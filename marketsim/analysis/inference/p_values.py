"""p-values: sign flips of pairs, the inverted bootstrap, and corrections for many tests (Holm, Benjamini-Hochberg)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from scipy.stats import false_discovery_control

from marketsim.analysis.arrays import Flags, Floats
from marketsim.analysis.inference.intervals import RESAMPLES

MOST_EXACT = 12
"""Pairs up to which all 2^n sign flips are computed; beyond, `RESAMPLES` of them at random."""


def sign_flip_p(
    swapped: Callable[[Flags], float], pairs: int, rng: np.random.Generator, resamples: int = RESAMPLES
) -> float | None:
    """Two-sided p-value of a difference between arms: how often it is as large when the arms of pairs are swapped.

    `swapped` gives the difference with the arms of the marked pairs (n,) swapped. Exact over all 2^n choices for few
    pairs; of more, a random sample that includes the observed choice (Phipson and Smyth 2010).
    """
    observed = swapped(np.zeros(pairs, np.bool_))
    if pairs < 2 or not np.isfinite(observed):
        return None
    if pairs <= MOST_EXACT:
        choices = np.array(list(product((False, True), repeat=pairs)))
        extra = 0
    else:
        choices, extra = rng.random((resamples, pairs)) < 0.5, 1
    values = np.array([swapped(choice) for choice in choices])
    least = abs(observed) * (1 - 1e-12)
    as_large = int(np.count_nonzero(np.abs(values) >= least)) + int(np.count_nonzero(~np.isfinite(values)))
    return (as_large + extra) / (len(choices) + extra)


def bootstrap_p(resampled: Floats, no_effect: float) -> float | None:
    """Two-sided p-value by inverting percentile intervals: twice the smaller share of resamples beyond `no_effect`.

    Davison and Hinkley 1997, section 4.4, with the observed value counted.
    """
    known = resampled[np.isfinite(resampled)]
    if not len(known):
        return None
    beyond = min(np.count_nonzero(known <= no_effect), np.count_nonzero(known >= no_effect))
    return float(min(1.0, 2 * (beyond + 1) / (len(known) + 1)))


def holm(p: Sequence[float]) -> list[float]:
    """p-values adjusted to bound the probability of any false rejection among them (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate([p[i] * (len(p) - rank) for rank, i in enumerate(order)])
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(raised, 1.0)
    return [float(value) for value in adjusted]


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """p-values adjusted to bound the expected share of false rejections (Benjamini and Hochberg 1995)."""
    return [float(value) for value in false_discovery_control(p)] if len(p) else []
