"""What explanations read of a run: its tables, its resolved scenario, and of that the parts as their kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import polars as pl
from pydantic import ValidationError

from marketsim.errors import ResultError, UsageError
from marketsim.issuers.token_spec import TokenSpec
from marketsim.spec import Spec
from marketsim.units import format_instant, instant_ns
from marketsim.venues.contract import MarketSpec

S = TypeVar("S", bound=Spec)


class StoredRun(Protocol):
    """A run directory, opened for reading."""

    @property
    def resolved(self) -> dict[str, Any]:
        """The resolved scenario that ran."""

    def table(self, name: str) -> pl.DataFrame:
        """A table in memory."""

    def scan(self, name: str) -> pl.LazyFrame:
        """A table to be read as far as a query needs it."""


@dataclass(frozen=True, slots=True)
class Market:
    """A market's grid and words: sizes of `lot` units of `unit`, prices in steps of `tick` of `asset`."""

    tick: float
    lot: float
    unit: str
    asset: str
    atoms_per_tick_lot: int

    def size(self, lots: int) -> str:
        """Lots as a signed size."""
        return f"{lots * self.lot:+,.{_digits(self.lot)}f} {self.unit}"

    def price(self, price: float | None) -> str:
        """A price to the tick, or a little further where it is an average."""
        return "-" if price is None else f"{price:,.{_digits(self.tick) + 1}f} {self.asset}"


def market_of(run: StoredRun, market: str) -> Market:
    """The market of this id, as table `instruments` has it."""
    row = run.table("instruments").filter(pl.col("market") == market).row(0, named=True)
    return Market(row["tick"], row["lot"], row["underlying"], row["asset"], row["atoms_per_tick_lot"])


def row_of(run: StoredRun, table: str, number: int, column: str | None) -> dict[str, Any]:
    """The row of a table with this id, or, in a table without ids, with this number from 0.

    Raises UsageError, with what there is, where there is none.
    """
    frame = run.table(table)
    rows = frame.filter(pl.col(column) == number) if column is not None else frame[number : number + 1]
    if frame.is_empty():
        raise UsageError(f"this run has no {table}")
    if rows.is_empty() or number < 0:
        ids = frame[column] if column is not None else range(frame.height)
        raise UsageError(f"{table} {number}: there is none; allowed: {min(ids)} to {max(ids)}")
    return rows.row(0, named=True)


def token_of(run: StoredRun, token: str) -> TokenSpec:
    """The token of this id as its kinds declare it."""
    return _part(run, "tokens", token, TokenSpec)


def declared_market(run: StoredRun, market: str) -> MarketSpec:
    """The market of this id as its kinds declare it."""
    return _part(run, "markets", market, MarketSpec)


def when(run: StoredRun, t_ns: int) -> str:
    """An instant of the run in UTC."""
    return format_instant(instant_ns(run.resolved["clock"]["start"]) + t_ns)


def _part(run: StoredRun, section: str, name: str, spec: type[S]) -> S:
    found: Mapping[str, Any] | None = next(
        (each for each in run.resolved.get(section) or () if each["id"] == name), None
    )
    if found is None:
        raise ResultError(f"the resolved scenario of this run has no {name!r} in {section}")
    known = [underlying["id"] for underlying in run.resolved.get("underlyings") or ()]
    try:
        return spec.model_validate(found, context={"currencies": known})
    except ValidationError as error:
        why = "; ".join(f"{section}.{name}.{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ResultError(
            f"this installation cannot read the run's scenario: {why}; install the plugin or the version it was made "
            "with"
        ) from error


def _digits(step: float) -> int:
    return len(f"{step:.8f}".rstrip("0").partition(".")[2])
