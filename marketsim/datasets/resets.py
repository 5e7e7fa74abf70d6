"""The resets of a run: the orders that funds decided at one instant in one market, and what they were sized by.

Rebalances of all tokens at one instant are one reset of a market: they push one price. A rebalance whose order was
never sent to a book (off-book executions, arms without flow) is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

import polars as pl

from marketsim.datasets.run import Run

KEPT_RUNS = 8
"""Runs whose resets are kept in memory."""


@dataclass(frozen=True, slots=True)
class ResetOrder:
    """One token's order of a reset: signed lots, and price and assets [currency] of its last reset in the market.

    id: of its row in `rebalances`. last_ns: its last fill, -1 without one. next_ns: the token's next decision, None
    where the run has none.
    """

    id: int
    token: str
    target_lots: int
    filled_lots: int
    last_reset_price: float
    last_reset_equity_atoms: int
    last_ns: int
    next_ns: int | None


@dataclass(frozen=True, slots=True)
class MarketReset:
    """One reset of a market: when it was decided [ns], and the tokens' orders."""

    market: str
    decide_ns: int
    orders: tuple[ResetOrder, ...]

    @property
    def target_lots(self) -> int:
        """What the orders wanted together, + buys."""
        return sum(order.target_lots for order in self.orders)

    @property
    def filled_lots(self) -> int:
        """What they got together, + bought."""
        return sum(order.filled_lots for order in self.orders)

    @property
    def sign(self) -> int:
        """Sign of what they wanted; 0 where as much was to be bought as sold."""
        return (self.target_lots > 0) - (self.target_lots < 0)

    @property
    def last_ns(self) -> int | None:
        """The last fill of any of them; None where nothing filled."""
        last = max(order.last_ns for order in self.orders)
        return last if last >= 0 else None

    @property
    def next_ns(self) -> int | None:
        """The first next decision of any of its tokens; None where the run has none."""
        return min((order.next_ns for order in self.orders if order.next_ns is not None), default=None)


@lru_cache(maxsize=KEPT_RUNS)
def resets_of(run: Run) -> tuple[MarketReset, ...]:
    """Every reset of a run whose orders were sent to a book, by market and time; those of the warm-up too."""
    rows = _sent(run)
    following = _following(run)
    found = []
    for (market, decide_ns), group in groupby(rows, key=lambda row: (row["market"], row["t_decide_ns"])):
        found.append(MarketReset(market, decide_ns, tuple(_order(row, following) for row in group)))
    return tuple(found)


def _sent(run: Run) -> Iterator[dict[str, Any]]:
    """Rows of `rebalances` by market and time, without those that an arm held back or traded off the book."""
    children = run.table("children").filter(pl.col("purpose") == "rebalance")
    away = children.group_by("parent").agg((pl.col("order_type") == "off_book").all()).filter("order_type")["parent"]
    rows = run.table("rebalances").filter(pl.col("status") != "shadow", ~pl.col("id").is_in(away.to_list()))
    return rows.sort("market", "t_decide_ns", "id").iter_rows(named=True)


def _following(run: Run) -> dict[tuple[str, int], int]:
    """The next decision of each token after each of its own, by (token, t_decide_ns)."""
    instants = run.table("rebalances").select("token", "t_decide_ns").unique().sort("token", "t_decide_ns")
    after = instants.with_columns(next_ns=pl.col("t_decide_ns").shift(-1).over("token"))
    return {(token, at): next_ns for token, at, next_ns in after.iter_rows() if next_ns is not None}


def _order(row: dict[str, Any], following: dict[tuple[str, int], int]) -> ResetOrder:
    return ResetOrder(
        id=row["id"],
        token=row["token"],
        target_lots=row["target_lots"],
        filled_lots=row["filled_lots"],
        last_reset_price=row["last_reset_price"],
        last_reset_equity_atoms=row["last_reset_equity_atoms"],
        last_ns=row["t_last_ns"],
        next_ns=following.get((row["token"], row["t_decide_ns"])),
    )
