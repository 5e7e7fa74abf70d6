"""Verdicts on what is said of leveraged tokens: each computed from the tables of one run of scenarios/claims.

A claim is the title of its scenario; its verdict says whether the run bears it out, in a sentence with the figures and
the condition they hold under. Nothing here knows what the answer should be: the outcome follows from the rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import log, prod
from pathlib import Path
from typing import Any, Literal

import polars as pl

from marketsim.datasets.run import Run
from marketsim.errors import ResultError

Outcome = Literal["confirmed", "refuted", "conditional"]

NS_PER_HOUR = 3_600 * 10**9
NS_PER_DAY = 24 * NS_PER_HOUR
LOTS_ROUNDING = 1e-6
"""How far a return may be from its formula where positions of 100 MUSDT are rounded to lots of 0.001 BTC."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run says of a claim: the outcome, the sentence with its condition, and the figures by name."""

    claim: str
    outcome: Outcome
    sentence: str
    figures: Mapping[str, float] = field(default_factory=dict)


Judge = Callable[[Run], tuple[Outcome, str, dict[str, float]]]


def verdict(run_directory: str | Path) -> Verdict:
    """The verdict on the claim whose scenario made a run.

    Raises `ResultError` for a run of any other scenario, or one that failed.
    """
    run = Run(run_directory)
    judge = JUDGES.get(run.manifest["name"])
    if judge is None:
        raise ResultError(f"{run.path} is a run of {run.manifest['name']!r}, which is none of {', '.join(JUDGES)}")
    if run.manifest["status"] != "ok":
        raise ResultError(f"{run.path} cannot bear out a claim: its status is {run.manifest['status']!r}")
    resolved = json.loads((run.path / "resolved.json").read_text(encoding="utf-8"))
    return Verdict(resolved["title"], *judge(run))


def verdicts(folder: str | Path) -> dict[str, Verdict]:
    """Verdicts on all runs of claims below a folder, by the scenario's name and run directory (`name/run id`)."""
    found = {}
    for path in sorted(Path(folder).rglob("manifest.json")):
        if json.loads(path.read_text(encoding="utf-8"))["name"] in JUDGES:
            found["/".join(path.parent.parts[-2:])] = verdict(path.parent)
    return found


# -- what several verdicts read


def _nav(run: Run, token: str) -> dict[int, float]:
    """NAV by instant [ns]."""
    rows = run.table("tokens").filter(token=token)
    return dict(zip(rows["t_ns"].to_list(), rows["nav"].to_list(), strict=True))


def _price(run: Run, market: str, column: str = "index_price") -> dict[int, float]:
    """A price of a market by instant [ns]."""
    rows = run.table("marks").filter(market=market)
    return dict(zip(rows["t_ns"].to_list(), rows[column].to_list(), strict=True))


def _growth(series: Mapping[int, float]) -> float:
    """Return of a series from its first to its last instant."""
    return series[max(series)] / series[min(series)] - 1


def _daily_returns(series: Mapping[int, float]) -> list[float]:
    """Returns from midnight to midnight, a run's first instant being one."""
    values = [series[t_ns] for t_ns in sorted(series) if t_ns % NS_PER_DAY == 0]
    return [after / before - 1 for before, after in pairwise(values)]


def _shares(run: Run, token: str) -> dict[str, float]:
    """Each part of a token's attribution, summed over the run, as a share of its first equity."""
    rows = run.table("attribution").filter(token=token).sort("t0_ns")
    opening = rows["opening_atoms"][0]
    parts = [
        name for name in rows.columns if name.endswith("_atoms") and name not in ("opening_atoms", "closing_atoms")
    ]
    return {name.removesuffix("_atoms"): rows[name].sum() / opening for name in parts}


def _targets(run: Run) -> dict[str, float]:
    """Target leverage by token."""
    return dict(run.table("tokens").filter(t_ns=0).select("token", "target_leverage").iter_rows())


def _rebalances(run: Run, token: str) -> int:
    return run.table("rebalances").filter(token=token).height


