"""The mid price of each market of a run as of any instant."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.run_data.recording import KEPT_RUNS, cadence_ns
from marketsim.datasets.run import Run
from marketsim.errors import ResultError

MINUTE_NS = 60 * 10**9
COARSEST_NS = MINUTE_NS
"""The oldest a mid may be where windows of minutes are measured (docs/contract.md#windows)."""


class MidPrices:
    """The last mid quoted in each market; from `quotes`, or from `marks` where those were recorded more often."""

    def __init__(self, run: Run) -> None:
        self.run = run
        every = {table: cadence_ns(run, table) for table in ("quotes", "marks")}
        known = {table: ns for table, ns in every.items() if ns is not None}
        self.table = min(known, key=lambda table: known[table], default=None)
        self.every_ns = known[self.table] if self.table else None
        self._series = {} if self.table is None else _series(run, self.table)

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
        times, mids = self._series.get(market, (np.zeros(0, np.int64), np.zeros(0)))
        if not len(times):
            return np.full(len(t_ns), np.nan)
        place = np.searchsorted(times, t_ns, side="right") - 1
        return np.where(place >= 0, mids[np.maximum(place, 0)], np.nan)


def _series(run: Run, table: str) -> dict[str, tuple[Integers, Floats]]:
    column = "mid" if table == "quotes" else "mid_price"
    frame = run.scan(table).select("t_ns", "market", mid=column).filter(pl.col("mid").is_not_null()).collect()
    return {
        str(market): (rows["t_ns"].to_numpy(), rows["mid"].to_numpy())
        for (market,), rows in frame.group_by("market", maintain_order=True)
    }


@lru_cache(maxsize=KEPT_RUNS)
def mids_of(run: Run) -> MidPrices:
    """The mids of a run, read once for all its measures."""
    return MidPrices(run)
