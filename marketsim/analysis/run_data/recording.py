"""What a run recorded and how often, and the error where a measure needs more than that."""

from __future__ import annotations

from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from marketsim.units import duration_ns

KEPT_RUNS = 8
"""Runs whose readings are kept in memory: a pair and those of a neighbouring cell, for all measures."""

TEN_MINUTES_NS = 600 * 10**9
"""The coarsest cadence at which tokens and marks are worth reading: a book may be empty for minutes only."""


def cadence_ns(run: Run, table: str) -> int | None:
    """How often a table was written [ns]; 0 for every change, None for never."""
    cadence = run.resolved["record"][table]
    return None if cadence in (None, "none") else 0 if cadence == "change" else duration_ns(cadence)


def require_cadence(run: Run, table: str, what_for: str, coarsest_ns: int) -> None:
    """Raise `ResultError` where a table was not written at least every `coarsest_ns`."""
    every = cadence_ns(run, table)
    if every is None or every > coarsest_ns:
        was = run.resolved["record"][table] or "none"
        raise ResultError(
            f"{run.path}: {what_for} needs table {table} at least every {coarsest_ns // 10**9} s; record.{table} was "
            f"{was}; set it and run again"
        )


def require_trades(run: Run, what_for: str) -> None:
    """Raise `ResultError` where trades were not recorded."""
    if run.resolved["record"]["trades"] != "all":
        raise ResultError(
            f"{run.path}: {what_for} needs every trade; record.trades was none; set it to all and run again"
        )


def underlying_markets(run: Run) -> list[str]:
    """The markets of underlyings, perpetual or spot, in which tokens trade their legs; no token's own market."""
    tokens = {token["id"] for token in run.resolved.get("tokens", [])}
    return [market for market in run.table("instruments")["market"].to_list() if market not in tokens]
