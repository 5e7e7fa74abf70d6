"""Claim `redemption`: created and redeemed for a fee, not during a rebalance, and capped by the day."""

from __future__ import annotations

from typing import Any

import polars as pl

from marketsim.analysis.claims.family import CLAIMS, Evaluation, Outcome, RunClaim, undecided
from marketsim.analysis.claims.readings import declared_tokens, legs_of, listed
from marketsim.datasets.run import Run
from marketsim.units import ATOMS_PER_UNIT, NS_PER_DAY, instant_ns, money, rate, to_atoms

_FEE_ROUNDING = 1e-6
"""A fee may be off by the atoms that its rounding leaves."""


@CLAIMS.register
class RedemptionClaim(RunClaim):
    """Are creation and redemption charged, refused during a rebalance and capped by the day, as the issuer declares?"""

    name = "redemption"

    def judge(self, run: Run) -> Evaluation:
        """As declared where every rule of `primary` was kept; refuted where one was broken."""
        funds = {token: spec["primary"] for token, spec in declared_tokens(run).items() if spec["primary"] != "none"}
        funds = {token: terms for token, terms in funds.items() if terms is not None and terms["mode"] != "none"}
        if run.table("primary").filter(pl.col("token").is_in(list(funds)), status="settled").is_empty():
            return undecided("no request to create or redeem was settled")
        figures: dict[str, float] = {}
        kept, told = [], []
        for token, terms in funds.items():
            found, words, holds = _judged(run, token, terms)
            figures |= found if len(funds) == 1 else {f"{token}_{name}": value for name, value in found.items()}
            told.append(f"{token}: {words}")
            kept.append(holds)
        outcome: Outcome = "as declared" if all(kept) else "refuted"
        said = "The run did what the issuer declares" if all(kept) else "A declared rule was broken"
        return Evaluation(outcome, f"{said}, and an issuer may declare something else. {' '.join(told)}", figures)


def _judged(run: Run, token: str, terms: dict[str, Any]) -> tuple[dict[str, float], str, bool]:
    """Figures of one token, the same in words, and whether its declared rules were kept."""
    rows = run.table("primary").filter(token=token)
    settled, refused = rows.filter(status="settled"), rows.filter(status="refused")
    figures: dict[str, float] = {"settled": float(settled.height)}
    holds = []
    base = sum(map(abs, legs_of(run, token).values())) if terms.get("fee_of") == "notional" else 1.0
    for side, key in (("creation", "create_fee"), ("redemption", "redeem_fee")):
        dealt = settled.filter(side=side)
        figures[f"{side}_fee"] = sum(dealt["fee_atoms"].to_list()) / max(sum(dealt["cash_atoms"].to_list()), 1)
        holds.append(dealt.is_empty() or abs(figures[f"{side}_fee"] - float(rate(terms[key])) * base) < _FEE_ROUNDING)
    figures["settled_during_rebalances"] = float(settled.filter(_during_rebalances(run, token)).height)
    figures |= {f"refused_{why}": float(refused.filter(reason=why).height) for why in ("rebalancing", "daily_cap")}
    figures["largest_day"] = _largest_day(run, settled)
    words = [
        f"{settled.height:,} requests settled, at {figures['creation_fee']:.2%} for creation and "
        f"{figures['redemption_fee']:.2%} for redemption"
    ]
    if terms.get("suspend_while_rebalancing"):
        holds.append(not figures["settled_during_rebalances"])
        words.append(
            f"during a rebalance {figures['settled_during_rebalances']:,.0f} settled and "
            f"{figures['refused_rebalancing']:,.0f} were refused"
        )
    if isinstance(terms.get("daily_cap"), dict):
        words.append(
            f"no side exceeded {figures['largest_day']:,.0f} USDT in a day, {figures['refused_daily_cap']:,.0f} "
            "requests were refused at a cap that follows volatility, and whether that was kept is not judged"
        )
    elif terms.get("daily_cap") not in (None, "none"):
        figures["daily_cap"] = to_atoms(money(terms["daily_cap"]).amount) / ATOMS_PER_UNIT
        holds.append(figures["largest_day"] <= figures["daily_cap"])
        words.append(
            f"no side exceeded {figures['largest_day']:,.0f} USDT in a day of {figures['daily_cap']:,.0f} USDT allowed "
            f"and {figures['refused_daily_cap']:,.0f} requests were refused at that cap"
        )
    return figures, f"{listed(words)}.", all(holds)


def _during_rebalances(run: Run, token: str) -> pl.Expr:
    within = pl.lit(False)
    for begin, end in run.table("rebalances").filter(token=token).select("t_decide_ns", "t_last_ns").iter_rows():
        within |= (pl.col("t_ns") > begin) & (pl.col("t_ns") < end)
    return within


def _largest_day(run: Run, settled: pl.DataFrame) -> float:
    """Most cash that one side moved in a UTC day [currency]."""
    day = (pl.col("t_ns") + instant_ns(run.resolved["clock"]["start"])) // NS_PER_DAY
    daily = settled.group_by("side", day).agg(pl.col("cash_atoms").sum())["cash_atoms"].to_list()
    return float(max(daily, default=0)) / ATOMS_PER_UNIT
