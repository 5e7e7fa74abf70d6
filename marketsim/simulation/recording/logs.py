"""Rows of the kernel's logs: trades, orders and quotes as they stand, liquidations and deleveragings in words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.datasets.columns import Names, Records
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
        self._tables.rows("liquidations", _rows(self._liquidations(world.take_log("liquidations"), names)))
        self._tables.rows("deleveragings", _rows(_deleveragings(world.take_log("deleveragings"), names)))

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

    def _liquidations(self, log: Records, names: Names) -> dict[str, list[Any]]:
        tick, filled = names.ticks[log["market"]], log["filled_lots"]
        delay = self._model.world.markets["liquidation_delay_ns"][log["market"]]
        leverage, sold = log["leverage"], filled != 0
        vwap = np.divide(log["filled_ticklots"], filled, out=np.zeros(len(log)), where=sold) * tick
        return {
            "t_ns": (log["t_ns"] - delay).tolist(),
            **_whose(log, names),
            "size_lots": log["size_lots"].tolist(),
            "entry_price": (log["entry_price"] * tick).tolist(),
            "leverage": _with_gaps(leverage, leverage != 0.0),
            "mark_price": (log["mark_ticks"] * tick).tolist(),
            "index_price": (log["index_ticks"] * tick).tolist(),
            "bankruptcy_price": (log["bankruptcy_price"] * tick).tolist(),
            "vwap": _with_gaps(vwap, sold),
            "fee_atoms": log["fee_atoms"].tolist(),
            "insurance_atoms": log["insurance_atoms"].tolist(),
            "deleveraged_lots": log["deleveraged_lots"].tolist(),
            "stage": [codes.STAGES[stage] for stage in log["stage"].tolist()],
            "cascade": log["cascade"].tolist(),
            "parent": log["parent"].tolist(),
            "is_fund": (self._model.world.accounts["bits"][log["account"]] & codes.ACC_FUND != 0).tolist(),
            "solvent_at_index": (log["solvent_at_index"] != 0).tolist(),
            "t_order_ns": log["t_ns"].tolist(),
        }


def _deleveragings(log: Records, names: Names) -> dict[str, list[Any]]:
    return {
        "t_ns": log["t_ns"].tolist(),
        **_whose(log, names),
        "size_lots": log["size_lots"].tolist(),
        "price": (log["price_ticks"] * names.ticks[log["market"]]).tolist(),
        "rank": log["rank"].tolist(),
        "cascade": log["cascade"].tolist(),
    }


def _whose(log: Records, names: Names) -> dict[str, list[Any]]:
    """Market, account and cohort of each record."""
    account = log["account"]
    return {
        "market": [names.markets[market] for market in log["market"].tolist()],
        "account": names.account_ids[account].tolist(),
        "cohort": [names.cohorts[cohort] for cohort in names.account_cohorts[account].tolist()],
    }


def _with_gaps(values: NDArray[np.float64], is_there: NDArray[np.bool_]) -> list[float | None]:
    return [value if there else None for value, there in zip(values.tolist(), is_there.tolist(), strict=True)]


def _rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Columns as single rows: their table takes them in small numbers, in any order."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
