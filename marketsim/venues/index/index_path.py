"""What every index path answers, wherever its levels come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from marketsim.streams import Stream

__all__ = ["Float64Array", "IndexPath", "Innovations", "JumpFactors", "PreparedIndex", "check_chunk"]

Float64Array = npt.NDArray[np.float64]

JumpFactors = Mapping[int, Fraction]
"""What listed jumps multiply the level by, at the steps that have any."""


class IndexPath(ABC):
    """The exogenous index of one underlying, step by step; what the perp teaches it comes on top, in the kernel.

    Step k is at k x `every_ns`; step 0 is the opening. Any chunk [first, first + n) has the same bits however the path
    is read. `is_absolute` tells where the path comes from: written-down levels (constant, path, file), or factors of
    growth drawn at random (gbm, log_ou_vol). Either kind answers all three questions below.
    """

    is_absolute: ClassVar[bool]

    def __init__(self, price: Decimal, every_ns: int) -> None:
        self.price = price
        """The level at the opening, jumps at t = 0 apart [currency]."""
        self.every_ns = every_ns

    @abstractmethod
    def growth(self, first_step: int, n: int) -> Float64Array:
        """Level at each step over the level one step before (shape (n,)); at step 0, over `price`."""

    @abstractmethod
    def levels(self, first_step: int, n: int) -> Float64Array:
        """Level at each step (shape (n,)) [currency]: for random paths price x growth x growth x ..., left to right."""

    @abstractmethod
    def level_ticks(self, first_step: int, n: int, tick: Decimal) -> npt.NDArray[np.int64]:
        """Level at each step, to the nearest tick, a half upwards (shape (n,)) [ticks]."""


def _always_alike(steps: npt.NDArray[np.int64]) -> Float64Array:
    return np.ones(len(steps))


@dataclass(frozen=True)
class Innovations:
    """What moves a random index in one replication: streams of standard normal draws, one draw a step.

    own: the underlying's own stream, "index:ID", whose parts 1, 2, ... an index may use for itself. mix: weights and
    streams whose weighted sum of part 0 moves the level, so that underlyings are correlated. activity: how many times
    its mean over the day the variance of each of these steps is.
    """

    own: Stream
    mix: Sequence[tuple[float, Stream]]
    activity: Callable[[npt.NDArray[np.int64]], Float64Array] = _always_alike

    def correlated(self, steps: npt.NDArray[np.int64]) -> Float64Array:
        """The draws that move the level at these steps: standard normal, correlated between underlyings."""
        drawn = np.zeros(len(steps))
        for weight, stream in self.mix:
            drawn = drawn + weight * stream.normal(0, steps)
        return drawn


@dataclass(frozen=True)
class PreparedIndex:
    """An index of which everything outside the world has been read.

    opening: its level at the start; lowest, highest: what it may plausibly reach in the run, listed jumps apart
    [currency]. path: makes the path of one replication. notices: what was
    taken for what, and what is right and perhaps not meant.
    """

    opening: Decimal
    lowest: float
    highest: float
    path: Callable[[Innovations, JumpFactors], IndexPath]
    notices: tuple[str, ...] = ()


def check_chunk(first_step: int, n: int) -> None:
    """Refuse a chunk before the opening; ValueError."""
    if first_step < 0 or n < 0:
        raise ValueError(f"chunk of an index: was {n} steps from {first_step}, allowed are 0 or more of both")
