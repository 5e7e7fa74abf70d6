"""What is true of a run: which rule a fund followed, at which clock, with which assets; `none` where none is seen.

A run has no fund to find where its issuer sends nothing: an arm without its orders, a world without its assets, a fund
that never rebalanced, or one whose largest order was less than `SMALLEST_SHARE` of what trades in an hour.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from marketsim.units import format_time_of_day, money, time_of_day_ns

HOUR_NS = 3600 * 10**9
SMALLEST_SHARE = 0.01
"""Largest order over the run's mean hourly volume below which a fund is far too small to be seen."""
NO_FUND = "none"
WITH_ORDERS = ("factual",)
WITHOUT_ORDERS = ("off", "frictionless", "shadow")
LABELS: dict[str, pl.DataType] = {
    "run": pl.String(),
    "rule": pl.String(),
    "clock_utc": pl.String(),
    "aum": pl.Float64(),
    "why": pl.String(),
}
"""Columns of the labels: aum in the settlement currency at the run's start; why says what a `none` is."""


def label_of(run: Run) -> dict[str, Any]:
    """The label of a run, without its name; raises `ResultError` for an arm that sends orders in a fund's stead."""
    arm = str(run.manifest["intervention"].get("arm", run.manifest["arm"]))
    if arm not in (*WITH_ORDERS, *WITHOUT_ORDERS):
        raise ResultError(
            f"{run.path}: arm {arm} sends orders in the fund's stead; a blind dataset takes "
            f"{', '.join((*WITH_ORDERS, *WITHOUT_ORDERS))}"
        )
    if arm in WITHOUT_ORDERS:
        return _none("the fund sends nothing")
    token = max(run.resolved["tokens"], key=_assets, default=None)
    if token is None or _assets(token) == 0:
        trader = any(group["kind"] == "metaorder" and group["count"] for group in run.resolved["traders"])
        return _none("a large trader and no fund" if trader else "no fund")
    if _share(run, token["id"]) < SMALLEST_SHARE:
        return _none("a fund far too small to be seen")
    rule = token["rebalance"]
    return {"rule": rule["policy"], "clock_utc": _clock(rule.get("at")), "aum": _assets(token), "why": "a fund"}


def _none(why: str) -> dict[str, Any]:
    return {"rule": NO_FUND, "clock_utc": None, "aum": None, "why": why}


def _assets(token: dict[str, Any]) -> float:
    return float(money(token["aum"]).amount)


def _clock(at: Any) -> str | None:
    """The first time of day at which the fund resets."""
    times = at if isinstance(at, list) else [at] if at is not None else []
    return min((format_time_of_day(time_of_day_ns(each)) for each in times), default=None)


def _share(run: Run, token: str) -> float:
    """The fund's largest order over what trades in its market in an hour, on average; 0 where it never traded."""
    orders = run.table("rebalances").filter(pl.col("token") == token).select("market", pl.col("filled_lots").abs())
    largest = orders.filter(filled_lots=orders["filled_lots"].max())
    if largest.is_empty() or not largest["filled_lots"][0]:
        return 0.0
    trades = run.scan("trades").filter(pl.col("market") == largest["market"][0]).select(pl.col("size_lots").sum())
    hours = float(run.manifest["simulated_ns"]) / HOUR_NS
    return float(largest["filled_lots"][0]) * hours / int(trades.collect().item())
