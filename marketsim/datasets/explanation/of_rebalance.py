"""Why a rebalance happened as it did: its policy's rule, how its size came about, its children, and what was left."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl

from marketsim.datasets.explanation.explanation import Explanation, Figure
from marketsim.datasets.explanation.stored_run import Market, StoredRun, market_of, row_of, token_of, when
from marketsim.issuers.orders.parent import Unfilled
from marketsim.issuers.policies.reset_facts import ResetFacts
from marketsim.issuers.token_spec import TokenSpec
from marketsim.units import ATOMS_PER_UNIT

TABLE = "rebalances"


def explain_rebalance(run: StoredRun, number: int) -> Explanation:
    """Explain the row of table `rebalances` with this id; raises UsageError where there is none."""
    row = row_of(run, TABLE, number, "id")
    market, token = market_of(run, row["market"]), token_of(run, row["token"])
    facts = facts_of(row, market, token, when(run, row["t_decide_ns"]))
    target = sum(token.basket.values(), Decimal(0))
    rule = (
        token.rebalance.sentence(target), *token.rebalance.reasons(facts), *token.execution.sentences(),
        *_in_this_arm(row),
    )  # fmt: skip
    decided = f"{row['token']} on {row['market']}, {facts.when} ({row['trigger']})"
    return Explanation(
        TABLE,
        number,
        f"Rebalance {number}: {decided}",
        rule,
        tuple(_numbers(row, market, facts)),
        tuple(_formula(row, market, token, facts)),
        "children",
        tuple(_children(run, row, market)),
        tuple(_outcome(run, row, market, token)),
    )


def facts_of(row: Mapping[str, Any], market: Market, token: TokenSpec, instant: str) -> ResetFacts:
    """What the policy saw, from a row of table `rebalances`."""
    return ResetFacts(
        trigger=row["trigger"],
        when=instant,
        target=Fraction(token.basket[row["market"]]),
        gross=sum((abs(Fraction(leg)) for leg in token.basket.values()), Fraction(0)),
        legs=len(token.basket),
        position=row["position_before_lots"] * market.lot,
        price=row["mark_price"],
        watched=row["trigger_price"],
        source=row["price_source"],
        equity=row["equity_before_atoms"] / ATOMS_PER_UNIT,
        leverage=row["leverage_before"],
        goal=row["goal_leverage"],
        reset_price=row["last_reset_price"],
        reset_equity=row["last_reset_equity_atoms"] / ATOMS_PER_UNIT,
        tick=market.tick,
        lot=market.lot,
        unit=market.unit,
        asset=market.asset,
    )


def _in_this_arm(row: Mapping[str, Any]) -> Iterator[str]:
    if row["status"] == "shadow":
        yield "In this arm the order was written down and not sent."


def _numbers(row: Mapping[str, Any], market: Market, facts: ResetFacts) -> Iterator[Figure]:
    leverage = "the fund had no equity" if facts.leverage is None else f"{facts.leverage:.6f}"
    yield Figure("equity", facts.equity, f"{facts.equity:,.2f} {market.asset}")
    yield Figure("position", facts.position, facts.size(facts.position, sign=True))
    yield Figure("mark price", facts.price, facts.money(facts.price))
    if facts.watched is not None:
        yield Figure("trigger price", facts.watched, f"{facts.money(facts.watched)} ({facts.source})")
    yield Figure("leverage before", facts.leverage, leverage)
    yield Figure("target leverage", float(facts.target), f"{float(facts.target):.6g}")
    yield Figure("goal leverage", facts.goal, f"{facts.goal:.6g}")
    yield Figure("last reset price", facts.reset_price, facts.money(facts.reset_price))
    yield Figure("move since then", facts.move, f"{facts.move:+.4%}")
    yield Figure("worth then", facts.reset_equity, f"{facts.reset_equity:,.2f} {market.asset}")
    yield Figure("arrival mid", row["arrival_mid"], market.price(row["arrival_mid"]))


def _formula(row: Mapping[str, Any], market: Market, token: TokenSpec, facts: ResetFacts) -> Iterator[str]:
    yield from token.rebalance.formula(facts)
    cost = float(token.execution.cost_allowance)
    if cost:
        yield f"        less what trading costs: / (1 + goal leverage x {cost:.4g} x side), side +1 to buy, -1 to sell"
    yield f"      = {market.size(row['target_lots'])} ({row['target_lots']:+,} lots)"


def _children(run: StoredRun, row: Mapping[str, Any], market: Market) -> Iterator[dict[str, Any]]:
    mine = (pl.col("purpose") == "rebalance") & (pl.col("parent") == row["id"])
    for child in run.table("children").filter(mine).sort("t_ns", "child").iter_rows(named=True):
        yield {
            "sent": when(run, child["t_ns"]),
            "type": child["order_type"],
            f"size [{market.unit}]": round(child["size_lots"] * market.lot, 9),
            f"got [{market.unit}]": round(child["filled_lots"] * market.lot, 9),
            "limit": child["limit_price"],
            "mid": child["mid_price"],
            "ended": child["reason"],
        }


def _outcome(run: StoredRun, row: Mapping[str, Any], market: Market, token: TokenSpec) -> Iterator[str]:
    if row["status"] == "shadow":
        return
    got = f"Of {market.size(row['target_lots'])} it got {market.size(row['filled_lots'])}"
    if row["filled_lots"]:
        fees = row["fees_atoms"] / ATOMS_PER_UNIT
        yield f"{got} at {market.price(row['vwap'])} on average, by {when(run, row['t_last_ns'])}."
        cost = "" if row["slippage_bps"] is None else f"slippage {row['slippage_bps']:.4g} bps of the arrival mid, "
        yield f"It cost {cost}fees {fees:,.2f} {market.asset}."
    else:
        yield f"{got}."
    if token.execution.resizes and row["filled_lots"] + row["backlog_lots"] != row["target_lots"]:
        wanted = row["filled_lots"] + row["backlog_lots"]
        yield f"Sized anew before each child, it came to want {market.size(wanted)} in all."
    yield from _gap(run, row, market)
    after = row["leverage_after"]
    if after is not None:
        yield f"Leverage was {after:.6f} when it was over; the goal was {row['goal_leverage']:.6g}."


def _gap(run: StoredRun, row: Mapping[str, Any], market: Market) -> Iterator[str]:
    if not row["backlog_lots"]:
        yield "Nothing was left."
        return
    reason = _why_left(run, row["id"])
    because = "" if reason is None else f", because {reason.words}"
    yield f"A gap of {market.size(row['backlog_lots'])} was never traded{because}."


def _why_left(run: StoredRun, number: int) -> Unfilled | None:
    """The reason that event `backlog` tells of an order."""
    for detail in run.table("events").filter(pl.col("event") == "backlog")["detail"]:
        for order in json.loads(detail)["orders"]:
            if order["id"] == number:
                return Unfilled(order["reason"])
    return None
