"""Break-even assets of an issuer: above them a day's rebalancing costs more than the day's management fee brings.

Fee income of a day is f A, with f the fee's rate by the day. The cost of a day is c(A) A: its orders' slippage against
the mid before they were decided and their fees, over the assets. An order of L (L - 1) A r at an average slippage s(Q)
and a taker fee t costs c = L (L - 1) |r| (s + t): for a square-root impact Y sigma sqrt(Q / V), of which an order that
is worked evenly pays two thirds on average (the mean of the square root on its way), break-even lies at

    A* = V / k (3 (f / k - t) / (2 Y sigma))^2,    k = L (L - 1) |r|

(derived; the square root of impact: Torre 1997, Toth et al. 2011, Phys. Rev. X 1:021006). Nothing of that is used here:
c is what was paid in a study whose cells differ by assets alone, straight in ln A between cells. It is the cost of days
whose move is the study's. Holders bear it unless the issuer does (`costs: absorb`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats
from marketsim.analysis.inference.intervals import t_interval
from marketsim.analysis.run_data.finished_runs import factual_arms, finished_runs
from marketsim.analysis.run_data.rebalance_orders import orders_of
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.units import ATOMS_PER_UNIT, NS_PER_DAY, duration_ns, rate

COLUMNS = {
    "token": pl.String, "fee": pl.Float64, "cells": pl.Int64, "replications": pl.Int64, "least_assets": pl.Float64,
    "most_assets": pl.Float64, "cost_at_least": pl.Float64, "cost_at_most": pl.Float64, "estimate": pl.Float64,
    "lo": pl.Float64, "hi": pl.Float64, "method": pl.String, "sentence": pl.String,
}  # fmt: skip
"""Columns of break_even.parquet: fee and costs are shares of assets by the day, assets and the estimate [currency]."""

BELOW, BEYOND = "below_the_grid", "not_reached"


@dataclass(frozen=True)
class CostCurve:
    """What a token's rebalancing cost: assets and costs of a day [currency] (cells, replications), and its fee."""

    token: str
    fee: float
    assets: Floats
    costs: Floats

    def shares(self, without: int | None = None) -> tuple[Floats, Floats]:
        """Mean assets and costs over assets of each cell (c,), by assets, perhaps without one replication."""
        kept = np.arange(self.assets.shape[1]) != (-1 if without is None else without)
        assets, costs = self.assets[:, kept].sum(axis=1), self.costs[:, kept].sum(axis=1)
        order = np.argsort(assets)
        return assets[order] / kept.sum(), (costs / assets)[order]

    def break_even(self, without: int | None = None) -> float | None:
        """ln A at which costs first reach the fee, from below; None where they do not within the cells."""
        assets, cost = self.shares(without)
        above = np.flatnonzero(cost >= self.fee)
        if not len(above) or above[0] == 0:
            return None
        j, x = int(above[0]), np.log(assets)
        return float(x[j - 1] + (self.fee - cost[j - 1]) / (cost[j] - cost[j - 1]) * (x[j] - x[j - 1]))


def is_over_assets(study: Study) -> bool:
    """Whether the cells of a study, several, differ by tokens' assets alone."""
    paths = list(study.spec.over or ())
    return bool(paths) and all(path.startswith("tokens.") and path.endswith(".aum") for path in paths)


def break_even(study: Study) -> pl.DataFrame:
    """Break-even assets of each token with a management fee by the clock; columns `COLUMNS`."""
    rows = [_row(curve) for curve in cost_curves(study)]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def cost_curves(study: Study) -> list[CostCurve]:
    """Costs of the factual runs by token, of the replications that every cell has."""
    costs: dict[str, dict[int, dict[int, tuple[float, float]]]] = {}
    fees: dict[str, float] = {}
    runs = finished_runs(study, factual_arms(study))
    for path, cell, replication in runs.select("path", "cell", "replication").iter_rows():
        run = Run(path)
        for token in run.resolved["tokens"]:
            fee = fee_of_a_day(token)
            of_day = _cost_of_a_day(run, token["id"])
            if fee is not None and of_day is not None:
                fees[token["id"]] = fee
                costs.setdefault(token["id"], {}).setdefault(cell, {})[replication] = of_day
    curves = []
    for name, cells in costs.items():
        shared = sorted(set.intersection(*(set(found) for found in cells.values())))
        table = np.array([[cells[cell][replication] for replication in shared] for cell in sorted(cells)], np.float64)
        if shared:
            curves.append(CostCurve(name, fees[name], table[:, :, 0], table[:, :, 1]))
    return curves


def fee_of_a_day(token: Mapping[str, Any]) -> float | None:
    """Management fee as a share of assets by the day, of a resolved token; None without one charged by the clock."""
    fee = token.get("management_fee")
    if not isinstance(fee, dict) or fee["when"] != "every":
        return None
    days = 365.0 if fee["per"] == "year" else duration_ns(fee["every"]) / NS_PER_DAY
    gross = sum(abs(float(target)) for target in token["basket"].values()) if fee["of"] == "notional" else 1.0
    return float(rate(fee["rate"])) * gross / days


def _cost_of_a_day(run: Run, token: str) -> tuple[float, float] | None:
    """Assets before the resets and what these cost [currency], by UTC day with a reset; None without one."""
    orders = orders_of(run).filter(token=token).filter(pl.col("slippage_bps").is_not_null())
    if orders.is_empty():
        return None
    slippage = pl.col("slippage_bps") / 1e4 * pl.col("filled_lots").abs() * pl.col("lot") * pl.col("arrival_mid")
    days = orders["day"].n_unique()
    cost = orders.select(cost=slippage + pl.col("fees_atoms") / ATOMS_PER_UNIT)["cost"].sum() / days
    first = orders.sort("t_decide_ns").unique("day", keep="first")
    assets = first["equity_before_atoms"].to_numpy().mean() / ATOMS_PER_UNIT
    return float(assets), float(cost)


def _row(curve: CostCurve) -> tuple[object, ...]:
    assets, cost = curve.shares()
    cells, n = curve.assets.shape
    told = (curve.token, curve.fee, cells, n, float(assets[0]), float(assets[-1]), float(cost[0]), float(cost[-1]))
    at = curve.break_even()
    words = f"{curve.token}: a day's rebalancing costs more than its fee of {curve.fee * 1e4:.2f} bp"
    if at is None:
        method = BELOW if cost[0] >= curve.fee else BEYOND
        where = "at the smallest assets tried" if method == BELOW else "at no assets within the grid"
        ends = f"{cost[0] * 1e4:.2f} to {cost[-1] * 1e4:.2f} bp from {assets[0] / 1e6:.3g} to {assets[-1] / 1e6:.3g} M"
        return (*told, None, None, None, method, f"{words} {where}: costs were {ends}.")
    left_out = [curve.break_even(without) for without in range(n)] if n > 1 else []
    known = np.array([value for value in left_out if value is not None])
    if len(known) < n:
        lo = hi = None
        method = "not_reached_without_one"
    else:
        found = t_interval(at, known, effective=float(n))
        lo, hi, method = found.lo, found.hi, found.method
    ends = "" if lo is None or hi is None else f" (95 % interval {np.exp(lo) / 1e6:.3g} to {np.exp(hi) / 1e6:.3g} M)"
    bounds = (None if end is None else float(np.exp(end)) for end in (lo, hi))
    return (*told, float(np.exp(at)), *bounds, method, f"{words} above assets of {np.exp(at) / 1e6:.3g} M{ends}.")
