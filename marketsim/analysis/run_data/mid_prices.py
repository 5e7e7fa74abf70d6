"""The mid price of each market of a run at any instant: as last quoted, or as it stood after everything of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.run_data.recording import KEPT_RUNS, cadence_ns
from marketsim.datasets.run import Run
from marketsim.errors import ResultError

MINUTE_NS = 60 * 10**9
COARSEST_NS = MINUTE_NS
"""The oldest a mid may be where windows of minutes are measured (docs/contract.md#windows)."""

_COLUMN = {"quotes": "mid", "marks": "mid_price"}


@dataclass(frozen=True)
class _Series:
    """Instants [ns] and mids of one market, NaN while a side was empty; every_ns: 0 where every change was written."""

    times: Integers
    mids: Floats
    every_ns: int

    def last(self, t_ns: Integers) -> Floats:
        """The last known mid at each instant; NaN before the first."""
        known = np.isfinite(self.mids)
        return _taken(self.mids[known], np.searchsorted(self.times[known], t_ns, side="right") - 1)

    def standing(self, t_ns: Integers) -> Floats:
        """The mid after everything of each instant: of the first snapshot from it on, or of the last change."""
        if self.every_ns == 0:
            return _taken(self.mids, np.searchsorted(self.times, t_ns, side="right") - 1)
        place = np.searchsorted(self.times, t_ns, side="left")
        near = place < len(self.times)
        near[near] &= self.times[place[near]] - np.asarray(t_ns)[near] < self.every_ns
        return np.where(near, _taken(self.mids, np.minimum(place, len(self.times) - 1)), np.nan)

    def before(self, t_ns: Integers) -> Floats:
        """The mid before anything of each instant: of the last snapshot or change before it."""
        return _taken(self.mids, np.searchsorted(self.times, t_ns, side="left") - 1)


class MidPrices:
    """The mids of a run by market; from `quotes`, or from `marks` where those were written more often or alone.

    table: the finer of the two; a market that has no row in it is read from the other.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._series: dict[str, _Series] = {}
        cadences = {table: every for table in ("marks", "quotes") if (every := cadence_ns(run, table)) is not None}
        for table, every in sorted(cadences.items(), key=lambda item: -item[1]):  # the finest last
            self._series |= _read(run, table, every)
        self.table = min(cadences, key=lambda table: (cadences[table], table != "quotes"), default=None)
        self.every_ns = None if self.table is None else cadences[self.table]

    def is_as_fine_as(self, coarsest_ns: int) -> bool:
        """Whether there is a mid at least every `coarsest_ns`."""
        return self.every_ns is not None and self.every_ns <= coarsest_ns

    def require(self, what_for: str, coarsest_ns: int = COARSEST_NS) -> MidPrices:
        """Return these mids, or raise `ResultError` where they are too coarse for the purpose named."""
        if not self.is_as_fine_as(coarsest_ns):
            was = (
                "neither quotes nor marks"
                if self.every_ns is None
                else f"{self.table} every {self.every_ns // 10**9} s"
            )
            raise ResultError(
                f"{self.run.path}: {what_for} needs a mid at least every {coarsest_ns // 10**9} s; there are {was}; "
                f"run it with record: {{quotes: {min(coarsest_ns // 10**9, 10)}s}}"
            )
        return self

    def at(self, market: str, t_ns: Integers) -> Floats:
        """The last mid quoted at each instant (n,); NaN before the first one, and for a market that does not exist."""
        return self._of(market).last(t_ns)

    def standing(self, market: str, t_ns: Integers) -> Floats:
        """The mid after everything of each instant (n,); NaN where a side was empty then, and beyond the run.

        Between two snapshots it is that of the second.
        """
        return self._of(market).standing(t_ns)

    def before(self, market: str, t_ns: Integers) -> Floats:
        """The mid before anything of each instant (n,), of the snapshot before it; NaN where a side was empty then."""
        return self._of(market).before(t_ns)

    def instants(self, market: str, begin_ns: int, end_ns: int) -> Integers:
        """The instants within [begin_ns, end_ns] at which a mid was written, or its absence."""
        times = self._of(market).times
        return times[(times >= begin_ns) & (times <= end_ns)]

    def missing_share(self, market: str, begin_ns: int, end_ns: int) -> float | None:
        """Share of [begin_ns, end_ns) without a mid; None where nothing of it was written."""
        series = self._of(market)
        inside = (series.times >= begin_ns) & (series.times < end_ns)
        if not inside.any():
            return None
        lasts = np.diff(np.append(series.times[inside], end_ns))
        return float(lasts[np.isnan(series.mids[inside])].sum() / lasts.sum())

    def _of(self, market: str) -> _Series:
        return self._series.get(market, _NOTHING)


_NOTHING = _Series(np.zeros(0, np.int64), np.zeros(0), 0)


def _taken(values: Floats, place: Integers) -> Floats:
    """Values at places (n,); NaN where a place is below 0."""
    if not len(values):
        return np.full(len(place), np.nan)
    return np.where(place >= 0, values[np.maximum(place, 0)], np.nan)


def _read(run: Run, table: str, every_ns: int) -> Mapping[str, _Series]:
    frame = run.scan(table).select("t_ns", "market", mid=_COLUMN[table]).collect()
    return {
        str(market): _Series(rows["t_ns"].to_numpy(), rows["mid"].fill_null(np.nan).to_numpy(), every_ns)
        for (market,), rows in frame.group_by("market", maintain_order=True)
    }


@lru_cache(maxsize=KEPT_RUNS)
def mids_of(run: Run) -> MidPrices:
    """The mids of a run, read once for all its measures."""
    return MidPrices(run)