def _bps(share: float) -> str:
    return f"{share * 1e4:+.1f} bps"


# -- the verdicts


def multiple(run: Run) -> tuple[Outcome, str, dict[str, float]]:
    """Is a token's return its multiple of the coin's, from reset to reset and over all of them?"""
    coin = _price(run, "BTC-PERP")
    daily, figures = [], {"days": float(len(_daily_returns(coin))), "coin_return": _growth(coin)}
    for token, target in _targets(run).items():
        nav = _nav(run, token)
        daily += [abs(got - target * r) for got, r in zip(_daily_returns(nav), _daily_returns(coin), strict=True)]
        figures |= {f"{token}_return": _growth(nav), f"{token}_multiple_of_return": target * _growth(coin)}
    figures["largest_daily_error"] = max(daily)
    whole = [abs(figures[f"{name}_return"] - figures[f"{name}_multiple_of_return"]) for name in _targets(run)]
    if max(daily) > LOTS_ROUNDING:
        outcome: Outcome = "refuted"
    else:
        outcome = "confirmed" if max(whole) <= LOTS_ROUNDING else "conditional"
    sentence = (
        f"Holds from one reset to the next, before costs: on each of {figures['days']:.0f} days the tokens returned 3 "
        f"and -3 times the coin's return (largest error {max(daily):.0e}). Not over several: the coin made "
        f"{figures['coin_return']:+.1%}, the +3 token {figures['BTC3L_return']:+.1%} and the -3 token "
        f"{figures['BTC3S_return']:+.1%}."
    )
    return outcome, sentence, figures


def premium(run: Run) -> tuple[Outcome, str, dict[str, float]]:
    """Does NAV move by leverage times the premium, and pay leverage times funding, while the index stands still?"""
    index, mark = _price(run, "BTC-PERP"), _price(run, "BTC-PERP", "mark_price")
    rates, marks = (run.table("funding")[name].to_list() for name in ("rate", "mark_price"))
    figures = {"index_return": _growth(index), "mark_return": _growth(mark), "funding_rate": sum(rates)}
    paid_per_coin = sum(rate * price for rate, price in zip(rates, marks, strict=True)) / mark[min(mark)]
    errors = [abs(figures["index_return"])]
    for token, target in _targets(run).items():
        shares = _shares(run, token)
        errors += [abs(shares["basis"] - target * figures["mark_return"])]
        errors += [abs(shares["funding"] + target * paid_per_coin)]
        figures |= {f"{token}_from_premium": shares["basis"], f"{token}_from_funding": shares["funding"]}
    figures["largest_error"] = max(errors)
    got = {name: _bps(figures[name]) for name in figures}
    sentence = (
        f"Holds where NAV is reckoned at the perp's mark: the index stood still, the perp rose {got['mark_return']} "
        f"over it and funding was {got['funding_rate']}; the +3 token got {got['BTC3L_from_premium']} from the premium "
        f"and {got['BTC3L_from_funding']} from funding, the -3 token {got['BTC3S_from_premium']} and "
        f"{got['BTC3S_from_funding']}."
    )
    return "confirmed" if max(errors) <= LOTS_ROUNDING else "refuted", sentence, figures


def costs(run: Run) -> tuple[Outcome, str, dict[str, float]]:
    """What do trading fees, the management fee and funding take a day, and from whom?"""
    days = _whole_days(run)
    figures: dict[str, float] = {}
    for token in _targets(run):
        daily = {name: share / days for name, share in _shares(run, token).items()}
        parts = ("trading_fee", "management_fee", "funding")
        figures |= {f"{token}_{part}_per_day": daily[part] for part in parts}
        figures[f"{token}_decay_per_day"] = daily["index"]
    fees = [value for name, value in figures.items() if "fee" in name]
    funding = [value for name, value in figures.items() if "funding" in name]
    if min(fees + funding) >= 0 or max(fees) >= 0:
        outcome: Outcome = "refuted"
    else:
        outcome = "confirmed" if max(funding) < 0 else "conditional"
    long, short = ({name: _bps(figures[f"{token}_{name}_per_day"]) for name in _COSTS} for token in ("BTC3L", "BTC3S"))
    sentence = (
        f"All three are charged, each day: to the +3 token {long['trading_fee']} for trading, {long['management_fee']} "
        f"for management, {long['funding']} of funding; to the -3 token {short['trading_fee']}, "
        f"{short['management_fee']} and {short['funding']}. Funding is a cost to the side that pays it only, and to "
        f"the +3 token the largest; on this choppy path decay took {long['decay']} and {short['decay']} a day besides."
    )
    return outcome, sentence, figures


