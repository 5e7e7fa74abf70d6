"""Intervals of one series: the block bootstrap over contiguous blocks of time (Künsch 1989; Carlstein 1986).

A day is one replication, so that an interval says how far the number of this tape may be from that of an endless tape
of the same market, not how runs differ. Percentiles are widened to what n blocks are worth (Hesterberg 2015, "expanded
percentile"): those of alpha' = Phi(sqrt(n / (n - 1)) t_(alpha/2, n - 1)). What they cover of a series whose truth is
known is measured in tests/verification/test_stylised_facts.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

from marketsim.analysis.arrays import Floats, Integers

LEVEL = 0.95
MANY = 20
"""Blocks that a tape is cut into; from twenty days on each day is one."""
FEWEST = 10
"""Blocks below which there is no interval."""
RESAMPLES = 999
SPANS = 2
"""A block is at least so many times as long as the longest lag or window of the number."""

_SEED = 20_010_223
_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Blocks:
    """Equal contiguous pieces of [begin_ns, end_ns)."""

    begin_ns: int
    end_ns: int
    number: int

    @property
    def length_ns(self) -> float:
        """How long a block is [ns]."""
        return (self.end_ns - self.begin_ns) / self.number

    def of(self, t_ns: Integers) -> Integers:
        """The block (n,) of each instant (n,)."""
        place = ((np.asarray(t_ns) - self.begin_ns) / self.length_ns).astype(np.int64)
        return np.clip(place, 0, self.number - 1)

    def sums(self, t_ns: Integers, *columns: Floats) -> Floats:
        """Sums of columns (n,) over each block: (blocks, columns)."""
        block = self.of(t_ns)
        return np.stack([np.bincount(block, column, self.number) for column in columns], axis=1)

    @property
    def words(self) -> str:
        """Their number and length."""
        seconds = self.length_ns / 1e9
        for size, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
            if seconds >= size:
                return f"{self.number} blocks of {seconds / size:.3g} {name}"
        return f"{self.number} blocks of {seconds:.2g} s"


def blocks_for(begin_ns: int, end_ns: int, span_ns: float) -> Blocks | None:
    """The blocks for a number whose longest lag or window is `span_ns`; None where they would be too few."""
    length = end_ns - begin_ns
    wanted = max(MANY, length // _DAY_NS)
    number = min(wanted, int(length // (SPANS * max(1.0, span_ns))))
    return Blocks(begin_ns, end_ns, number) if number >= FEWEST else None


def interval_of_sums(sums: Floats, statistic: Callable[[Floats], Floats]) -> tuple[float, float] | None:
    """The interval of a function of sums over blocks (blocks, k); `statistic` takes sums (resamples, k).

    None where a resample has no value.
    """
    n = len(sums)
    weights = np.random.default_rng(_SEED).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return _ends(statistic(weights @ sums), n)


def interval_of_items(block: Integers, statistic: Callable[[Integers], float]) -> tuple[float, float] | None:
    """The interval of any statistic of items (n,), whose blocks are given; it takes the places of a resample's items.

    The blocks of a resample stand one after the other as they were drawn. None where a resample has no value.
    """
    order = np.argsort(block, kind="stable")
    pieces = np.split(order, np.flatnonzero(np.diff(block[order])) + 1)
    rng, n = np.random.default_rng(_SEED), len(pieces)
    if n < FEWEST:
        return None
    values = [statistic(np.concatenate([pieces[i] for i in rng.integers(n, size=n)])) for _ in range(RESAMPLES)]
    return _ends(np.array(values), n)


def _ends(values: Floats, blocks: int) -> tuple[float, float] | None:
    """The ends of the interval among the values of resamples."""
    if not np.isfinite(values).all():
        return None
    tail = float(norm.cdf((blocks / (blocks - 1)) ** 0.5 * t.ppf((1 - LEVEL) / 2, blocks - 1)))
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
