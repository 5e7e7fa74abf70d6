"""Claim `spot`: tokens trade on spot markets of their own."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.claims.family import CLAIMS, Evaluation, RunClaim
from marketsim.analysis.claims.readings import declared_tokens, listed
from marketsim.datasets.run import Run


@CLAIMS.register
class SpotClaim(RunClaim):
    """Is a token traded for cash in a book of its own, and how far from NAV?"""

    name = "spot"

    def judge(self, run: Run) -> Evaluation:
        """Confirmed where others than its market makers traded it there."""
        kinds = dict(run.table("instruments").select("market", "kind").iter_rows())
        books = [token for token in declared_tokens(run) if kinds.get(token) == "spot"]
        makers = [group["id"] for group in run.resolved["traders"] if group["kind"] == "token_maker"]
        trades = run.table("trades").filter(pl.col("market").is_in(books))
        others = trades.filter(~(pl.col("taker_cohort").is_in(makers) & pl.col("maker_cohort").is_in(makers)))
        figures: dict[str, float] = {"trades": float(trades.height), "holders_trades": float(others.height)}
        if others.is_empty():
            return Evaluation("refuted", "Nobody could trade a token for cash in a spot book.", figures)
        marks = run.table("marks").filter(pl.col("market").is_in(books), pl.col("mid_price").is_not_null())
        ranked = sorted(abs(value) for value in (marks["mid_price"] / marks["index_price"] - 1).to_list())
        figures |= {"median_premium": ranked[len(ranked) // 2], "largest_premium": ranked[-1]} if ranked else {}
        where = (
            f"here {figures['median_premium'] * 1e4:.0f} bps away in the median and "
            f"{figures['largest_premium'] * 1e4:.0f} at most"
            if ranked
            else "here no book had both sides"
        )
        sentence = (
            f"Holds where somebody makes its market: {trades.height:,} trades in the spot book of {listed(books)}, "
            f"{others.height:,} of them with somebody who makes no market there, and needs no perpetual and no margin. "
            f"How close to NAV it trades depends on the makers and on creation and redemption: {where}."
        )
        return Evaluation("confirmed", sentence, figures)
