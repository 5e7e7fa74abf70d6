"""Evaluators of claims about what is done with a token: trading, creating and redeeming it, or holding a perpetual."""

from __future__ import annotations

import json
from math import prod

import polars as pl

from marketsim.analysis.claims.evaluation import Evaluation, Outcome, nav_of, parts_of, targets_of, whole_days
from marketsim.analysis.holding.token_against_perpetual import compare_holding
from marketsim.datasets.run import Run
from marketsim.units import ATOMS_PER_UNIT, NS_PER_DAY, instant_ns, money, to_atoms

OWN_FEE = 0.0010
"""Fee of buying or selling a token, in its market or at the issuer: 0.1 % (docs/products.md#claims)."""


def spot(run: Run) -> Evaluation:
    """Is the token traded in a book of its own, and how far from NAV?"""
    kinds = dict(run.table("instruments").select("market", "kind").iter_rows())
    trades = run.table("trades").filter(market="BTC3L")
    marks = run.table("marks").filter(pl.col("market") == "BTC3L", pl.col("mid_price").is_not_null())
    premium_to_nav = (marks["mid_price"] / marks["index_price"] - 1).to_list()
    figures: dict[str, float] = {"trades": float(trades.height), "holders_trades": float(_of_holders(trades))}
    ranked = sorted(abs(value) for value in premium_to_nav)
    figures |= {"median_premium": ranked[len(ranked) // 2], "largest_premium": ranked[-1]} if ranked else {}
    if kinds.get("BTC3L") != "spot" or not figures["holders_trades"]:
        return Evaluation("refuted", "Nobody could trade the token for cash in a spot book.", figures)
    sentence = (
        f"Holds where somebody makes its market: {trades.height:,} trades in the token's own spot book, "
        f"{figures['holders_trades']:,.0f} of them by holders, who have no perpetual and no margin. How close to NAV "
        f"it trades depends on the makers and on creation and redemption: here, with makers only, "
        f"{figures['median_premium'] * 1e4:.0f} bps away in the median and {figures['largest_premium'] * 1e4:.0f} at "
        f"most."
    )
    return Evaluation("confirmed", sentence, figures)


def _of_holders(trades: pl.DataFrame) -> int:
    return trades.filter((pl.col("taker_cohort") == "holders") | (pl.col("maker_cohort") == "holders")).height


def redemption(run: Run) -> Evaluation:
    """Are creation and redemption charged, refused during a rebalance, and capped each UTC day?"""
    (token,) = run.resolved["tokens"]
    cap = to_atoms(money(token["primary"]["daily_cap"]).amount)
    rows = run.table("primary").filter(token=token["id"])
    settled, refused = rows.filter(status="settled"), rows.filter(status="refused")
    figures: dict[str, float] = {"settled": float(settled.height), "daily_cap": cap / ATOMS_PER_UNIT}
    for side in ("creation", "redemption"):
        dealt = settled.filter(side=side)
        figures[f"{side}_fee"] = sum(dealt["fee_atoms"].to_list()) / max(sum(dealt["cash_atoms"].to_list()), 1)
    within = pl.lit(False)
    for begin, end in run.table("rebalances").filter(token=token["id"]).select("t_decide_ns", "t_last_ns").iter_rows():
        within |= (pl.col("t_ns") > begin) & (pl.col("t_ns") < end)
    figures["settled_during_rebalances"] = float(settled.filter(within).height)
    figures |= {f"refused_{why}": float(refused.filter(reason=why).height) for why in ("rebalancing", "daily_cap")}
    day = (pl.col("t_ns") + instant_ns(run.resolved["clock"]["start"])) // NS_PER_DAY
    daily = settled.group_by("side", day).agg(pl.col("cash_atoms").sum())["cash_atoms"].to_list()
    figures["largest_day"] = max(daily, default=0) / ATOMS_PER_UNIT
    is_blocked = figures["refused_rebalancing"] > 0 and not figures["settled_during_rebalances"]
    is_capped = figures["refused_daily_cap"] > 0 and figures["largest_day"] <= figures["daily_cap"]
    is_charged = min(figures["creation_fee"], figures["redemption_fee"]) > 0
    borne_out = (is_blocked, is_capped, is_charged)
    sentence = (
        f"Holds as the issuer declares it: {figures['settled']:,.0f} requests settled, at {figures['creation_fee']:.2%}"
        f" for creation and {figures['redemption_fee']:.2%} for redemption; during a rebalance "
        f"{figures['settled_during_rebalances']:,.0f} settled and {figures['refused_rebalancing']:,.0f} were refused; "
        f"neither side exceeded {figures['largest_day']:,.0f} USDT in a day, where {figures['daily_cap']:,.0f} USDT "
        f"are allowed, and {figures['refused_daily_cap']:,.0f} requests were refused at that cap."
    )
    return Evaluation(
        "confirmed" if all(borne_out) else "conditional" if any(borne_out) else "refuted", sentence, figures
    )


def split(run: Run) -> Evaluation:
    """Does a reverse split follow a fall, and leave fewer tokens of the same value?"""
    splits = run.table("events").filter(event="reverse_split")
    figures: dict[str, float] = {"splits": float(splits.height)}
    if splits.is_empty():
        return Evaluation("refuted", "No token was split.", figures)
    subject = splits["subject"][0]
    own = splits.filter(subject=subject).sort("t_ns")
    detail = json.loads(own["detail"][0])
    nav = nav_of(run, subject)
    figures["fall_before"] = detail["nav_before"] / nav[min(nav)] - 1
    figures["tokens_made_of_one"] = detail["supply_after"] / detail["supply_before"]
    figures["change_of_worth"] = (
        detail["supply_after"] * detail["nav_after"] / (detail["supply_before"] * detail["nav_before"]) - 1
    )
    of_first = prod(told["supply_after"] / told["supply_before"] for told in map(json.loads, own["detail"]))
    figures["loss_since_start"] = nav[max(nav)] * of_first / nav[min(nav)] - 1
    holds = figures["fall_before"] < 0 and figures["tokens_made_of_one"] < 1 and abs(figures["change_of_worth"]) < 1e-9
    sentence = (
        f"Holds where the issuer has such a rule: after a fall of NAV of {-figures['fall_before']:.0%}, "
        f"{1 / figures['tokens_made_of_one']:.0f} tokens became one, and the value of holdings did not change "
        f"({figures['change_of_worth']:+.1%}). It makes the price readable and restores nothing: at the end holders "
        f"had lost {-figures['loss_since_start']:.0%}."
    )
    return Evaluation("confirmed" if holds else "refuted", sentence, figures)


def perp(run: Run) -> Evaluation:
    """Is a perpetual the cheaper and the better thing to hold on these paths, for the same exposure?"""
    rows = compare_holding(run.path, run.resolved["study"]["compare_holding"]).to_dicts()
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
        f"At the same exposure the token is charged {figures['CHOPPY_charges_per_day'] * 1e4:.1f} bps more a day on a "
        f"choppy path, the perpetual {perp_both_ways * 1e4:.0f} bps for entry and exit against "
        f"{2 * OWN_FEE * 1e4:.0f}: the perpetual costs less from day {figures['break_even_days']:.0f} on. In wealth "
        f"(token, perpetual) it is ahead where the price swings within the stop ({_pair(figures, 'CHOPPY')}), but not "
        f"in a trend ({_pair(figures, 'TREND')}), nor where a fall hits the stop and is recovered "
        f"({_pair(figures, 'DIP')})."
    )
    return Evaluation(outcome, sentence, figures)


def _pair(figures: dict[str, float], token: str) -> str:
    return f"{figures[f'{token}_return']:+.1%}, {figures[f'{token}_notional_perp_return']:+.1%}"
