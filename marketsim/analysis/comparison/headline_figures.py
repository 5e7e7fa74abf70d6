"""The headline figures of one run: its tokens, its markets, and what each group of traders gained."""

from __future__ import annotations

from math import sqrt

import numpy as np
import polars as pl

from marketsim.analysis.measures.pair_state import is_collapsed
from marketsim.analysis.measures.volatility import RETURN_NS
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.mid_prices import mids_of
from marketsim.analysis.run_data.recording import cadence_ns, underlying_markets
from marketsim.datasets.run import Run
from marketsim.units import ATOMS_PER_UNIT, NS_PER_YEAR

Figures = dict[str, float | None]


def headline_figures(run: Run) -> Figures:
    """Figures by name, `<subject>.<figure> [unit]`; None where unknown. Those of markets leave the warm-up out."""
    return {**_tokens(run), **_markets(run), **_wealth(run)}


def _tokens(run: Run) -> Figures:
    found: Figures = {}
    states = run.table("tokens").group_by("token", maintain_order=True).agg(pl.col("nav").last())
    rebalances = run.table("rebalances").filter(pl.col("status") != "shadow")
    for token, nav in states.iter_rows():
        own = rebalances.filter(pl.col("token") == token)
        paid = own.filter(pl.col("slippage_bps").is_not_null(), pl.col("arrival_mid").is_not_null())
        weight = paid["filled_lots"].abs() * paid["arrival_mid"]
        found[f"{token}.nav"] = nav
        found[f"{token}.rebalances"] = float(own.height)
        found[f"{token}.slippage [bps]"] = (
            float((paid["slippage_bps"] * weight).sum()) / float(weight.sum()) if weight.sum() else None
        )
    return found


def _markets(run: Run) -> Figures:
    begin_ns, found = measured_period(run).begin_ns, {}
    lots = dict(run.table("instruments").select("market", "lot").iter_rows())
    inside = pl.col("t_ns") >= begin_ns
    volumes = run.scan("trades").filter(inside).group_by("market")
    volume = dict(volumes.agg((pl.col("size_lots") * pl.col("price")).sum()).collect().iter_rows())
    spread = (pl.col("ask_ticks") - pl.col("bid_ticks")) / (pl.col("ask_ticks") + pl.col("bid_ticks")) * 2e4
    quotes = run.scan("quotes").filter(inside, pl.col("bid_lots") > 0, pl.col("ask_lots") > 0)
    spreads = dict(quotes.group_by("market").agg(spread.median()).collect().iter_rows())
    liquidations = dict(run.table("liquidations").filter(inside).group_by("market").len().iter_rows())
    for market in run.table("instruments")["market"].to_list():
        found[f"{market}.volume"] = volume.get(market, 0.0) * lots[market]
        found[f"{market}.spread [bps]"] = spreads.get(market)
        if market in underlying_markets(run):
            found[f"{market}.volatility [1/yr]"] = _volatility(run, market)
            found[f"{market}.liquidations"] = float(liquidations.get(market, 0))
    if cadence_ns(run, "marks") is not None:
        found["collapsed"] = float(is_collapsed(run))
    return found


def _volatility(run: Run, market: str) -> float | None:
    """Annualised volatility from 5-minute returns of the mid."""
    period = measured_period(run)
    ends = np.arange(period.begin_ns, period.end_ns + 1, RETURN_NS)
    squared = np.diff(np.log(mids_of(run).at(market, ends))) ** 2
    squared = squared[np.isfinite(squared)]
    return sqrt(float(squared.mean()) * NS_PER_YEAR / RETURN_NS) if len(squared) else None


def _wealth(run: Run) -> Figures:
    """What each group, and the insurance fund, gained from the first to the last snapshot, token units at NAV."""
    rows = run.table("cohorts").filter(
        (pl.col("kind") != "ledger") | (pl.col("cohort") == "insurance"), pl.col("kind") != "token"
    )
    if rows.is_empty():
        return {}
    times = rows["t_ns"].to_list()
    instants = (min(times), max(times))
    worth = [
        dict(rows.filter(pl.col("t_ns") == t_ns).select("cohort", "equity_atoms").iter_rows()) for t_ns in instants
    ]
    units = [_units_at_nav(run, t_ns) for t_ns in instants]
    return {
        f"{cohort}.gain": (atoms - worth[0].get(cohort, 0)) / ATOMS_PER_UNIT
        + units[1].get(cohort, 0.0)
        - units[0].get(cohort, 0.0)
        for cohort, atoms in worth[1].items()
    }


def _units_at_nav(run: Run, t_ns: int) -> dict[str, float]:
    """What each cohort's token units are worth at NAV in the snapshots of an instant; empty where there are none."""
    navs = run.table("tokens").filter(pl.col("t_ns") == t_ns).select(market="token", nav="nav")
    lots = run.table("instruments").select("market", "lot")
    held = run.table("positions").filter(pl.col("t_ns") == t_ns).join(navs, on="market").join(lots, on="market")
    worth = (pl.col("net_lots") * pl.col("lot") * pl.col("nav")).sum()
    return dict(held.group_by("cohort").agg(worth).iter_rows())
