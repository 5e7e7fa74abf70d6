"""What resets cost each fund: paid beyond what the market without the funds' orders would have shown, and fees.

A child's fills are held against the mid at its instant of the run without those orders. So the push of a fund's own
order counts, and that of the others' before it and beside it, while what the market does by itself between decision and
fill does not. What an order left unfilled is no cost here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.measured_resets import measured_resets
from marketsim.analysis.run_data.mid_prices import mids_of
from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from marketsim.units import ATOMS_PER_UNIT, NS_PER_SECOND

COARSEST_NS = 10 * NS_PER_SECOND
"""The coarsest mids that fills of children some seconds apart can be held against."""


@dataclass(frozen=True, slots=True)
class FundCost:
    """What all measured resets of a run cost one fund, and its assets at the end of the warm-up, in its currency."""

    cost: float
    assets: float
    currency: str


def reset_costs(run: Run, without: Run) -> Mapping[str, FundCost]:
    """The cost of resets by token, of a run against the one of the same luck without the funds' orders.

    Funds whose orders were off the book, or that had none, cost nothing. Raises `ResultError` where mids were written
    too seldom, or there was none at a fill.
    """
    mids = mids_of(without).require("the cost of resets", COARSEST_NS)
    instruments = {row["market"]: row for row in run.table("instruments").iter_rows(named=True)}
    sent = {order.id for reset in measured_resets(run) for order in reset.orders}
    costs = dict.fromkeys(_assets(run), 0.0)
    for row in run.table("rebalances").filter(pl.col("id").is_in(list(sent)), pl.col("filled_lots") != 0).to_dicts():
        children = _children(run, row["id"])
        shown = mids.standing(row["market"], children["t_ns"].to_numpy())
        if not np.isfinite(shown).all():
            raise ResultError(f"{without.path}: there was no mid in {row['market']} at a fill of {row['token']}")
        paid = row["filled_lots"] * row["vwap"] - float(children["filled_lots"].to_numpy() @ shown)
        costs[row["token"]] += paid * instruments[row["market"]]["lot"] + row["fees_atoms"] / ATOMS_PER_UNIT
    currency = {token["id"]: _currency(token["basket"], instruments) for token in run.resolved.get("tokens", [])}
    return {token: FundCost(costs[token], assets, currency[token]) for token, assets in _assets(run).items()}


def _children(run: Run, parent: int) -> pl.DataFrame:
    return run.table("children").filter(
        pl.col("purpose") == "rebalance", pl.col("parent") == parent, pl.col("filled_lots") != 0
    )


def _assets(run: Run) -> dict[str, float]:
    """The equity of every token at its first snapshot from the end of the warm-up on [currency]."""
    rows = run.table("tokens").filter(pl.col("t_ns") >= measured_period(run).begin_ns).sort("t_ns")
    first = rows.group_by("token", maintain_order=True).first()
    return {token: atoms / ATOMS_PER_UNIT for token, atoms in first.select("token", "equity_atoms").iter_rows()}


def _currency(basket: Mapping[str, str], instruments: Mapping[str, Mapping[str, str]]) -> str:
    return instruments[next(iter(basket))]["asset"]
