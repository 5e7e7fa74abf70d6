"""How much the equity of chosen cohorts changed on each UTC day."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.datasets.run import Run


@dataclass(frozen=True, slots=True)
class EquityChange:
    """The change of equity [atoms] between two snapshots [ns] on one UTC day."""

    day: int
    begin_ns: int
    end_ns: int
    atoms: int


def equity_changes(run: Run, chosen: pl.Expr) -> list[EquityChange]:
    """The change on each UTC day, between the last snapshots at or before its begin and its end."""
    rows = run.table("cohorts").filter(chosen).group_by("t_ns").agg(pl.col("equity_atoms").sum()).sort("t_ns")
    equity = dict(rows.iter_rows())
    found = []
    for day, begin, end in measured_period(run).days() if equity else ():
        a, b = (max((t_ns for t_ns in equity if t_ns <= cut), default=min(equity)) for cut in (begin, end))
        if a < b:
            found.append(EquityChange(day, a, b, equity[b] - equity[a]))
    return found
