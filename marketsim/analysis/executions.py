"""How rebalances were executed: cost, shortfall, share of the volume and number, as terms to be summed.

Each order weighs by its notional at arrival, so that the measure is one ratio of sums (CONTRACT section 7).
"""

from __future__ import annotations

from typing import Any

import polars as pl

from marketsim.analysis.moves import Term
from marketsim.analysis.span import require_cadence, span_of
from marketsim.datasets.run import Run
from marketsim.units import NS_PER_DAY


def _orders(run: Run) -> pl.DataFrame:
    """Rebalances behind the warm-up that were meant for a market, with their day and the size of a lot."""
    span = span_of(run)
    rows = run.table("rebalances").filter(pl.col("t_decide_ns") >= span.begin_ns, pl.col("status") != "shadow")
    lots = run.table("instruments").select("market", "lot")
    days = [span.day_of(t_ns) for t_ns in rows["t_decide_ns"].to_list()]
    return rows.with_columns(day=pl.Series(days, dtype=pl.Int64)).join(lots, on="market", how="left")


def _weighted(rows: pl.DataFrame, cost: str, size: str) -> list[Term]:
    """A term for each order with a cost: cost x notional over notional, at the arrival mid."""
    notional = pl.col(size).abs() * pl.col("lot") * pl.col("arrival_mid")
    known = rows.filter(pl.col(cost).is_not_null(), pl.col("arrival_mid").is_not_null())
    return _as_terms(known.select("day", num=pl.col(cost) * notional, den=notional))


def _as_terms(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.select("day", "num", "den").to_dicts()


def slippage_terms(run: Run) -> list[Term]:
    """1e4 s (vwap / arrival - 1) of each order, weighed by what it filled."""
    return _weighted(_orders(run), "slippage_bps", "filled_lots")


def shortfall_terms(run: Run) -> list[Term]:
    """Slippage with the unfilled part at M(t_last), of each order, weighed by what it wanted."""
    return _weighted(_orders(run), "shortfall_bps", "target_lots")


def participation_terms(run: Run) -> list[Term]:
    """Own fills in the book over the market's volume in W, of each order."""
    rows = _orders(run).filter(pl.col("participation").is_not_null(), pl.col("vwap").is_not_null())
    volume = pl.col("market_volume_lots") * pl.col("lot") * pl.col("vwap")
    return _as_terms(rows.select("day", num=pl.col("participation") * volume, den=volume))


def rebalance_terms(run: Run) -> list[Term]:
    """A term for each UTC day: decisions to rebalance, over days of tokens with units outstanding."""
    require_cadence(run, "tokens", "rebalances_per_day", NS_PER_DAY // 24)
    decisions = _orders(run).unique(["token", "t_decide_ns"]).group_by("day").len()
    count = dict(decisions.iter_rows())
    tokens = run.table("tokens").select("t_ns", "token", alive=pl.col("supply") > 0)
    found = []
    for day, begin, end in span_of(run).days():
        inside = tokens.filter(pl.col("t_ns").is_between(begin, end, closed="right"))
        alive = float(inside.group_by("token").agg(pl.col("alive").mean())["alive"].sum())
        found.append({"day": day, "num": float(count.get(day, 0)), "den": alive * (end - begin) / NS_PER_DAY})
    return found
