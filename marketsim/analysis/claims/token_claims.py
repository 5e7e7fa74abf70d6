"""Evaluators of claims about a token by itself: its multiple, costs, exposure and decay, and how it can end."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import polars as pl

from marketsim.analysis.claims.evaluation import (
    LOTS_ROUNDING,
    Evaluation,
    Outcome,
    daily_returns,
    growth,
    in_bps,
    nav_of,
    parts_of,
    price_of,
    realised_variance,
    rebalance_count,
    targets_of,
    whole_days,
)
from marketsim.datasets.run import Run
from marketsim.units import NS_PER_DAY


def multiple(run: Run) -> Evaluation:
    """Is a token's return its multiple of the coin's, from reset to reset and over the whole run?"""
    coin = price_of(run, "BTC-PERP")
    daily, figures = [], {"days": float(len(daily_returns(coin))), "coin_return": growth(coin)}
    for token, target in targets_of(run).items():
        nav = nav_of(run, token)
        daily += [abs(got - target * r) for got, r in zip(daily_returns(nav), daily_returns(coin), strict=True)]
        figures |= {f"{token}_return": growth(nav), f"{token}_multiple_of_return": target * growth(coin)}
    figures["largest_daily_error"] = max(daily)
    whole = [abs(figures[f"{name}_return"] - figures[f"{name}_multiple_of_return"]) for name in targets_of(run)]
    if max(daily) > LOTS_ROUNDING:
        outcome: Outcome = "refuted"
    else:
        outcome = "confirmed" if max(whole) <= LOTS_ROUNDING else "conditional"
    sentence = (
        f"Holds from one reset to the next, before costs: on each of {figures['days']:.0f} days the tokens returned 3 "
        f"and -3 times the coin's return (largest error {max(daily):.0e}). It does not hold over several days: the "
        f"coin returned {figures['coin_return']:+.1%}, the +3 token {figures['BTC3L_return']:+.1%} and the -3 token "
        f"{figures['BTC3S_return']:+.1%}."
    )
    return Evaluation(outcome, sentence, figures)


def premium(run: Run) -> Evaluation:
    """Does NAV move by leverage times the premium, and pay leverage times funding, while the index does not move?"""
    index, mark = price_of(run, "BTC-PERP"), price_of(run, "BTC-PERP", "mark_price")
    rates, marks = (run.table("funding")[name].to_list() for name in ("rate", "mark_price"))
    figures = {"index_return": growth(index), "mark_return": growth(mark), "funding_rate": sum(rates)}
    paid_per_coin = sum(rate * price for rate, price in zip(rates, marks, strict=True)) / mark[min(mark)]
    errors = [abs(figures["index_return"])]
    for token, target in targets_of(run).items():
        shares = parts_of(run, token)
        errors += [abs(shares["basis"] - target * figures["mark_return"])]
        errors += [abs(shares["funding"] + target * paid_per_coin)]
        figures |= {f"{token}_from_premium": shares["basis"], f"{token}_from_funding": shares["funding"]}
    figures["largest_error"] = max(errors)
    got = {name: in_bps(figures[name]) for name in figures}
    sentence = (
        f"Holds where NAV is calculated at the perpetual's mark: while the index did not move, the perpetual rose "
        f"{got['mark_return']} above it and funding was {got['funding_rate']}; the +3 token earned "
        f"{got['BTC3L_from_premium']} from the premium and {got['BTC3L_from_funding']} from funding, the -3 token "
        f"{got['BTC3S_from_premium']} and {got['BTC3S_from_funding']}."
    )
    return Evaluation("confirmed" if max(errors) <= LOTS_ROUNDING else "refuted", sentence, figures)


def costs(run: Run) -> Evaluation:
    """How much do trading fees, the management fee and funding cost a day, and whom?"""
    days = whole_days(run)
    figures: dict[str, float] = {}
    for token in targets_of(run):
        daily = {name: share / days for name, share in parts_of(run, token).items()}
        parts = ("trading_fee", "management_fee", "funding")
        figures |= {f"{token}_{part}_per_day": daily[part] for part in parts}
        figures[f"{token}_decay_per_day"] = daily["index"]
    fees = [value for name, value in figures.items() if "fee" in name]
    funding = [value for name, value in figures.items() if "funding" in name]
    if max(fees) >= 0 or min(funding) >= 0:
        outcome: Outcome = "refuted"
    else:
        outcome = "confirmed" if max(funding) < 0 else "conditional"
    long, short = (
        {name: in_bps(figures[f"{token}_{name}_per_day"]) for name in _COSTS} for token in ("BTC3L", "BTC3S")
    )
    sentence = (
        f"All three are charged daily. The +3 token: {long['trading_fee']} for trading, {long['management_fee']} for "
        f"management, {long['funding']} of funding; the -3 token: {short['trading_fee']}, {short['management_fee']} "
        f"and {short['funding']}. Funding is a cost only to the side that pays it, and for the +3 token the largest; "
        f"on this choppy path volatility decay cost {long['decay']} and {short['decay']} a day in addition."
    )
    return Evaluation(outcome, sentence, figures)


_COSTS = ("trading_fee", "management_fee", "funding", "decay")


def gap(run: Run) -> Evaluation:
    """Is a holder never asked for money, and never liquidated?"""
    wiped = run.table("events").filter(event="wiped")["subject"].to_list()
    asked = run.table("cohorts").filter(cohort="outside_holders")["cash_atoms"].to_list()
    figures: dict[str, float] = {
        "wiped_tokens": float(len(wiped)),
        "asked_of_holders_atoms": float(max(map(abs, asked))),
    }
    figures["gap"] = growth(price_of(run, "BTC-PERP"))
    figures["slow_fall"] = growth(price_of(run, "ETH-PERP"))
    navs = {token: nav_of(run, token) for token in targets_of(run)}
    figures |= {f"{token}_return": growth(nav) for token, nav in navs.items()}
    figures["least_nav"] = min(min(nav.values()) for nav in navs.values())
    refuted = bool(wiped) or any(asked) or figures["least_nav"] < 0
    sentence = (
        f"Holders were never asked for money ({figures['asked_of_holders_atoms'] / 1e8:,.0f} USDT) and no NAV fell "
        f"below zero. But the fund itself can be wiped, and its holders with it: a gap of {figures['gap']:.0%} made "
        f"the +3 token return {figures['BTC3L_return']:+.0%} and the +2 token {figures['BTC2L_return']:+.0%}. Holds "
        f"while no move between two rebalances reaches 1/L, 33 % at 3x: a fall of {figures['slow_fall']:.0%} in steps "
        f"of 5 %, with emergency rebalances at leverage 4, made a +3 token return {figures['ETH3L_return']:+.0%} "
        f"without wiping it."
    )
    return Evaluation("refuted" if refuted else "confirmed", sentence, figures)


def exposure(run: Run) -> Evaluation:
    """Do tokens buy after a rise and sell after a fall, back to their target, with short ones mirroring long ones?"""
    targets, moves = targets_of(run), daily_returns(price_of(run, "BTC-PERP"))
    legs = run.table("token_legs")
    follows: dict[str, bool] = {}
    figures: dict[str, float] = {}
    for token, target in targets.items():
        rows = run.table("rebalances").filter(token=token).sort("t_decide_ns")
        held = legs.filter(token=token).sort("t_ns").filter(pl.col("t_ns") % NS_PER_DAY == 0)["position_lots"].to_list()
        signs = [lots * move > 0 for lots, move in zip(rows["filled_lots"].to_list(), moves, strict=True)]
        is_back = max(abs(after - target) for after in rows["leverage_after"].to_list()) < 1e-5
        grown = [abs(after) > abs(before) for before, after in pairwise(held)]
        is_mirrored = grown == [(move > 0) == (target > 0) for move in moves]
        follows[token] = all(signs) and is_back and is_mirrored
        figures |= {f"{token}_target": target, f"{token}_orders_with_the_move": float(sum(signs))}
        first = rows.row(0, named=True)
        figures[f"{token}_first_order_of_equity"] = first["target_lots"] / abs(held[0]) * abs(target)
    outside = [follows[token] for token, target in targets.items() if not 0 <= target <= 1]
    outcome: Outcome = "confirmed" if all(outside) else "conditional" if any(outside) else "refuted"
    sentence = (
        f"Holds for a leverage above 1 or below 0 ({sum(outside)} of {len(outside)} such tokens): the +3 token was "
        "long more coins after a rise and fewer after a fall, the short ones were short fewer after a rise and more "
        "after a fall; so all of them bought after the rise and sold after the fall, back to their target. The 0.5 "
        f"token does the opposite ({figures['BTCHALF_orders_with_the_move']:.0f} of {len(moves)} orders in the "
        "direction of the move)."
    )
    return Evaluation(outcome, sentence, figures)


def violent(run: Run) -> Evaluation:
    """Do tokens rebalance more often where the index is more volatile: those with a band, those with a clock?"""
    figures = {
        f"{market}_volatility": (realised_variance(price_of(run, f"{market}-PERP")) / whole_days(run) * 365) ** 0.5
        for market in ("BTC", "WILD")
    }
    counts = {name: rebalance_count(run, name) for name in ("CALM-BAND", "WILD-BAND", "CALM-CLOCK", "WILD-CLOCK")}
    figures |= {f"{name}_rebalances": float(count) for name, count in counts.items()}
    more = [counts[f"WILD-{rule}"] > counts[f"CALM-{rule}"] for rule in ("BAND", "CLOCK")]
    sentence = (
        f"Holds for tokens with a band or an emergency rule: {counts['WILD-BAND']} rebalances on an index of "
        f"{figures['WILD_volatility']:.0%} a year against {counts['CALM-BAND']} on one of "
        f"{figures['BTC_volatility']:.0%}, growing about with the square of volatility. A token that follows the clock "
        f"alone rebalances equally often in both ({counts['WILD-CLOCK']} and {counts['CALM-CLOCK']} times), only in "
        f"larger size."
    )
    return Evaluation("confirmed" if all(more) else "conditional" if any(more) else "refuted", sentence, figures)


def choppy(run: Run) -> Evaluation:
    """Does NAV fall, without costs, where the price goes up and down and ends where it began?"""
    coin, trend = price_of(run, "BTC-PERP"), price_of(run, "ETH-PERP")
    figures = {"coin_return": growth(coin), "realised_variance": realised_variance(coin), "trend_return": growth(trend)}
    figures |= {f"{token}_return": growth(nav_of(run, token)) for token in targets_of(run)}
    for token, target in (("BTC3L", 3), ("BTC3S", -3)):
        figures[f"{token}_product"] = prod(1 + target * r for r in daily_returns(coin)) - 1
    decays = [figures["BTC3L_return"] < 0, figures["BTC3S_return"] < 0]
    outcome: Outcome = "confirmed" if all(decays) else "conditional" if any(decays) else "refuted"
    sentence = (
        "Holds for tokens that rebalance: the coin went up 5 % and back five times and ended at "
        f"{figures['coin_return']:+.1%}; without any cost the +3 token ended at {figures['BTC3L_return']:+.2%}, the -3 "
        f"token at {figures['BTC3S_return']:+.2%}, and one that never rebalanced at {figures['HELD_return']:+.2%}. In "
        f"a trend the opposite is true: the coin returned {figures['trend_return']:+.0%}, the +3 token "
        f"{figures['ETH3L_return']:+.0%}."
    )
    return Evaluation(outcome, sentence, figures)


def flat(run: Run) -> Evaluation:
    """Does NAV fall where the price does not move: through rebalancing alone, fees, or funding?"""
    figures = {f"{token}_return": growth(nav_of(run, token)) for token in targets_of(run)}
    figures["FREE_rebalances"] = float(rebalance_count(run, "FREE"))
    atoms = run.table("tokens").filter(token="FREE").sort("t_ns")["equity_atoms"].to_list()
    figures["FREE_change_atoms"] = float(max(atoms) - min(atoms))
    falls = [figures[f"{token}_return"] < 0 for token in ("FEE", "FUNDED", "PAYING")]
    if figures["FREE_change_atoms"] != 0:
        outcome: Outcome = "confirmed" if figures["FREE_return"] < 0 else "refuted"
    else:
        outcome = "conditional" if any(falls) else "refuted"
    sentence = (
        f"Not through rebalancing: bringing a token from leverage 3.5 to 3 at no cost changed its equity by "
        f"{figures['FREE_change_atoms']:,.0f} atoms. Only through what it is charged, here in {whole_days(run)} days: "
        f"management fee {in_bps(figures['FEE_return'])}, funding at 1 bp per 8 h {in_bps(figures['FUNDED_return'])}, "
        f"trading fee of that one rebalance {in_bps(figures['PAYING_return'])}."
    )
    return Evaluation(outcome, sentence, figures)
