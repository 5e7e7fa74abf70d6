"""Power by simulation: how often the sign-flip test would find an effect, from what the replications of a pilot gave.

The replications to come are drawn from the pilot's, smoothed by normal noise of sd / sqrt(pilot's number) and brought
back to their variance (Silverman and Young 1987), so that a pilot of three makes no distribution of three values.
Beyond `MOST_SIMULATED` replications the test is Student's in all but name, and its power is of the noncentral t.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from scipy.stats import chi2, nct, norm, t

from marketsim.analysis.arrays import Floats
from marketsim.analysis.inference.p_values import FLIPS, sign_flip_ps

LEVEL, POWER = 0.05, 0.80
SIMULATIONS = 400
MOST_EXACT = 12
"""Replications up to which a simulated test counts all its sign flips; beyond, it draws them."""
MOST_SIMULATED = 60
MOST_REPLICATIONS = 5_000
"""Replications beyond which it is only said that more would be needed."""
CAUTION = 0.80
"""How often the cautious number of replications is enough, over pilots."""


def simulated_power(pilot: Floats, effect: float, n: int, rng: np.random.Generator, level: float = LEVEL) -> float:
    """The share of simulated studies of n replications in which the test finds `effect` at `level`.

    pilot: what each replication of the pilot gave (m,), two or more.
    """
    sd = float(np.std(pilot, ddof=1))
    if sd == 0.0:
        return float(effect != 0.0 and 2.0 ** (1 - n) <= level)
    if n > MOST_SIMULATED:
        bound, away = float(t.ppf(1 - level / 2, n - 1)), abs(effect) * sqrt(n) / sd
        return 1.0 if away > bound + 10 else float(nct.sf(bound, n - 1, away))
    samples = effect + _drawn(pilot, n, rng)
    flips = min(FLIPS, max(999, round(20 / level)))
    return float((sign_flip_ps(samples, rng, MOST_EXACT, flips) <= level).mean())


def smallest_effect(pilot: Floats, n: int, rng: np.random.Generator, level: float = LEVEL) -> float | None:
    """The effect that n replications find with probability `POWER`; None where no effect has a p-value that small."""
    sd = float(np.std(pilot, ddof=1))
    if 2.0 ** (1 - n) > level:
        return None
    seed, low, high = int(rng.integers(2**31)), 0.0, 12.0 * sd / sqrt(n) + 4.0 * sd
    for _ in range(12):
        middle = (low + high) / 2
        is_found = simulated_power(pilot, middle, n, np.random.default_rng(seed), level) >= POWER
        low, high = (low, middle) if is_found else (middle, high)
    return high


def replications_needed(pilot: Floats, effect: float, rng: np.random.Generator, level: float = LEVEL) -> int | None:
    """The fewest replications that find `effect` with probability `POWER`; None above `MOST_REPLICATIONS`."""
    least = next(n for n in range(2, 64) if 2.0 ** (1 - n) <= level)
    seed = int(rng.integers(2**31))

    def is_enough(n: int) -> bool:
        return simulated_power(pilot, effect, n, np.random.default_rng(seed), level) >= POWER

    if effect == 0.0 or not is_enough(MOST_REPLICATIONS):
        return None
    low, high = least - 1, MOST_REPLICATIONS
    guess = ((norm.ppf(1 - level / 2) + norm.ppf(POWER)) * float(np.std(pilot, ddof=1)) / abs(effect)) ** 2
    tried = min(max(least, round(float(guess)) + 2), MOST_REPLICATIONS)
    while high - low > 1:
        low, high = (low, tried) if is_enough(tried) else (tried, high)
        tried = min((low + high) // 2, 2 * low + 2)
    return high


def cautious_spread(pilot: Floats) -> float:
    """The factor on the pilot's standard deviation that is below the truth in one pilot of five only (Browne 1995)."""
    degrees = len(pilot) - 1
    return sqrt(degrees / float(chi2.ppf(1 - CAUTION, degrees)))


def _drawn(pilot: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Samples (SIMULATIONS, n) without an effect, as the pilot's replications scatter."""
    m, shape = len(pilot), (SIMULATIONS, n)
    residuals = (pilot - pilot.mean()) * sqrt(m / (m - 1))
    smooth = float(np.std(pilot, ddof=1)) / sqrt(m)
    drawn = residuals[rng.integers(m, size=shape)] + smooth * rng.standard_normal(shape)
    scattered: Floats = drawn / sqrt(1 + 1 / m)
    return scattered
