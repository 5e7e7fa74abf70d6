"""The values of a data file in the span of a run, as they are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from marketsim.market_data.layout import Known, Layout
from marketsim.market_data.spec import DataFileSpec
from marketsim.market_data.times import NS_OF, unit_of
from marketsim.units import format_instant


@dataclass(frozen=True)
class Series:
    """Values at instants [ns from the run's start], mantissas x 10^-decimals, int64 arrays of one length, rising.

    They begin with the last one at or before the start, or the first there is, and end with the first one at or after
    the end. first_ns, last_ns: what was read of the file covers [ns since 1970]. bar_ns: length of a bar, 0 where rows
    are none. same_instant, one_sided: rows left out because another one has their instant, or a side of the book is
    empty.
    """

    layout: Layout
    times_ns: npt.NDArray[np.int64]
    mantissas: npt.NDArray[np.int64]
    decimals: npt.NDArray[np.int64]
    first_ns: int
    last_ns: int
    bar_ns: int
    known: Known
    units: frozenset[str]
    has_naive_times: bool
    same_instant: int
    one_sided: int

    def notices(self, time_zone: str | None) -> Iterator[str]:
        """What a reader should know besides: times without an offset, and rows that are left out."""
        if self.has_naive_times:
            yield f"instants without an offset are taken as {time_zone or 'UTC'}"
        if self.same_instant:
            yield f"{_rows(self.same_instant)} the instant of a later one, which counts"
        if self.one_sided:
            yield f"{_rows(self.one_sided)} a side of the book on which nobody is, and are left out"

    @property
    def covers(self) -> str:
        """The instants that were read of the file, as a message says them."""
        return f"{format_instant(self.first_ns)} to {format_instant(self.last_ns)}"


def meant_unit(said: DataFileSpec, series: Series) -> str:
    """The unit a file's epochs have by their size, where the scenario says another one; nothing otherwise."""
    if said.time_unit == "instant":
        return ""
    meant = unit_of(Fraction(series.first_ns, NS_OF[said.time_unit]))
    return meant if meant != said.time_unit else ""


def _rows(n: int) -> str:
    return "1 row has" if n == 1 else f"{n:,} rows have"
