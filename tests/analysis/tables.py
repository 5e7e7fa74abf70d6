"""Run directories whose tables are written by hand: what a test does not say is 0, empty or null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from marketsim.datasets.run import Run
from marketsim.datasets.tables import TABLES
from tests.report.synthetic_run import empty_tables, write_run

S = 10**9
MINUTE, HOUR, DAY = 60 * S, 3_600 * S, 86_400 * S
Rows = Sequence[Mapping[str, Any]]

PERP = {
    "market": "PERP", "venue": "main", "kind": "perpetual", "underlying": "BTC", "contract": "linear", "tick": 1.0,
    "lot": 1.0, "atoms_per_tick_lot": 10, "asset": "USDT",
}  # fmt: skip
RECORD = {
    "trades": "all", "orders": "none", "quotes": "10s", "depth": "none", "book": "none", "marks": "1min",
    "tokens": "1min", "cohorts": "1h", "positions": "1h",
}  # fmt: skip


def hand_run(
    folder: Path,
    *,
    duration: int = 6 * HOUR,
    start: str = "2024-01-01T00:00:00Z",
    warmup: str = "0s",
    record: Mapping[str, Any] | None = None,
    issued: Sequence[Mapping[str, Any]] = (),
    traders: Sequence[Mapping[str, Any]] = (),
    instruments: Rows = (PERP,),
    manifest: Mapping[str, Any] | None = None,
    **tables: Rows,
) -> Run:
    """A run of `duration` [ns] with these rows in its tables; `issued` are the scenario's tokens."""
    resolved = {
        "schema": "marketsim/1",
        "name": "by-hand",
        "clock": {"start": start, "duration": f"{duration // S}s", "warmup": warmup},
        "tokens": list(issued),
        **({"traders": list(traders)} if traders else {}),
        "record": {**RECORD, **(record or {})},
    }
    frames = empty_tables()
    for name, rows in {"instruments": instruments, **tables}.items():
        frames[name] = frame(name, rows)
    hashes = {name: {"rows": one.height, "bytes": 1, "content_sha256": _content(one)} for name, one in frames.items()}
    told = {"simulated_ns": duration, "tables": hashes, "crowding": {}, **(manifest or {})}
    return Run(write_run(folder, frames, resolved=resolved, **told))


def frame(table: str, rows: Rows) -> pl.DataFrame:
    """Rows of a table, filled up."""
    empty: dict[str, Any] = {"int64": 0, "float64": 0.0, "text": "", "bool": False}
    blank = {c.name: None if c.may_be_null else empty[c.dtype] for c in TABLES[table].columns}
    unknown = {key for row in rows for key in row} - blank.keys()
    assert not unknown, f"{table} has no column {unknown}"
    return pl.DataFrame([{**blank, **row} for row in rows], schema=TABLES[table].schema())


def _content(one: pl.DataFrame) -> str:
    return str(one.hash_rows().to_list())


def quotes(market: str, *mids: tuple[int, float]) -> list[dict[str, Any]]:
    """Quotes with these mids, a tick to either side."""
    return [
        {
            "t_ns": t_ns, "market": market, "bid_ticks": round(mid) - 1, "bid_lots": 1, "ask_ticks": round(mid) + 1,
            "ask_lots": 1, "mid": mid,
        }
        for t_ns, mid in mids
    ]  # fmt: skip


def rebalance(number: int, token: str, decide: int, last: int, lots: int, **changes: Any) -> dict[str, Any]:
    """A rebalance that filled all it wanted at 100, from its decision to its last fill."""
    row = {
        "id": number, "cohort": token, "token": token, "market": "PERP", "trigger": "scheduled", "t_decide_ns": decide,
        "t_first_ns": decide, "t_last_ns": last, "target_lots": lots, "filled_lots": lots, "arrival_mid": 100.0,
        "vwap": 100.0, "status": "done", "last_reset_price": 100.0, "last_reset_equity_atoms": 1_000 * 10**8,
    }  # fmt: skip
    return {**row, **changes}