_COSTS = ("trading_fee", "management_fee", "funding", "decay")


def _whole_days(run: Run) -> int:
    return int(max(run.table("tokens")["t_ns"].to_list())) // NS_PER_DAY


def gap(run: Run) -> tuple[Outcome, str, dict[str, float]]:
    """Is a holder never asked for money, and never sold out?"""
    wiped = run.table("events").filter(event="wiped")["subject"].to_list()
    asked = run.table("cohorts").filter(cohort="outside_holders")["cash_atoms"].to_list()
    figures: dict[str, float] = {
        "wiped_tokens": float(len(wiped)),
        "asked_of_holders_atoms": float(max(map(abs, asked))),
    }
    figures["gap"] = _growth(_price(run, "BTC-PERP"))
    figures["slow_fall"] = _growth(_price(run, "ETH-PERP"))
    navs = {token: _nav(run, token) for token in _targets(run)}
    figures |= {f"{token}_return": _growth(nav) for token, nav in navs.items()}
    figures["least_nav"] = min(min(nav.values()) for nav in navs.values())
    refuted = bool(wiped) or any(asked) or figures["least_nav"] < 0
    sentence = (
        f"Nobody asked holders for money ({figures['asked_of_holders_atoms'] / 1e8:.0f} USDT) and no NAV fell below "
        f"zero. But the fund itself can end, and they with it: a gap of {figures['gap']:.0%} cost the +3 token "
        f"{figures['BTC3L_return']:+.0%} and the +2 token {figures['BTC2L_return']:+.0%}. Holds while no move between "
        f"two rebalances reaches 1/L, 33 % at 3x: a fall of {figures['slow_fall']:.0%} in steps of 5 %, with "
        f"emergencies at leverage 4, cost a +3 token {figures['ETH3L_return']:+.0%} and did not end it."
    )
    return "refuted" if refuted else "confirmed", sentence, figures


def exposure(run: Run) -> tuple[Outcome, str, dict[str, float]]:
    """Do tokens buy after a rise and sell after a fall, back to their target, with shorts holding less and more?"""
    targets, moves = _targets(run), _daily_returns(_price(run, "BTC-PERP"))
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
        f"Holds for a leverage above 1 or below 0 ({sum(outside)} of {len(outside)} such tokens): after a rise the +3 "
        "token held more coins and after a fall fewer, the short ones were short of fewer and of more; so all of them "
        "bought after the rise and sold after the fall, back to their target. The 0.5 token does the opposite "
        f"({figures['BTCHALF_orders_with_the_move']:.0f} of {len(moves)} orders with the move)."
    )
    return outcome, sentence, figures


def violent(run: Run) -> tuple[Outcome, str, dict[str, float]]:
    """Do tokens rebalance more often where the index is more violent: those with a band, those with a clock?"""
    figures = {
        f"{market}_volatility": (_variance(_price(run, f"{market}-PERP")) / _whole_days(run) * 365) ** 0.5
        for market in ("BTC", "WILD")
    }
    counts = {name: _rebalances(run, name) for name in ("CALM-BAND", "WILD-BAND", "CALM-CLOCK", "WILD-CLOCK")}
    figures |= {f"{name}_rebalances": float(count) for name, count in counts.items()}
    more = [counts[f"WILD-{rule}"] > counts[f"CALM-{rule}"] for rule in ("BAND", "CLOCK")]
    sentence = (
        f"Holds for tokens with a band or an emergency rule: {counts['WILD-BAND']} rebalances on an index of "
        f"{figures['WILD_volatility']:.0%} a year against {counts['CALM-BAND']} on one of "
        f"{figures['BTC_volatility']:.0%}, about with the square of volatility. A token that goes by the clock alone "
        f"rebalances as often in both ({counts['WILD-CLOCK']} and {counts['CALM-CLOCK']} times), only by more."
    )
    return "confirmed" if all(more) else "conditional" if any(more) else "refuted", sentence, figures


