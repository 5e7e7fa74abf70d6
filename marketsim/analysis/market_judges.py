"""Judges of claims about what is done with a token: trading it, creating and redeeming it, holding a perp instead."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from marketsim.analysis.ghosts import compare_holding
from marketsim.analysis.readings import Judged, Outcome, parts_of, targets_of, whole_days
from marketsim.datasets.run import Run

OWN_FEE = 0.0010
"""Fee of buying or selling a token, in its market or at the issuer: 0.1 % (the user's source, RULES section 0)."""


def spot(run: Run) -> Judged:
    """Does the token change hands in a book of its own, and how far from NAV?"""
    kinds = dict(run.table("instruments").select("market", "kind").iter_rows())
    trades = run.table("trades").filter(market="BTC3L")
    marks = run.table("marks").filter(pl.col("market") == "BTC3L", pl.col("mid_price").is_not_null())
    premium_to_nav = (marks["mid_price"] / marks["index_price"] - 1).to_list()
    figures: dict[str, Any] = {"trades": float(trades.height), "holders_trades": float(_of_holders(trades))}
    ranked = sorted(abs(value) for value in premium_to_nav)
    figures |= {"median_premium": ranked[len(ranked) // 2], "largest_premium": ranked[-1]} if ranked else {}
    if kinds.get("BTC3L") != "spot" or not figures["holders_trades"]:
        return "refuted", "Nobody could trade the token for cash in a spot book.", figures
    sentence = (
        f"Holds where somebody makes its market: {trades.height} trades in the token's own spot book, "
        f"{figures['holders_trades']:.0f} of them by holders, who have no perp and no margin. How near NAV it trades "
        f"is up to the makers and to creation and redemption: here, with makers only, "
        f"{figures['median_premium'] * 1e4:.0f} bps from it in the median and "
        f"{figures['largest_premium'] * 1e4:.0f} at most."
    )
    return "confirmed", sentence, figures


def _of_holders(trades: pl.DataFrame) -> int:
    return trades.filter((pl.col("taker_cohort") == "holders") | (pl.col("maker_cohort") == "holders")).height


def perp(run: Run) -> Judged:
    """Is a perp the cheaper and the better thing to hold on these paths, for the same exposure?"""
    resolved = json.loads((run.path / "resolved.json").read_text(encoding="utf-8"))
    rows = compare_holding(run.path, resolved["study"]["compare_holding"]).to_dicts()
    better, figures = [], {}
    for row in rows:
        cash, name = row["cash_in_atoms"], f"{row['token']}_{row['match']}"
        figures[f"{row['token']}_return"] = row["token_wealth_atoms"] / cash - 1
        figures[f"{name}_perp_return"] = row["perp_wealth_atoms"] / cash - 1
        figures[f"{name}_perp_fees"] = row["perp_fee_atoms"] / cash
        better.append(row["perp_wealth_atoms"] > row["token_wealth_atoms"])
    for token in targets_of(run):
        parts = parts_of(run, token)
        figures[f"{token}_charges_per_day"] = -(parts["management_fee"] + parts["trading_fee"]) / whole_days(run)
    outcome: Outcome = "confirmed" if all(better) else "conditional" if any(better) else "refuted"
    perp_both_ways = 2 * figures["CHOPPY_notional_perp_fees"]
    figures["break_even_days"] = (perp_both_ways - 2 * OWN_FEE) / figures["CHOPPY_charges_per_day"]
    sentence = (
        f"At the same exposure the token is charged {figures['CHOPPY_charges_per_day'] * 1e4:.1f} bps a day more on a "
        f"choppy path, the perp {perp_both_ways * 1e4:.0f} bps for entry and exit against {2 * OWN_FEE * 1e4:.0f}: it "
        f"costs less from day {figures['break_even_days']:.0f} on. In wealth (token, perp) it holds where the price "
        f"swings within the stop ({_pair(figures, 'CHOPPY')}), not in a trend ({_pair(figures, 'TREND')}), nor where a "
        f"fall meets the stop and is made good ({_pair(figures, 'DIP')})."
    )
    return outcome, sentence, figures


def _pair(figures: dict[str, float], token: str) -> str:
    return f"{figures[f'{token}_return']:+.1%}, {figures[f'{token}_notional_perp_return']:+.1%}"
