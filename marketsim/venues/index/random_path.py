"""Index paths drawn at random: growth, block by block, by the law of a kind."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from marketsim.streams import exp_
from marketsim.units import NS_PER_SECOND
from marketsim.venues.index.index_path import Float64Array, IndexPath, JumpFactors, check_chunk

__all__ = ["BLOCK", "YEAR_NS", "GrowthLaw", "RandomIndexPath", "Walk", "diffusion"]

YEAR_NS = 365 * 86_400 * NS_PER_SECOND
"""A year of rates and volatilities: 365 days; the index trades round the clock."""

BLOCK = 4096
"""Steps computed at once; blocks start at fixed steps, so no chunk of a reader can change a value."""


class GrowthLaw(ABC):
    """How the logarithm of an index moves in one replication."""

    @abstractmethod
    def log_increments(self, first: int) -> Float64Array:
        """Changes of the logarithm at the steps first .. first + BLOCK - 1 (shape (BLOCK,)); first is k x BLOCK.

        Only + - x /, square root and `streams.exp_`, `log_`: the bits are the same on every machine. The change of
        step 0 is not used.
        """


def diffusion(
    volatility: Float64Array, drift: float | Float64Array, step_years: float, innovations: Float64Array
) -> Float64Array:
    """Log increments (mu - v / 2) dt + sqrt(v dt) z, v = volatility^2: the expected level grows with the drift alone.

    volatility, drift: a year, by step or one drift for all; step_years: length of a step [years].
    Source: Black & Scholes 1973, J. Political Economy 81.
    """
    level = (drift - 0.5 * (volatility * volatility)) * step_years
    return np.asarray(level + volatility * math.sqrt(step_years) * innovations, np.float64)


class Walk:
    """A state that each step makes from the one before: its values block by block, walked in order and then again.

    step: the states from a block's first step to the first step after it (BLOCK + 1 values), given the state at its
    first step.
    """

    def __init__(self, opening: float, step: Callable[[int, float], list[float]]) -> None:
        self._at_block = [opening]
        self._step = step

    def block(self, first: int) -> Float64Array:
        """The state at the steps first .. first + BLOCK - 1 (shape (BLOCK,))."""
        return self.block_and_next(first)[:-1]

    def block_and_next(self, first: int) -> Float64Array:
        """The same and the state one step later (shape (BLOCK + 1,))."""
        wanted = first // BLOCK
        while len(self._at_block) <= wanted:
            last = len(self._at_block) - 1
            self._at_block.append(self._step(last * BLOCK, self._at_block[last])[-1])
        return np.array(self._step(wanted * BLOCK, self._at_block[wanted]), np.float64)


class RandomIndexPath(IndexPath):
    """A path whose steps multiply the level by exp(increment), increments by a law, jumps besides.

    What moves a step depends on (seed, replication, "index:ID", step) alone, so all arms and cells share it.
    """

    is_absolute = False

    def __init__(self, price: Decimal, every_ns: int, law: GrowthLaw, jump_factors: JumpFactors) -> None:
        super().__init__(price, every_ns)
        self._law = law
        self._jump_factors = {step: factor.numerator / factor.denominator for step, factor in jump_factors.items()}
        self._level_before_block = [float(price)]
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
            block, offset = divmod(step, BLOCK)
            taken = min(end - step, BLOCK - offset)
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
        first = block * BLOCK
        growth = exp_(self._law.log_increments(first))
        if block == 0:
            growth[0] = 1.0
        for step, factor in self._jump_factors.items():
            if first <= step < first + BLOCK:
                growth[step - first] *= factor
        # accumulate works strictly from left to right, as the kernel does
        levels = np.multiply.accumulate(np.concatenate(([self._level_before_block[block]], growth)))[1:]
        if len(self._level_before_block) == block + 1:
            self._level_before_block.append(float(levels[-1]))
        if len(self._kept) >= 2:
            del self._kept[min(self._kept)]
        self._kept[block] = (growth, levels)
