"""The first divergence of two runs: the first instant at which a table of one has a row that the other lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from marketsim.datasets.run import Run
from marketsim.datasets.tables import TABLES

SLICE = 200_000
DECIDED = {
    "rebalances": (
        "id", "cohort", "token", "market", "trigger", "price_source", "trigger_price", "t_decide_ns", "leverage_before",
        "equity_before_atoms", "target_lots", "arrival_mid",
    ),
    "children": (
        "t_ns", "purpose", "parent", "child", "token", "market", "order_type", "size_lots", "limit_price", "mid_price"
    ),
}  # fmt: skip
"""What is known of a rebalance at its decision, of a child when it is sent; the other columns tell what came later."""


INSTANT_OF = {name: table.instant for name, table in TABLES.items() if table.instant is not None}
"""The column that dates a row of each table; `instruments`, `accounts` and `holders` have no instant."""

CUT_WITH = {"token_legs": "tokens", "ledger": "cohorts"}
"""Tables that are written at the cadence of another."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first row in which a table of two runs differs: its number, its instant [ns], both rows (None: no row)."""

    table: str
    row: int
    t_ns: int
    a: Mapping[str, object] | None
    b: Mapping[str, object] | None


def first_divergence(a: Run, b: Run) -> Divergence | None:
    """The earliest divergence over all tables; of tables that diverge at one instant, the first in the data dictionary.

    Tables that the two runs recorded at different cadences tell nothing about the worlds and are left out.
    """
    found = [
        divergence
        for table in INSTANT_OF
        if _recorded_alike(a, b, table) and (divergence := divergence_in(a, b, table)) is not None
    ]
    order = list(TABLES)
    return min(found, key=lambda each: (each.t_ns, order.index(each.table)), default=None)


def _recorded_alike(a: Run, b: Run, table: str) -> bool:
    key = CUT_WITH.get(table, table)
    first, second = (run.resolved["record"].get(key) for run in (a, b))
    return bool(first == second)


def same_content(a: Run, b: Run, table: str) -> bool:
    """Whether a table has the same content in both runs, by the manifests' hashes."""
    hashes = [run.manifest.get("tables", {}).get(table, {}).get("content_sha256") for run in (a, b)]
    return hashes[0] is not None and hashes[0] == hashes[1]


def divergence_in(a: Run, b: Run, table: str) -> Divergence | None:
    """The first row in which one table of two runs differs; None where all are equal. Reads a slice at a time."""
    if same_content(a, b, table):
        return None
    columns = list(DECIDED.get(table, TABLES[table].names))
    key = INSTANT_OF[table]
    frames = [run.scan(table).select(columns) for run in (a, b)]
    if table == "rebalances":
        frames = [frame.sort("t_decide_ns", "id") for frame in frames]
    offset = 0
    while True:
        left, right = (frame.slice(offset, SLICE).collect() for frame in frames)
        row = _first_difference(left, right)
        if row is not None:
            rows = [frame.row(row, named=True) if row < frame.height else None for frame in (left, right)]
            t_ns = min(each[key] for each in rows if each is not None)
            return Divergence(table, offset + row, t_ns, rows[0], rows[1])
        if left.height < SLICE:
            return None
        offset += SLICE


def _first_difference(left: pl.DataFrame, right: pl.DataFrame) -> int | None:
    """Number of the first row that differs; the height of the shorter frame where it is the beginning of the other."""
    height = min(left.height, right.height)
    same = [left[name].head(height).eq_missing(right[name].head(height)) for name in left.columns]
    differs = pl.DataFrame(same).select(differs=~pl.all_horizontal(pl.all()))["differs"] if height else None
    if differs is not None and differs.any():
        return int(differs.arg_max() or 0)
    return height if left.height != right.height else None
