"""Rows of the kernel's logs: trades, orders and quotes as they stand, liquidations and deleveragings in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from marketsim.datasets.columns import Names
from marketsim.datasets.recorder import Recorder
from marketsim.kernel import codes
from marketsim.simulation.model import MarketModel


class LogRecorder:
    """Empties the kernel's buffers into tables."""

    def __init__(self, model: MarketModel, tables: Recorder) -> None:
        self._model = model
        self._tables = tables
        self._names: Names | None = None

    def take(self) -> None:
        """Write what the buffers hold."""
        world, names = self._model.world, self._current_names()
        for table in ("trades", "orders", "quotes"):
            self._tables.log(table, world.take_log(table), names)
        self._tables.rows("liquidations", [self._liquidation(row, names) for row in world.take_log("liquidations")])
        self._tables.rows("deleveragings", [_deleveraging(row, names) for row in world.take_log("deleveragings")])

    def _current_names(self) -> Names:
        """What the kernel's numbers are called now: agents open accounts during a run."""
        wired = self._model.wired
        n = len(wired.account_ids)
        if self._names is None or len(self._names.account_ids) != n:
            self._names = Names(
                wired.account_ids,
                self._model.world.accounts["cohort"][:n].astype(np.int64),
                list(wired.cohorts.names),
                [market.id for market in wired.market_specs],
                wired.tick_sizes,
                codes.PURPOSES,
                codes.ACTIONS,
                codes.ORDER_TYPES,
                (None, *codes.REASONS[1:]),
            )
        return self._names

    def _liquidation(self, row: Any, names: Names) -> dict[str, Any]:
        account, market = int(row["account"]), int(row["market"])
        tick = names.ticks[market]
        filled = int(row["filled_lots"])
        return {
            "t_ns": int(row["t_ns"]),
            "market": names.markets[market],
            "account": int(names.account_ids[account]),
            "cohort": names.cohorts[int(names.account_cohorts[account])],
            "size_lots": int(row["size_lots"]),
            "entry_price": float(row["entry_price"]) * tick,
            "leverage": float(row["leverage"]) or None,
            "mark_price": int(row["mark_ticks"]) * tick,
            "index_price": int(row["index_ticks"]) * tick,
            "bankruptcy_price": float(row["bankruptcy_price"]) * tick,
            "vwap": int(row["filled_ticklots"]) / filled * tick if filled else None,
            "fee_atoms": int(row["fee_atoms"]),
            "insurance_atoms": int(row["insurance_atoms"]),
            "deleveraged_lots": int(row["deleveraged_lots"]),
            "stage": codes.STAGES[int(row["stage"])],
            "cascade": int(row["cascade"]),
            "parent": int(row["parent"]),
            "is_fund": bool(self._model.world.accounts[account]["bits"] & codes.ACC_FUND),
            "solvent_at_index": bool(row["solvent_at_index"]),
        }


def _deleveraging(row: Any, names: Names) -> dict[str, Any]:
    account, market = int(row["account"]), int(row["market"])
    return {
        "t_ns": int(row["t_ns"]),
        "market": names.markets[market],
        "account": int(names.account_ids[account]),
        "cohort": names.cohorts[int(names.account_cohorts[account])],
        "size_lots": int(row["size_lots"]),
        "price": int(row["price_ticks"]) * float(names.ticks[market]),
        "rank": int(row["rank"]),
        "cascade": int(row["cascade"]),
    }