def _variance(prices: Mapping[int, float]) -> float:
    """Realised variance of the log price from day to day, summed."""
    return sum(log(1 + r) ** 2 for r in _daily_returns(prices))


def choppy(run: Run) -> tuple[Outcome, str, dict[str, float]]:
    """Does NAV fall where the price goes up and down and ends where it began, at no cost?"""
    coin, trend = _price(run, "BTC-PERP"), _price(run, "ETH-PERP")
    figures = {"coin_return": _growth(coin), "realised_variance": _variance(coin), "trend_return": _growth(trend)}
    figures |= {f"{token}_return": _growth(_nav(run, token)) for token in _targets(run)}
    for token, target in (("BTC3L", 3), ("BTC3S", -3)):
        figures[f"{token}_product"] = prod(1 + target * r for r in _daily_returns(coin)) - 1
    decays = [figures["BTC3L_return"] < 0, figures["BTC3S_return"] < 0]
    outcome: Outcome = "confirmed" if all(decays) else "conditional" if any(decays) else "refuted"
    sentence = (
        "Holds for tokens that rebalance: the coin went up 5 % and back five times and ended at "
        f"{figures['coin_return']:+.1%}, without any cost the +3 token at {figures['BTC3L_return']:+.2%} and the -3 "
        f"token at {figures['BTC3S_return']:+.2%}; one that never rebalanced ended at {figures['HELD_return']:+.2%}. "
        f"In a trend it turns round: the coin made {figures['trend_return']:+.0%}, the +3 token "
        f"{figures['ETH3L_return']:+.0%}."
    )
    return outcome, sentence, figures


def flat(run: Run) -> tuple[Outcome, str, dict[str, float]]:
    """Does NAV fall where the price does not move: by rebalancing alone, by fees, by funding?"""
    figures = {f"{token}_return": _growth(_nav(run, token)) for token in _targets(run)}
    figures["FREE_rebalances"] = float(_rebalances(run, "FREE"))
    atoms = run.table("tokens").filter(token="FREE").sort("t_ns")["equity_atoms"].to_list()
    figures["FREE_change_atoms"] = float(max(atoms) - min(atoms))
    falls = [figures[f"{token}_return"] < 0 for token in ("FEE", "FUNDED", "PAYING")]
    if figures["FREE_change_atoms"] != 0:
        outcome: Outcome = "confirmed" if figures["FREE_return"] < 0 else "refuted"
    else:
        outcome = "conditional" if any(falls) else "refuted"
    sentence = (
        f"Not by rebalancing: a token put from leverage 3.5 to 3 at no cost changed by "
        f"{figures['FREE_change_atoms']:.0f} atoms. Only by what it is charged, here in {_whole_days(run)} days: "
        f"management fee {_bps(figures['FEE_return'])}, funding at 1 bp every 8 h {_bps(figures['FUNDED_return'])}, "
        f"trading fee of that one rebalance {_bps(figures['PAYING_return'])}."
    )
    return outcome, sentence, figures


def spot(run: Run) -> tuple[Outcome, str, dict[str, float]]:
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


JUDGES: dict[str, Judge] = {
    "claim-multiple": multiple,
    "claim-spot": spot,
    "claim-premium": premium,
    "claim-costs": costs,
    "claim-gap": gap,
    "claim-exposure": exposure,
    "claim-violent": violent,
    "claim-choppy": choppy,
    "claim-flat": flat,
}
"""The judge of each claim, by the name of its scenario, in the order of the source's sentences."""
