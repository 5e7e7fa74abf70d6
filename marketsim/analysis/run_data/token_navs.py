"""NAVs and index prices as of an instant, and how splits and merges changed what one unit stands for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import prod

import polars as pl

from marketsim.datasets.run import Run


def navs_as_of(run: Run, instants: Iterable[int]) -> dict[tuple[str, int], float]:
    """The NAV per unit last written at each instant [ns], by (token, instant)."""
    return _as_of(run, "tokens", "token", "nav", instants)


def index_prices_as_of(run: Run, instants: Iterable[int]) -> dict[tuple[str, int], float]:
    """The index price last written at each instant [ns], by (market, instant)."""
    return _as_of(run, "marks", "market", "index_price", instants)


def units_after_splits(run: Run, token: str, begin_ns: int, end_ns: int) -> float:
    """Units that one unit became through splits and merges in (begin, end]; fractions paid in cash count as units."""
    events = run.table("events").filter(
        pl.col("event").is_in(["reverse_split", "merge"]),
        pl.col("subject") == token,
        pl.col("t_ns").is_between(begin_ns, end_ns, closed="right"),
    )
    return 1.0 / prod(float(json.loads(detail)["ratio"]) for detail in events["detail"].to_list())


def _as_of(run: Run, table: str, key: str, column: str, instants: Iterable[int]) -> dict[tuple[str, int], float]:
    rows = run.table(table).select("t_ns", key, column).filter(pl.col(column).is_not_null())
    return {
        (subject, instant): value
        for instant in instants
        for subject, value in rows.filter(pl.col("t_ns") <= instant)
        .group_by(key)
        .agg(pl.col(column).last())
        .iter_rows()
    }
