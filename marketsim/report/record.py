"""A finished run as its report sees it: the manifest, the resolved scenario and the tables, read from files only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from marketsim.datasets.integrity import check_run
from marketsim.datasets.run import Run
from marketsim.errors import DamagedResultError, ResultError
from marketsim.report import numbers
from marketsim.units import instant_ns


@dataclass(frozen=True)
class Instrument:
    """What the report needs to know about a market: its tick and lot and the two currencies."""

    market: str
    underlying: str
    asset: str
    tick: float
    lot: float
    atoms_per_tick_lot: int

    def size(self, lots: float | None, *, sign: bool = False) -> str:
        """Lots written in the underlying: 12.3 BTC."""
        if lots is None:
            return numbers.ABSENT
        text = numbers.scaled(lots * self.lot, self.underlying)
        return f"+{text}" if sign and lots > 0 else text

    def notional(self, lots: float | None, price: float | None) -> float | None:
        """Size times price in units of the quote currency."""
        return None if lots is None or price is None else lots * self.lot * price


@dataclass(frozen=True)
class RunRecord:
    """One run directory, opened for reading; tables that the run did not write are empty, never an error."""

    run: Run
    manifest: Mapping[str, Any]
    resolved: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path) -> RunRecord:
        """Open a run directory, or a folder that holds exactly one; raises `UsageError` where there is none.

        Raises `DamagedResultError` where one of its files is not what was written.
        """
        run = Run(path)
        check_run(run.path)
        return cls(run, run.manifest, run.resolved if (run.path / "resolved.json").is_file() else {})

    def scan(self, table: str) -> pl.LazyFrame | None:
        """A table without reading it, or None where it is absent or holds no row."""
        try:
            frame = self.run.scan(table)
        except DamagedResultError:
            raise
        except ResultError:
            return None
        return frame if frame.select(pl.len()).collect().item() else None

    def table(self, table: str, *columns: str) -> pl.DataFrame | None:
        """A table (only `columns`, where named) in memory, or None where it is absent or holds no row."""
        frame = self.scan(table)
        if frame is None:
            return None
        return (frame.select(columns) if columns else frame).collect()

    @cached_property
    def start_ns(self) -> int | None:
        """The clock's start [ns since the Unix epoch], None where the scenario does not say."""
        clock = self.resolved.get("clock")
        start = clock.get("start") if isinstance(clock, Mapping) else None
        return instant_ns(start) if isinstance(start, str) else start

    @cached_property
    def instruments(self) -> dict[str, Instrument]:
        """The markets of the run by id, in the order of the table `instruments`."""
        frame = self.table("instruments")
        rows = [] if frame is None else frame.to_dicts()
        return {
            row["market"]: Instrument(
                row["market"], str(row["underlying"] or ""), str(row["asset"]),
                float(row["tick"]), float(row["lot"]), int(row["atoms_per_tick_lot"] or 0),
            )
            for row in rows
        }  # fmt: skip

    @cached_property
    def has_perpetuals(self) -> bool:
        """Whether there is a perpetual; assumed where the run does not list its markets."""
        kinds = self.table("instruments", "kind")
        return kinds is None or "perpetual" in kinds["kind"].to_list()

    @cached_property
    def duration_ns(self) -> int:
        """The simulated time that the run covers."""
        return int(self.manifest.get("simulated_ns") or 0)

    @cached_property
    def token_assets(self) -> dict[str, str]:
        """The currency each token's ledger is kept in, from its row in `cohorts`."""
        frame = self.table("cohorts", "cohort", "asset")
        pairs = [] if frame is None else frame.unique(maintain_order=True).rows()
        return {str(cohort): str(asset) for cohort, asset in pairs}

    def asset_of(self, cohort: str) -> str:
        """The currency of a cohort's account, or of the first market where no snapshot names it."""
        named = self.token_assets.get(cohort)
        return named or next((one.asset for one in self.instruments.values()), "")

    def of(self, market: str) -> Instrument:
        """A market's instrument; one that `instruments` does not list has lots of one and an unknown tick."""
        return self.instruments.get(market) or Instrument(market, "", "", 0.0, 1.0, 0)

    def instant(self, t_ns: int | None) -> str:
        """An instant of the run as text."""
        return numbers.instant(t_ns, self.start_ns)
