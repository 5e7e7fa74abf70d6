"""A run as its figures read it: tables as far as they are needed, and what is missing said in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from marketsim.analysis.run_data.measured_period import MeasuredPeriod, measured_period
from marketsim.analysis.run_data.recording import cadence_ns
from marketsim.datasets.resets import MarketReset, resets_of
from marketsim.datasets.run import Run
from marketsim.errors import DamagedResultError, ResultError
from marketsim.figures.picture import LeftOut
from marketsim.figures.thinning import Thinned, collected, thinned
from marketsim.units import NS_PER_SECOND

REBALANCES = (
    "id", "token", "market", "t_decide_ns", "t_first_ns", "t_last_ns", "target_lots", "filled_lots", "status",
    "last_reset_price", "last_reset_equity_atoms", "arrival_mid", "vwap",
)  # fmt: skip
CHILDREN = ("t_ns", "t_end_ns", "purpose", "parent", "token", "market", "order_type", "filled_lots")
"""Columns that resets are told by."""


@dataclass(frozen=True)
class Instrument:
    """A market: its underlying, its currency, and the size of a lot in units of the underlying."""

    market: str
    underlying: str
    asset: str
    lot: float


@dataclass(frozen=True)
class RunSource:
    """One run, opened for its figures."""

    run: Run

    @cached_property
    def period(self) -> MeasuredPeriod:
        """The part that is measured."""
        return measured_period(self.run)

    @property
    def is_fork(self) -> bool:
        """Whether it begins in the middle of another run."""
        return self.run.manifest.get("fork") is not None

    @property
    def begin_ns(self) -> int:
        """The first instant it has rows of [ns since the clock's start]."""
        fork = self.run.manifest.get("fork")
        return 0 if fork is None else int(fork["from_ns"])

    @property
    def end_ns(self) -> int:
        """The last instant it has rows of."""
        return max(self.period.end_ns, self.begin_ns)

    def scan(self, table: str, *columns: str) -> pl.LazyFrame:
        """Columns of a table that has rows, to be read as far as needed.

        Raises `LeftOut` where the run has not got them, `DamagedResultError` where they are not what was written.
        """
        frame = self._columns(table, columns)
        if not collected(self.run, frame.select(pl.len())).item():
            raise LeftOut(f"its table {table} has no row")
        return frame

    def _columns(self, table: str, columns: Sequence[str]) -> pl.LazyFrame:
        try:
            frame = self.run.scan(table)
        except DamagedResultError:
            raise
        except ResultError:
            raise LeftOut(f"the run has no table {table}") from None
        try:
            known = frame.collect_schema().names()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DamagedResultError(f"{self.run.path} is damaged: table {table}: {error}") from error
        lacking = [name for name in columns if name not in known]
        if lacking:
            raise LeftOut(f"its table {table} has no {', '.join(lacking)}: an older version made the run")
        return frame.select(columns)

    def table(self, table: str, *columns: str) -> pl.DataFrame:
        """The same in memory, for small tables."""
        return collected(self.run, self.scan(table, *columns))

    @cached_property
    def instruments(self) -> Mapping[str, Instrument]:
        """The markets by id; raises `LeftOut` where the run does not list them."""
        rows = self.table("instruments", "market", "underlying", "asset", "lot").iter_rows(named=True)
        return {row["market"]: Instrument(**{**row, "lot": float(row["lot"])}) for row in rows}

    @cached_property
    def markets(self) -> list[str]:
        """The markets whose loop is drawn: those of underlyings, no token's own."""
        tokens = {token["id"] for token in self.run.resolved.get("tokens", [])}
        return [market for market in self.instruments if market not in tokens]

    def thinned(self, frame: pl.LazyFrame, value: pl.Expr, begin_ns: int, end_ns: int) -> Thinned:
        """A series of a frame with `t_ns`; raises `LeftOut` where it has no value in that span."""
        found = thinned(self.run, frame, value, begin_ns, end_ns)
        if all(each is None for each in (*found.y, *found.lo)):
            raise LeftOut("there is no value in the span that is drawn")
        return found

    def require_resets(self) -> None:
        """Raise `LeftOut` where the run has no resets, or not what they are told by."""
        self._columns("children", CHILDREN)
        self.scan("rebalances", *REBALANCES)

    def resets(self, market: str) -> list[MarketReset]:
        """The resets of a market whose orders were sent to it, warm-up included; raises `LeftOut` without any."""
        self.require_resets()
        found = [reset for reset in resets_of(self.run) if reset.market == market]
        if not found:
            raise LeftOut(f"no order of a reset was sent to {market}")
        return found

    def mids(self, market: str) -> tuple[pl.LazyFrame, str]:
        """A market's mids (`t_ns`, `mid`), of quotes or marks, whichever were written more often, and which."""
        record = self.run.resolved.get("record", {})
        every = {name: cadence_ns(self.run, name) for name in ("quotes", "marks") if name in record}
        named = sorted((often, name != "quotes", name) for name, often in every.items() if often is not None)
        for table in [name for *_, name in named] or ["quotes", "marks"]:
            column = "mid" if table == "quotes" else "mid_price"
            try:
                frame = self.scan(table, "t_ns", "market", column)
            except LeftOut:
                continue
            return frame.filter(pl.col("market") == market).select("t_ns", mid=pl.col(column)), table
        raise LeftOut("neither quotes nor marks were recorded")


def drawn_as(series: Thinned, what: str) -> str:
    """How a series is drawn, for its caption: every row, or spans of intervals."""
    if series.interval_ns is None:
        return f"{what}: all {series.rows:,} snapshots"
    seconds = series.interval_ns / NS_PER_SECOND
    return f"{what}: lowest to highest of each {seconds:.3g} s, of {series.rows:,} snapshots"
