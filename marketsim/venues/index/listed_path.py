"""Index paths written down: a price, points of a scenario, rows of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from marketsim.errors import UnitError
from marketsim.market_data.numbers import scaled
from marketsim.spec import Fault
from marketsim.units import format_duration
from marketsim.venues.index.index_path import (
    Float64Array,
    IndexPath,
    Innovations,
    JumpFactors,
    PreparedIndex,
    check_chunk,
)

__all__ = ["Interpolation", "ListedIndexPath", "ListedLevels", "listed_levels", "price_faults"]

Interpolation = Literal["step", "linear"]
"""What holds between two listed levels: the earlier one, or a straight line."""


@dataclass(frozen=True)
class ListedLevels:
    """Instants [ns from the start] and levels, mantissas x 10^-decimals [currency]; all arrays int64 of one length."""

    times_ns: npt.NDArray[np.int64]
    mantissas: npt.NDArray[np.int64]
    decimals: npt.NDArray[np.int64]
    interpolate: Interpolation

    def prepared(self, every_ns: int, duration_ns: int | None = None, notices: Iterable[str] = ()) -> PreparedIndex:
        """The index that follows these levels in steps of every_ns; what it may reach is what stands here.

        Its last notice says how many of them lie between two steps, of a run of this length, so that nobody sees them.
        """

        def path(_: Innovations, jump_factors: JumpFactors) -> IndexPath:
            return ListedIndexPath(self, every_ns, jump_factors)

        values = self.mantissas / 10.0**self.decimals
        opening = Decimal(int(self.mantissas[0])).scaleb(-int(self.decimals[0]))
        told = (*notices, *self._unseen(every_ns, duration_ns))
        return PreparedIndex(opening, float(values.min()), float(values.max()), path, told)

    def _unseen(self, every_ns: int, duration_ns: int | None) -> Iterator[str]:
        times = self.times_ns if duration_ns is None else self.times_ns[self.times_ns <= duration_ns]
        first_steps = -(-times[:-1] // every_ns) * every_ns
        unseen = int((first_steps >= times[1:]).sum())
        if not unseen:
            return
        where = f"{'lies' if unseen == 1 else 'lie'} between two steps of {format_duration(every_ns)}"
        yield f"{unseen:,} of {times.size:,} listed levels {where}: nobody sees them; a shorter `every` shows more"


class ListedIndexPath(IndexPath):
    """Levels written down: a constant, a path of points, the rows of a file; exact rational numbers, rounded once.

    Between two listed levels the earlier holds (`step`) or a straight line runs (`linear`); the last one holds for
    good. A jump multiplies all levels from its step on.
    """

    is_absolute = True

    def __init__(self, listed: ListedLevels, every_ns: int, jump_factors: JumpFactors) -> None:
        super().__init__(Decimal(int(listed.mantissas[0])).scaleb(-int(listed.decimals[0])), every_ns)
        self._listed = listed
        self._places = int(listed.decimals.max())
        self._jump_steps, self._jump_products = [-1], [Fraction(1)]
        for step in sorted(jump_factors):
            self._jump_steps.append(step)
            self._jump_products.append(self._jump_products[-1] * jump_factors[step])

    def growth(self, first_step: int, n: int) -> Float64Array:
        """Ratios of levels; see `IndexPath`."""
        check_chunk(first_step, n)
        before = self.levels(first_step - 1, n) if first_step else self.levels(0, max(n - 1, 0))
        opening = [] if first_step else [float(self.price)][:n]
        return np.asarray(self.levels(first_step, n) / np.concatenate((opening, before)), np.float64)

    def levels(self, first_step: int, n: int) -> Float64Array:
        """Levels, each rounded once from the exact number; see `IndexPath`."""
        return np.array([above / below for above, below in self._ratios(first_step, n)], np.float64)

    def level_ticks(self, first_step: int, n: int, tick: Decimal) -> npt.NDArray[np.int64]:
        """Levels in ticks, rounded from the exact number; see `IndexPath`."""
        up, down = Fraction(tick).denominator, Fraction(tick).numerator
        ratios = self._ratios(first_step, n)
        return np.array([(2 * a * up + b * down) // (2 * b * down) for a, b in ratios], np.int64)

    def _ratios(self, first_step: int, n: int) -> list[tuple[int, int]]:
        """Each level as numerator and denominator, in Python's unbounded integers."""
        check_chunk(first_step, n)
        steps = np.arange(first_step, first_step + n)
        held = np.searchsorted(self._listed.times_ns, steps * self.every_ns, side="right") - 1
        jumped = np.searchsorted(np.array(self._jump_steps), steps, side="right") - 1
        ratios = []
        for step, i, j in zip(steps.tolist(), held.tolist(), jumped.tolist(), strict=True):
            above, below = self._between(i, step * self.every_ns)
            product = self._jump_products[j]
            ratios.append((above * product.numerator, below * product.denominator))
        return ratios

    def _between(self, i: int, t_ns: int) -> tuple[int, int]:
        """Level at t_ns, which row i is the last to reach, jumps apart."""
        above, below = self._numerator(i), 10**self._places
        if self._listed.interpolate == "linear" and i + 1 < len(self._listed.times_ns):
            start_ns, end_ns = int(self._listed.times_ns[i]), int(self._listed.times_ns[i + 1])
            rise = self._numerator(i + 1) - above
            return above * (end_ns - start_ns) + rise * (t_ns - start_ns), below * (end_ns - start_ns)
        return above, below

    def _numerator(self, i: int) -> int:
        return int(self._listed.mantissas[i]) * int(10 ** (self._places - int(self._listed.decimals[i])))


def listed_levels(times_ns: Sequence[int], prices: Sequence[Decimal], interpolate: Interpolation) -> ListedLevels:
    """Levels at instants [ns from the start], rising; each price is free of `price_faults`."""
    columns = np.array([scaled(price) for price in prices], np.int64)
    return ListedLevels(np.array(times_ns, np.int64), columns[:, 0], columns[:, 1], interpolate)


def price_faults(price: Decimal, *path: str | int) -> Iterator[Fault]:
    """Say why a price at this path of a Spec cannot be a level; nothing when it can."""
    if price <= 0:
        yield Fault(path, "a price is not above zero", "a price above zero")
        return
    try:
        scaled(price)
    except UnitError as error:
        yield Fault(path, error.message, error.allowed)
