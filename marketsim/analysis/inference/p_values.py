"""p-values: sign flips of replications, and corrections for many tests (Holm, Benjamini and Hochberg)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import false_discovery_control, permutation_test

from marketsim.analysis.arrays import Floats

MOST_EXACT = 16
"""Replications up to which all 2^n sign flips are computed."""
FLIPS = 9_999
"""Sign flips drawn of more replications."""

Flipped = Callable[[Floats], Floats]
"""A statistic under sign flips (k, n) of +1 and -1: its values (k,); all +1 is what happened."""


def sign_flip_p(statistic: Flipped, n: int, rng: np.random.Generator) -> float | None:
    """Two-sided p-value of no effect: how often a difference is as large when the arms of replications are swapped.

    Exact over all 2^n swaps of up to 16 replications (Fisher 1935), so it is never below 2 / 2^n; of more, over 9,999
    random ones and the one that happened (Phipson and Smyth 2010). None below two replications, or without a value.
    """
    observed = float(statistic(np.ones((1, n)))[0]) if n >= 2 else float("nan")
    if not np.isfinite(observed):
        return None

    def of(signs: Floats, axis: int) -> Floats:
        """What SciPy asks for: the statistic along one axis; a swap without a value counts as extreme."""
        swaps = np.moveaxis(np.asarray(signs, np.float64), axis, -1)
        found = statistic(swaps.reshape(-1, n)).reshape(swaps.shape[:-1])
        extreme: Floats = np.where(np.isfinite(found), found, np.copysign(np.inf, observed))
        return extreme

    many = 2**n if n <= MOST_EXACT else FLIPS
    found = permutation_test(
        (np.ones(n),), of, permutation_type="samples", vectorized=True, n_resamples=many, batch=4_096, rng=rng
    )
    return float(found.pvalue)


def sign_flip_ps(samples: Floats, rng: np.random.Generator, most_exact: int = MOST_EXACT, many: int = FLIPS) -> Floats:
    """The p-values (k,) of the means of many samples (k, n), each as `sign_flip_p` has it, by the same flips for all.

    most_exact: replications up to which all flips are counted; many: how many are drawn of more.
    """
    samples = np.asarray(samples, np.float64)
    n = samples.shape[1]
    is_exact = n <= most_exact
    if is_exact:
        flips = 1.0 - 2.0 * ((np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1)  # of opposite ones, one each
    else:
        flips = rng.choice([-1.0, 1.0], (many, n))
    least = np.abs(samples.sum(axis=1, keepdims=True)) * (1 - 1e-12)
    as_large, rows = np.zeros(len(samples)), max(1, 2**22 // len(flips))
    for i in range(0, len(samples), rows):
        part = samples[i : i + rows] @ flips.T
        as_large[i : i + rows] = ((np.abs(part) if is_exact else part) >= least[i : i + rows]).sum(axis=1)
    p = as_large / len(flips) if is_exact else 2 * (as_large + 1) / (len(flips) + 1)
    return np.minimum(1.0, p)


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
