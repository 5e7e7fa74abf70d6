"""Whether an inference can be believed: ranks of the truth among what it says, uniform when it is right.

Simulation-based calibration (Talts, Betancourt, Simpson, Vehtari and Gelman 2018): draw parameters from the prior,
simulate data, infer; the rank of the true parameter among L posterior draws is then uniform on 0 .. L (theorem 1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chisquare

from marketsim.errors import UsageError

FEWEST_PER_BIN = 5
"""Expected ranks in a bin below which the chi-squared law is no good (Cochran 1954)."""


def rank_statistic(truth: float, draws: ArrayLike) -> int:
    """How many of the posterior draws (L,) lie below the parameter that made the data: 0 .. L."""
    return int(np.count_nonzero(np.asarray(draws, np.float64) < truth))


def uniformity_p(ranks: Sequence[int], draws: int, bins: int) -> float:
    """p value of ranks 0 .. `draws` being uniform, by the chi-squared test over `bins` equal bins.

    draws + 1 has to be a multiple of bins, and five ranks are expected in each, or `UsageError` is raised.
    """
    if (draws + 1) % bins:
        raise UsageError(f"{draws + 1} ranks do not fill {bins} equal bins; take draws + 1 = a multiple of bins")
    if len(ranks) < FEWEST_PER_BIN * bins:
        raise UsageError(f"{len(ranks)} ranks are too few for {bins} bins; {FEWEST_PER_BIN * bins} or more are due")
    found = np.bincount(np.asarray(ranks) * bins // (draws + 1), minlength=bins)
    return float(chisquare(found).pvalue)
