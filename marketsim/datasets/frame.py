"""A table with labels beside its rows: run, cell, what the cell sets, replication, arm, and the time in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from marketsim.datasets.tables import Table

Labels = Mapping[str, tuple[Any, pl.DataType | type[pl.DataType]]]
"""Constant columns by name: the value and its type."""


def labels(
    *,
    run_id: str,
    cell: int | None,
    over: Mapping[str, str | None],
    amounts: Mapping[str, float | None],
    replication: int,
    arm: str,
    fork_ns: int | None,
    jump: float | None,
) -> Labels:
    """The columns that say of which run a row is.

    over: what the cell sets, by path, as scenario files write it; amounts: the same as numbers, where they are
    quantities (in seconds, units of the currency, fractions of one, events per second), as columns `PATH:value`.
    fork_ns: instant of the event a forked run is about [ns], jump: of the index at its start; null of a whole run.
    """
    found: dict[str, tuple[Any, Any]] = {"run_id": (run_id, pl.String), "cell": (cell, pl.Int64)}
    for path, value in over.items():
        found[path] = (value, pl.String)
        if path in amounts:
            found[f"{path}:value"] = (amounts[path], pl.Float64)
    return {
        **found,
        "replication": (replication, pl.Int64),
        "arm": (arm, pl.String),
        "fork_ns": (fork_ns, pl.Int64),
        "jump": (jump, pl.Float64),
    }


def labelled(rows: pl.LazyFrame, table: Table, beside: Labels, start_ns: int) -> pl.LazyFrame:
    """Rows of a table with labels, and with `t_utc` where the table dates its rows; start_ns: of the clock, since 1970.

    `t_utc` is the instant of the row (`t_ns`, of rebalances `t_decide_ns`, of intervals their end) in UTC.
    """
    constants = [pl.lit(value, kind).alias(name) for name, (value, kind) in beside.items()]
    dated = []
    if table.instant is not None:
        dated = [(pl.col(table.instant) + start_ns).cast(pl.Datetime("ns", "UTC")).alias("t_utc")]
    return rows.select(*constants, *dated, *table.names)
