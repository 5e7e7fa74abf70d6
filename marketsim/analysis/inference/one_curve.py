"""Whether outcomes over a number reached in several ways lie on one curve, whatever the way, size and sign.

Arrays have a row for each cell and a column for each replication; a cell's outcome is a ratio of its sums, y = sum
excess / sum moves over its reading x = sum reading / sum moves, and both travel together. Replications are the unit.

- `shuffled_ways_p`: labels of ways shuffled within (replication, stratum), statistic sum_ways (sum w e)^2 / sum w of
  the residuals e of one weighted isotonic fit (King, Hart and Wehrly 1991 compare curves by such sums).
- `slopes`: y = poly3(x) + factor x x, the whole fit jackknifed over replications, Hotelling's F of the factor slopes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.stats import f as f_distribution

from marketsim.analysis.arrays import Floats, Integers

SHUFFLES = 999
LOWEST_WEIGHT = 1e-12


@dataclass(frozen=True)
class Readings:
    """Excess, reading and moves of cells by replication (c, n); NaN in all three where a replication has none."""

    excess: Floats
    reading: Floats
    moves: Floats

    @property
    def replications(self) -> int:
        """n."""
        return int(self.excess.shape[1])

    def curve(self, weights: Floats | None = None) -> tuple[Floats, Floats]:
        """x and y (c,) with each replication counted as often as `weights` (n,) says."""
        taken = np.ones(self.replications) if weights is None else weights
        sums = [np.nansum(each * taken, axis=1) for each in (self.excess, self.reading, self.moves)]
        return sums[1] / sums[2], sums[0] / sums[2]

    def without_each(self) -> Floats:
        """Weights (n, n) that leave out one replication each."""
        return 1.0 - np.eye(self.replications)

    def variances(self) -> Floats:
        """Jackknife variance of each cell's y (c,)."""
        left = np.array([self.curve(weights)[1] for weights in self.without_each()])
        n = self.replications
        spread: Floats = (n - 1) / n * np.sum((left - left.mean(axis=0)) ** 2, axis=0)
        return spread


def shuffled_ways_p(
    readings: Readings, ways: Integers, strata: Integers, rng: np.random.Generator, shuffles: int = SHUFFLES
) -> float:
    """p-value (Phipson and Smyth 2010) of "the way does not matter": ways and strata number the cells (c,).

    Cells of one stratum (level, size, sign) differ in their way alone; those of a stratum with one way stay.
    """
    groups = [np.flatnonzero(strata == one) for one in np.unique(strata)]
    weights = _pooled_weights(readings, groups)
    observed = _between_ways(readings, ways, weights)
    as_large = 0
    for _ in range(shuffles):
        order = np.tile(np.arange(len(ways))[:, None], readings.replications)
        for group in groups:
            order[group] = rng.permuted(order[group], axis=0)
        moved = Readings(*(np.take_along_axis(each, order, axis=0) for each in _parts(readings)))
        as_large += _between_ways(moved, ways, weights) >= observed * (1 - 1e-12)
    return (1 + as_large) / (1 + shuffles)


def _parts(readings: Readings) -> tuple[Floats, Floats, Floats]:
    return readings.excess, readings.reading, readings.moves


def _pooled_weights(readings: Readings, groups: Sequence[Integers]) -> Floats:
    """1 / variance, the same for all cells of a stratum, so that it stays when labels are shuffled in it."""
    variances, pooled = readings.variances(), np.empty(len(readings.excess))
    for group in groups:
        pooled[group] = max(float(variances[group].mean()), LOWEST_WEIGHT)
    weights: Floats = 1 / pooled
    return weights


def _between_ways(readings: Readings, ways: Integers, weights: Floats) -> float:
    x, y = readings.curve()
    order = np.argsort(x, kind="stable")
    fitted = np.empty_like(y)
    fitted[order] = isotonic_regression(y[order], weights=weights[order]).x
    weighted = weights * (y - fitted)
    found = 0.0
    for way in np.unique(ways):
        mine = ways == way
        found += float(weighted[mine].sum() ** 2 / weights[mine].sum())
    return found


@dataclass(frozen=True, slots=True)
class Slope:
    """By how much a factor bends the curve: the coefficient of factor x x, and without one replication each (n,)."""

    factor: str
    estimate: float
    left_out: Floats


@dataclass(frozen=True, slots=True)
class Slopes:
    """The slope of every factor, and Hotelling's test that none bends the curve; p None with too few replications."""

    slopes: tuple[Slope, ...]
    f: float | None
    p: float | None


def slopes(readings: Readings, factors: dict[str, Floats]) -> Slopes:
    """Fit y = b1 x + b2 x^2 + b3 x^3 + sum_f c_f (factor_f x x), weighed by 1/variance; factors are values (c,).

    Fewer powers where the cells are too few for three. A factor with one value is left out. Hotelling (1931) with the
    jackknife's covariance: F = T^2 (n - p) / (p (n - 1)) on p, n - p degrees.
    """
    names = [name for name, values in factors.items() if np.ptp(values) > 0]
    weights = np.sqrt(1 / np.maximum(readings.variances(), LOWEST_WEIGHT))
    powers = min(3, max(1, len(readings.excess) // 2 - len(names)))

    def fit(taken: Floats | None) -> Floats:
        x, y = readings.curve(taken)
        columns = [x ** (k + 1) for k in range(powers)] + [factors[name] * x for name in names]
        found = np.linalg.lstsq(np.array(columns).T * weights[:, None], y * weights, rcond=None)[0][powers:]
        return np.asarray(found, np.float64)

    whole, n, p = fit(None), readings.replications, len(names)
    left = np.array([fit(taken) for taken in readings.without_each()]).reshape(n, p)
    told = tuple(Slope(name, float(whole[i]), left[:, i]) for i, name in enumerate(names))
    if not p or n - p < 2:
        return Slopes(told, None, None)
    away = left - left.mean(axis=0)
    covariance = (n - 1) / n * away.T @ away
    statistic = float(whole @ np.linalg.pinv(covariance) @ whole) * (n - p) / (p * (n - 1))
    return Slopes(told, statistic, float(f_distribution.sf(statistic, p, n - p)))
