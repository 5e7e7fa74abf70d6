"""What a run has told so far, or what its tables hold once it is finished: what charts and figures are made of.

Rows are the tables' own, as they were recorded, so a number here is a number there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TABLES = ("marks", "tokens", "children", "rebalances", "liquidations")

Row = Mapping[str, Any]
Point = tuple[int, float | None]
"""Instant [ns from the start] and value; None where there was none, as a mid of an empty side."""


@dataclass
class Observations:
    """Rows by market and by token, resets by their orders, instants of liquidations [ns]."""

    marks: dict[str, list[Row]] = field(default_factory=dict)
    tokens: dict[str, list[Row]] = field(default_factory=dict)
    rebalances: dict[int, Row] = field(default_factory=dict)
    children: dict[int, list[Row]] = field(default_factory=dict)
    liquidations: list[int] = field(default_factory=list)
    until_ns: int = 0

    def add(self, table: str, row: Row) -> None:
        """Take in one row."""
        if table == "marks":
            self.marks.setdefault(row["market"], []).append(row)
        elif table == "tokens":
            self.tokens.setdefault(row["token"], []).append(row)
        elif table == "rebalances":
            self.rebalances[row["id"]] = row
        elif table == "children" and row["purpose"] == "rebalance":
            self.children.setdefault(row["parent"], []).append(row)
        elif table == "liquidations":
            self.liquidations.append(row["t_ns"])
        if table in ("marks", "tokens"):
            self.until_ns = max(self.until_ns, row["t_ns"])

    def resets(self) -> list[dict[str, Any]]:
        """Every reset so far: token, market, first and last instant [ns], lots traded; the rest once its row is there.

        Before that (a row of `rebalances` waits for the mid of an hour later) it is summed from its child orders.
        """
        found = [_under_way(rows) for order, rows in self.children.items() if order not in self.rebalances]
        found += [_of_row(row) for row in self.rebalances.values()]
        return sorted(found, key=lambda reset: (reset["t_ns"], reset["token"]))

    def reset_times(self) -> list[int]:
        """The instant of every order of a reset: its first fill, or its decision [ns]."""
        return [reset["t_ns"] for reset in self.resets()]

    def liquidated(self) -> list[int]:
        """The instant of every liquidation [ns]."""
        return self.liquidations

    def prices(self, market: str, column: str) -> list[Point]:
        """A price of a market, in the quote currency."""
        return [(row["t_ns"], row[column]) for row in self.marks.get(market, ())]

    def values(self, token: str, column: str) -> list[Point]:
        """A value of a token: `nav` in the quote currency, `leverage`."""
        return [(row["t_ns"], row[column]) for row in self.tokens.get(token, ())]


def of_run(path: Path) -> Observations:
    """The same of a finished run, from its tables."""
    from marketsim.datasets.run import Run  # polars with it: a quarter of a second that no page waits for

    run, seen = Run(path), Observations()
    for table in TABLES:
        for row in run.table(table).iter_rows(named=True):
            seen.add(table, row)
    return seen


def log_gap_bps(run: Iterable[Point], twin: Iterable[Point]) -> list[Point]:
    """1e4 ln(run / twin) at every instant that both have [bps]."""
    beside = dict(twin)
    return [
        (t_ns, 1e4 * math.log(value / other))
        for t_ns, value in run
        if value and (other := beside.get(t_ns)) and value > 0 and other > 0
    ]


def _of_row(row: Row) -> dict[str, Any]:
    first = row["t_first_ns"] if row["t_first_ns"] is not None else row["t_decide_ns"]
    return {
        "t_ns": first,
        "t_last_ns": row["t_last_ns"],
        "token": row["token"],
        "market": row["market"],
        "trigger": row["trigger"],
        "filled_lots": row["filled_lots"],
        "slippage_bps": row["slippage_bps"],
        "leverage_before": row["leverage_before"],
        "leverage_after": row["leverage_after"],
        "status": row["status"],
    }


def _under_way(children: list[Row]) -> dict[str, Any]:
    first = children[0]
    return {
        "t_ns": first["t_ns"],
        "t_last_ns": children[-1]["t_end_ns"],
        "token": first["token"],
        "market": first["market"],
        "trigger": None,
        "filled_lots": sum(row["filled_lots"] for row in children),
        "slippage_bps": None,
        "leverage_before": None,
        "leverage_after": None,
        "status": "so far",
    }
