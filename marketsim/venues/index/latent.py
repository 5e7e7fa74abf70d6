"""An index that shows the latent fundamental of its underlying, later than informed traders see it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt

from marketsim.ranges import UP_TO_A_DAY
from marketsim.spec import QUOTE, Duration
from marketsim.streams.elementary import left_after
from marketsim.units import format_duration
from marketsim.venues.index.family import INDICES, IndexSpec
from marketsim.venues.index.index_path import Float64Array, IndexPath, PreparedIndex, check_chunk
from marketsim.venues.index.random_path import BLOCK, Walk

__all__ = ["LatentIndexSpec"]

_DENSE = 8 * BLOCK  # steps of the latent read at once, where no more than this lie under a block


@INDICES.register
class LatentIndexSpec(IndexSpec):
    """What the latent fundamental was `delay` ago, approached half-way in every `halflife`.

    Both are 0s by default: the index then shows the fundamental at its next step.
    """

    kind: Literal["latent"]
    delay: Annotated[Duration, UP_TO_A_DAY] = 0
    halflife: Annotated[Duration, UP_TO_A_DAY] = 0

    shows_latent = True

    @property
    def price_currency(self) -> str:
        """That of the latent fundamental."""
        return QUOTE

    def prepare(self, *, start_ns: int, duration_ns: int, root: Path) -> PreparedIndex:
        """ValueError: it has no levels of its own, but those that it is `shown`."""
        raise ValueError("an index of kind latent has no levels of its own: it shows those of its fundamental")

    def shown(self, latent: IndexPath) -> IndexPath:
        """Its path; see `IndexSpec`."""
        return _ShownPath(latent, self.every, self.delay, self.halflife)

    def sentence(self) -> str:
        """What it does; see `IndexSpec`."""
        late = f" with a delay of {format_duration(self.delay)}" if self.delay else ""
        slowly = f", half of the way in {format_duration(self.halflife)}" if self.halflife else ""
        return f"shows its latent fundamental{late or ('' if slowly else ' at once')}{slowly}"


class _ShownPath(IndexPath):
    """x(k) = x(k - 1) + w (L(k every - delay) - x(k - 1)), w = 1 - 2^-(every / halflife), x(0) = L(0).

    L is the fundamental's level at its last step at or before that instant, and its opening before the run. With a
    half-life of 0 w is 1. An exponential average on a grid (Roberts 1959, Technometrics 1).
    """

    is_absolute = True

    def __init__(self, latent: IndexPath, every_ns: int, delay_ns: int, halflife_ns: int) -> None:
        super().__init__(latent.price, every_ns)
        self._latent, self._delay_ns = latent, delay_ns
        self._weight = 1.0 - left_after(every_ns / halflife_ns) if halflife_ns else 1.0
        self._level = Walk(float(latent.levels(0, 1)[0]), self._walk)

    def growth(self, first_step: int, n: int) -> Float64Array:
        """Factors of growth; see `IndexPath`."""
        before = self.levels(first_step - 1, n) if first_step else self.levels(0, max(n - 1, 0))
        opening = [] if first_step else [float(self.price)][:n]
        return np.asarray(self.levels(first_step, n) / np.concatenate((opening, before)), np.float64)

    def levels(self, first_step: int, n: int) -> Float64Array:
        """Levels; see `IndexPath`."""
        check_chunk(first_step, n)
        first, end = first_step // BLOCK, -(-(first_step + n) // BLOCK)
        blocks = [np.empty(0, np.float64), *(self._level.block(block * BLOCK) for block in range(first, end))]
        offset = first_step - first * BLOCK
        return np.concatenate(blocks)[offset : offset + n]

    def level_ticks(self, first_step: int, n: int, tick: Decimal) -> npt.NDArray[np.int64]:
        """Levels in ticks; see `IndexPath`."""
        return np.asarray(np.floor(self.levels(first_step, n) / float(tick) + 0.5), np.int64)

    def _walk(self, first: int, level: float) -> list[float]:
        """Levels at the steps of a block, and at the first step after it."""
        seen = self._seen(np.arange(first + 1, first + BLOCK + 1)).tolist()
        if self._weight == 1.0:
            return [level, *seen]
        levels = [level]
        for fundamental in seen:
            level = level + self._weight * (fundamental - level)
            levels.append(level)
        return levels

    def _seen(self, steps: npt.NDArray[np.int64]) -> Float64Array:
        """The fundamental as it was `delay` before these steps."""
        known = np.maximum((steps * self.every_ns - self._delay_ns) // self._latent.every_ns, 0)
        first, span = int(known[0]), int(known[-1] - known[0]) + 1
        if span <= _DENSE:
            return np.asarray(self._latent.levels(first, span)[known - first], np.float64)
        return np.concatenate([self._latent.levels(int(step), 1) for step in known])
