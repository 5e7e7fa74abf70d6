"""What every format needs of a run: one market's trades and orders, its tick and lot, and the start of the clock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from marketsim import units
from marketsim.datasets.run import Run
from marketsim.errors import UsageError

DAY_NS = 24 * 3600 * 10**9


@dataclass(frozen=True)
class ExportedMarket:
    """One market of a run; raises `UsageError` where the run has no such market."""

    run: Run
    market: str

    def __post_init__(self) -> None:
        names = self.run.table("instruments")["market"].to_list()
        if self.market not in names:
            raise UsageError(f"{self.run.path} has no market {self.market!r}; it has {', '.join(names)}")

    @cached_property
    def instrument(self) -> dict[str, Any]:
        """Its row of `instruments`."""
        return self.run.table("instruments").row(by_predicate=pl.col("market") == self.market, named=True)

    @property
    def lot(self) -> float:
        """What one lot is [units of the underlying]."""
        return float(self.instrument["lot"])

    @cached_property
    def start_ns(self) -> int:
        """The start of the clock, since 1970 [ns]."""
        return units.instant_ns(self.run.resolved["clock"]["start"])

    @cached_property
    def duration_ns(self) -> int:
        """How long the run is [ns]."""
        return units.duration_ns(self.run.resolved["clock"]["duration"])

    @property
    def midnight_ns(self) -> int:
        """From 1970 to the midnight before the start [ns]."""
        return self.start_ns // DAY_NS * DAY_NS

    def scan(self, table: str) -> pl.LazyFrame:
        """The market's rows of a table."""
        return self.run.scan(table).filter(pl.col("market") == self.market)

    def day(self) -> str:
        """The calendar day on which the run starts: `2024-01-01`."""
        return units.format_instant(self.start_ns)[:10]
