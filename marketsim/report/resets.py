"""The largest reset of a run: when, how much, what share of the volume, at what slippage, what was left of its push."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from marketsim.report.record import RunRecord

_COLUMNS = (
    "token", "market", "t_decide_ns", "t_last_ns", "target_lots", "filled_lots", "vwap", "slippage_bps", "arrival_mid",
    "market_volume_lots", "status", "mid_1m", "mid_1h",
)  # fmt: skip


@dataclass(frozen=True)
class Reset:
    """The orders that funds decided at one instant in one market, together.

    bought, sold: notional at the prices paid [currency]. share: own fills over the volume of the market from the
    decision to the last fill; None where nothing traded. slippage_bps: weighted by notional, + is a cost.
    after_minute_bps, after_hour_bps: by how much the mid stood beyond that of the decision, in the direction of the
    summed order, after the last fill; None where there was no mid.
    """

    market: str
    decided_ns: int
    last_ns: int | None
    tokens: tuple[str, ...]
    bought: float
    sold: float
    share: float | None
    slippage_bps: float | None
    after_minute_bps: float | None
    after_hour_bps: float | None

    @property
    def notional(self) -> float:
        """All that was traded [currency]."""
        return self.bought + self.sold


def largest_reset(record: RunRecord) -> Reset | None:
    """The reset that traded the most notional; None where nothing was filled."""
    frame = record.table("rebalances", *_COLUMNS)
    if frame is None:
        return None
    filled = frame.filter(pl.col("status") != "shadow", pl.col("filled_lots") != 0)
    made = [_reset(record, own) for _, own in filled.group_by("market", "t_decide_ns", maintain_order=True)]
    return max(made, key=lambda one: one.notional, default=None)


def _reset(record: RunRecord, rows: pl.DataFrame) -> Reset:
    market, decided = rows["market"][0], rows["t_decide_ns"][0]
    of = record.of(market)
    traded = [of.notional(lots, vwap) or 0.0 for lots, vwap in rows.select("filled_lots", "vwap").iter_rows()]
    paid = [
        (bps, abs(notional))
        for bps, notional in zip(rows["slippage_bps"], traded, strict=True)
        if bps is not None and notional
    ]
    weight = math.fsum(notional for _, notional in paid)
    last = rows.sort("t_last_ns").row(-1, named=True)
    volume = int(rows.filter(pl.col("t_last_ns") == last["t_last_ns"])["market_volume_lots"].max() or 0)  # type: ignore[arg-type]
    sign = math.copysign(1.0, rows["filled_lots"].sum())
    return Reset(
        market, decided, last["t_last_ns"] if last["t_last_ns"] >= 0 else None,
        tuple(rows["token"].unique(maintain_order=True)),
        math.fsum(one for one in traded if one > 0), -math.fsum(one for one in traded if one < 0),
        int(rows["filled_lots"].abs().sum()) / volume if volume else None,
        math.fsum(bps * notional for bps, notional in paid) / weight if weight else None,
        *(_beyond(sign, last["arrival_mid"], last[name]) for name in ("mid_1m", "mid_1h")),
    )  # fmt: skip


def _beyond(sign: float, arrival: float | None, later: float | None) -> float | None:
    return None if not arrival or not later else sign * 1e4 * math.log(later / arrival)
