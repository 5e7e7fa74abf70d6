"""Simulation-based calibration: whether an inference is right, by the ranks of true parameters in its posteriors.

Talts, Betancourt, Simpson, Vehtari and Gelman 2018: draw parameters from the prior, simulate data, infer; the rank of
the true parameter among L posterior draws is then uniform on 0 .. L (theorem 1). `experiments/RECIPES.md` shows how.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chisquare

from marketsim.errors import UsageError

FEWEST_PER_BIN = 5
"""Expected ranks in a bin below which the chi-squared approximation fails (Cochran 1954)."""


def rank_statistic(truth: float, draws: ArrayLike) -> int:
    """The rank of the parameter that made the data among the posterior draws (L,): how many lie below it, 0 .. L."""
    return int(np.count_nonzero(np.asarray(draws, np.float64) < truth))


def uniformity_p(ranks: Sequence[int], draws: int, bins: int) -> float:
    """p-value of the chi-squared test that ranks 0 .. `draws` are uniform over `bins` equal bins.

    Raises `UsageError` unless draws + 1 is a multiple of bins and at least five ranks are expected in each.
    """
    if (draws + 1) % bins:
        raise UsageError(f"{draws + 1} ranks do not fill {bins} equal bins; take draws + 1 = a multiple of bins")
    if len(ranks) < FEWEST_PER_BIN * bins:
        raise UsageError(f"{len(ranks)} ranks are too few for {bins} bins; {FEWEST_PER_BIN * bins} or more are due")
    found = np.bincount(np.asarray(ranks) * bins // (draws + 1), minlength=bins)
    return float(chisquare(found).pvalue)
