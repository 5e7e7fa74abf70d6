"""A share of paths with its interval, in words: 92 % [78, 98]."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from scipy.stats import binomtest

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class PathShare:
    """On how many of how many paths something was so, with the exact interval (Clopper and Pearson 1934)."""

    number: int
    paths: int

    @property
    def value(self) -> float:
        """The share."""
        return self.number / self.paths

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of its 95 % interval."""
        found = binomtest(self.number, self.paths).proportion_ci(LEVEL, "exact")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        lo, hi = self.ends
        return f"{self.value:.0%} [{100 * lo:.0f}, {100 * hi:.0f}]"

    def figures(self, name: str) -> dict[str, float]:
        """The share and the ends of its interval, by name."""
        lo, hi = self.ends
        return {name: self.value, f"{name}_lo": lo, f"{name}_hi": hi}


def share_of_paths(so: pl.Series) -> PathShare:
    """Of how many paths (one value each) something is so."""
    return PathShare(int(so.sum()), so.len())
