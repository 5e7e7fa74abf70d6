"""Index paths drawn at random: geometric Brownian motion, and the same with a volatility that comes in clusters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from marketsim.streams import Stream, exp_
from marketsim.units import NS_PER_SECOND
from marketsim.venues.index_path import Float64Array, IndexPath, check_chunk

if TYPE_CHECKING:
    from marketsim.venues.index import GbmIndexSpec, LogOuVolIndexSpec

__all__ = ["YEAR_NS", "RandomIndexPath", "lower_triangle"]

YEAR_NS = 365 * 86_400 * NS_PER_SECOND
"""A year of rates and volatilities: 365 days; the index trades round the clock."""

_BLOCK = 4096  # steps computed at once; blocks start at fixed steps, so no chunk of a reader can change a value
_SMALLEST_PIVOT = 1e-9  # below it rounding could decide whether correlations are possible


class RandomIndexPath(IndexPath):
    """A geometric motion: a step multiplies the level by exp((drift - v/2) dt + sqrt(v dt) z), v the yearly variance.

    So the expected level grows with `drift`, whatever the volatility (Black & Scholes 1973, J. Political Economy 81).
    `mix` gives z as a weighted sum of the own innovations of this underlying and of those before it in the file. An own
    innovation depends on (seed, replication, "index:ID", step) alone, so all arms and cells share it.
    """

    is_absolute = False

    def __init__(
        self,
        spec: GbmIndexSpec | LogOuVolIndexSpec,
        mix: Sequence[tuple[float, Stream]],
        own: Stream,
        jump_factors: Mapping[int, float],
    ) -> None:
        super().__init__(spec.price.amount, spec.every)
        self._mix = tuple(mix)
        self._jump_factors = dict(jump_factors)
        self._years = spec.every / YEAR_NS
        self._drift = float(spec.drift)
        self._volatility = _LogOuVolatility(spec, own) if spec.kind == "log_ou_vol" else None
        self._constant_volatility = float(spec.volatility)
        self._level_before_block = [float(spec.price.amount)]
        self._kept: dict[int, tuple[Float64Array, Float64Array]] = {}

    def growth(self, first_step: int, n: int) -> Float64Array:
        """Factors of growth; see `IndexPath`."""
        return self._chunk(first_step, n, 0)

    def levels(self, first_step: int, n: int) -> Float64Array:
        """Levels without the perp's teaching; see `IndexPath`."""
        return self._chunk(first_step, n, 1)

    def level_ticks(self, first_step: int, n: int, tick: Decimal) -> npt.NDArray[np.int64]:
        """Levels in ticks; see `IndexPath`."""
        return np.asarray(np.floor(self.levels(first_step, n) / float(tick) + 0.5), np.int64)

    def _chunk(self, first_step: int, n: int, which: int) -> Float64Array:
        check_chunk(first_step, n)
        parts = [np.empty(0, np.float64)]
        step, end = first_step, first_step + n
        while step < end:
            block, offset = divmod(step, _BLOCK)
            taken = min(end - step, _BLOCK - offset)
            parts.append(self._block(block)[which][offset : offset + taken])
            step += taken
        return np.concatenate(parts)

    def _block(self, block: int) -> tuple[Float64Array, Float64Array]:
        """Growth and levels of one block; the blocks before it are walked once, for the level they end at."""
        while len(self._level_before_block) <= block:
            self._compute(len(self._level_before_block) - 1)
        if block not in self._kept:
            self._compute(block)
        return self._kept[block]

    def _compute(self, block: int) -> None:
        first = block * _BLOCK
        growth = exp_(self._log_increments(first))
        if block == 0:
            growth[0] = 1.0
        for step, factor in self._jump_factors.items():
            if first <= step < first + _BLOCK:
                growth[step - first] *= factor
        # accumulate works strictly from left to right, as the kernel does
        levels = np.multiply.accumulate(np.concatenate(([self._level_before_block[block]], growth)))[1:]
        if len(self._level_before_block) == block + 1:
            self._level_before_block.append(float(levels[-1]))
        if len(self._kept) >= 2:
            del self._kept[min(self._kept)]
        self._kept[block] = (growth, levels)

    def _log_increments(self, first: int) -> Float64Array:
        steps = np.arange(first, first + _BLOCK)
        innovations = np.zeros(_BLOCK)
        for weight, stream in self._mix:
            innovations = innovations + weight * stream.normal(0, steps)
        if self._volatility is None:
            sigma = np.full(_BLOCK, self._constant_volatility)
        else:
            sigma = self._volatility.block(first)
        drift = (self._drift - 0.5 * (sigma * sigma)) * self._years
        return np.asarray(drift + sigma * math.sqrt(self._years) * innovations, np.float64)


class _LogOuVolatility:
    """Yearly volatility whose logarithm is an Ornstein-Uhlenbeck process in its stationary state (Scott 1987, JFQA 22).

    y(k + 1) = a y(k) + s sqrt(1 - a^2) e(k), a = exp(-every / memory), s = log_sd, y(0) = s e0; and volatility(k) =
    rms exp(y(k) - s^2), so that the mean of its square is rms^2 (E exp(2 y) = exp(2 s^2)). Step k is moved by
    volatility(k), which e(k) does not enter. e is part 1 and e0 part 2 of the underlying's own stream: no leverage
    effect, and no correlation between the volatilities of two underlyings.
    """

    def __init__(self, spec: LogOuVolIndexSpec, own: Stream) -> None:
        self._own = own
        self._rms = float(spec.volatility)
        log_sd = float(spec.log_sd)
        self._shift = log_sd * log_sd
        self._keep = float(exp_(-(spec.every / spec.memory)))
        self._renew = log_sd * math.sqrt(1.0 - self._keep * self._keep)
        self._at_block = [log_sd * float(own.normal(0, 0, part=2))]

    def block(self, first: int) -> Float64Array:
        """Volatility a year in the steps first .. first + 4095; blocks not yet walked are walked in order."""
        wanted = first // _BLOCK
        while len(self._at_block) <= wanted:
            self._at_block.append(self._walk(len(self._at_block) - 1)[-1])
        return np.asarray(self._rms * exp_(np.array(self._walk(wanted)[:-1]) - self._shift), np.float64)

    def _walk(self, block: int) -> list[float]:
        """The logarithm's deviation at each step of a block, and at the first step after it."""
        steps = np.arange(block * _BLOCK, (block + 1) * _BLOCK)
        keep, shocks = self._keep, self._renew * self._own.normal(0, steps, part=1)
        return list(accumulate(shocks.tolist(), lambda y, shock: keep * y + shock, initial=self._at_block[block]))


def lower_triangle(correlations: Sequence[Sequence[float]]) -> list[list[float]]:
    """Row i: the weights that turn independent innovations 0 .. i into one of the wanted correlations (Cholesky).

    `correlations` is symmetric with ones on the diagonal. Only + - x / and square root, in a fixed order (Golub & Van
    Loan 2013, Matrix Computations, section 4.2). ValueError where no such variables exist (not positive definite).
    """
    rows: list[list[float]] = []
    for i, wanted in enumerate(correlations):
        row: list[float] = []
        for j in range(i):
            rest = wanted[j]
            for k in range(j):
                rest -= row[k] * rows[j][k]
            row.append(rest / rows[j][j])
        pivot = wanted[i]
        for weight in row:
            pivot -= weight * weight
        if pivot < _SMALLEST_PIVOT:
            raise ValueError("these correlations cannot hold together: their matrix is not positive definite")
        rows.append([*row, math.sqrt(pivot)])
    return rows
