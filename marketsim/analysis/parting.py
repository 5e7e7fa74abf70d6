"""Where two runs part: the first instant at which a table of one has a row that the other has not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from marketsim.analysis.span import resolved_of
from marketsim.datasets.run import Run
from marketsim.datasets.tables import TABLES, Table

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
"""What of a rebalance is known at its decision, of a child when it is sent; the rest of a row tells what came after."""


def _instant_of(table: Table) -> str | None:
    return next((name for name in ("t_ns", "t_decide_ns", "t1_ns") if name in table.names), None)


INSTANT_OF = {name: instant for name, table in TABLES.items() if (instant := _instant_of(table)) is not None}
"""The column that dates a row of each table; `instruments`, `accounts` and `holders` have no instant."""

CUT_WITH = {"token_legs": "tokens", "ledger": "cohorts"}
"""Tables that are written at another's cadence."""


@dataclass(frozen=True, slots=True)
class Parting:
    """The first row in which one table of two runs differs: its number, its instant [ns], both rows (None: no row)."""

    table: str
    row: int
    t_ns: int
    a: dict[str, Any] | None
    b: dict[str, Any] | None

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def first_parting(a: Run, b: Run) -> Parting | None:
    """The earliest parting over all tables; of tables that part at one instant, the first of the data dictionary.

    Tables that the two runs recorded at different cadences say nothing of the worlds and are left out.
    """
    found = [
        parting
        for table in INSTANT_OF
        if _recorded_alike(a, b, table) and (parting := parting_in(a, b, table)) is not None
    ]
    order = list(TABLES)
    return min(found, key=lambda parting: (parting.t_ns, order.index(parting.table)), default=None)


def _recorded_alike(a: Run, b: Run, table: str) -> bool:
    key = CUT_WITH.get(table, table)
    first, second = (resolved_of(run)["record"].get(key) for run in (a, b))
    return bool(first == second)


def same_content(a: Run, b: Run, table: str) -> bool:
    """Whether a table has the same content in both runs, by the manifests' hashes."""
    hashes = [run.manifest["tables"].get(table, {}).get("content_sha256") for run in (a, b)]
    return hashes[0] is not None and hashes[0] == hashes[1]


def parting_in(a: Run, b: Run, table: str) -> Parting | None:
    """Where one table of two runs parts; None where all its rows are the same. Reads a slice at a time."""
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
            return Parting(table, offset + row, min(each[key] for each in rows if each is not None), rows[0], rows[1])
        if left.height < SLICE:
            return None
        offset += SLICE


def _first_difference(left: pl.DataFrame, right: pl.DataFrame) -> int | None:
    """Number of the first row that differs; the shorter frame's height where it is the other's beginning."""
    height = min(left.height, right.height)
    same = [left[name].head(height).eq_missing(right[name].head(height)) for name in left.columns]
    differs = pl.DataFrame(same).select(differs=~pl.all_horizontal(pl.all()))["differs"] if height else None
    if differs is not None and differs.any():
        return int(differs.arg_max() or 0)
    return height if left.height != right.height else None
