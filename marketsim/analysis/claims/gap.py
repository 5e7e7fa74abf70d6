"""Claim `gap`: no collateral, margin or liquidation for the holder."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.claims.family import CLAIMS, Evaluation, RunClaim, undecided
from marketsim.analysis.claims.readings import growth, legs_of, listed, named, nav_of, price_of, targets_of
from marketsim.datasets.run import Run
from marketsim.units import ATOMS_PER_UNIT


@CLAIMS.register
class GapClaim(RunClaim):
    """Is a holder never asked for money, and never liquidated: not even with the fund that stands in between?"""

    name = "gap"

    def judge(self, run: Run) -> Evaluation:
        """Refuted where a fund was wiped or liquidated, a holder paid, or a NAV fell below zero."""
        targets = targets_of(run)
        if not targets:
            return undecided("there is no token")
        wiped = run.table("events").filter(event="wiped")["subject"].to_list()
        taken = run.table("liquidations").filter(pl.col("is_fund"))
        solvent = taken.filter(pl.col("solvent_at_index"))["cohort"].unique().sort().to_list()
        figures = {
            "wiped_tokens": float(len(wiped)), "liquidated_funds": float(taken["cohort"].n_unique()),
            "liquidated_above_zero": float(len(solvent)), **_figures(run),
        }  # fmt: skip
        asked, least = figures["asked_of_holders_atoms"], figures["least_nav"]
        refuted = bool(wiped) or not taken.is_empty() or asked > 0 or least < 0
        ends = [_end(run, token, target, figures) for token, target in targets.items()]
        ended = f"{len(wiped)} of {len(targets)} were wiped, and their holders with them" if wiped else "none was wiped"
        early = f"; {listed(solvent)} had something left when the venue liquidated its account for want of margin"
        sentence = (
            f"Holders were asked for {asked / ATOMS_PER_UNIT:,.0f} USDT, and {'no' if least >= 0 else 'a'} NAV fell "
            f"below zero. {'But' if refuted else 'And'} of the funds between them and the market {ended}"
            f"{early if solvent else ''}. {listed(ends)}. What ends a fund is a move of 1 / leverage between two "
            "rebalances, or one that is smaller by the maintenance margin of its account."
        )
        return Evaluation("refuted" if refuted else "confirmed", sentence, figures)


def _figures(run: Run) -> dict[str, float]:
    """What holders were asked for, the least NAV, and what tokens and coins returned."""
    asked = run.table("cohorts").filter(cohort="outside_holders")["cash_atoms"].to_list()
    navs = {token: nav_of(run, token) for token in targets_of(run)}
    markets = sorted({market for token in navs for market in legs_of(run, token)})
    return {
        "asked_of_holders_atoms": float(max(map(abs, asked), default=0)),
        "least_nav": min(min(nav.values()) for nav in navs.values()),
        **{f"{token}_return": growth(nav) for token, nav in navs.items()},
        **{f"{market}_return": growth(price_of(run, market)) for market in markets},
    }


def _end(run: Run, token: str, target: float, figures: dict[str, float]) -> str:
    """What became of one token, on which move."""
    moves = listed(f"{figures[f'{market}_return']:+.0%} of {market}" for market in legs_of(run, token))
    return f"{named(token, target)} returned {figures[f'{token}_return']:+.0%} on {moves}"
