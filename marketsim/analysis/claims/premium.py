"""Claim `premium`: value follows the perpetuals' funding and premium."""

from __future__ import annotations

from collections.abc import Mapping

from marketsim.analysis.claims.family import CLAIMS, Evaluation, RunClaim, undecided
from marketsim.analysis.claims.readings import (
    ROUNDING,
    growth,
    in_bps,
    legs_of,
    listed,
    named,
    parts_of,
    price_of,
    targets_of,
)
from marketsim.datasets.run import Run


@CLAIMS.register
class PremiumClaim(RunClaim):
    """Does NAV move by leverage times the premium, and pay leverage times funding, while the index does not move?"""

    name = "premium"

    def judge(self, run: Run) -> Evaluation:
        """Confirmed where both are met within rounding; a moving index hides them."""
        markets = sorted({market for token in targets_of(run) for market in legs_of(run, token)})
        if not markets:
            return undecided("there is no token")
        moved = max(_largest_move(price_of(run, market)) for market in markets)
        if moved:
            return undecided(f"the index moved by {moved:.2%}; one that stands still shows what the perpetual does")
        marks = {market: price_of(run, market, "mark_price") for market in markets}
        paid = {market: _paid_per_coin(run, market, marks[market]) for market in markets}
        figures = {f"{market}_mark_return": growth(marks[market]) for market in markets}
        figures |= {
            f"{market}_funding_rate": float(run.table("funding").filter(market=market)["rate"].sum())
            for market in markets
        }
        errors, told = [], []
        for token, target in targets_of(run).items():
            legs, shares = legs_of(run, token).items(), parts_of(run, token)
            errors += [abs(shares["basis"] - sum(size * figures[f"{market}_mark_return"] for market, size in legs))]
            errors += [abs(shares["funding"] + sum(size * paid[market] for market, size in legs))]
            figures |= {f"{token}_from_premium": shares["basis"], f"{token}_from_funding": shares["funding"]}
            told.append(
                f"{named(token, target)} earned {in_bps(shares['basis'])} from the premium and "
                f"{in_bps(shares['funding'])} from funding"
            )
        figures["largest_error"] = max(errors)
        rose = [
            f"{market} rose {in_bps(figures[f'{market}_mark_return'])} above its index and its funding was "
            f"{in_bps(figures[f'{market}_funding_rate'])}"
            for market in markets
        ]
        holds = max(errors) <= ROUNDING
        sentence = (
            f"{'Holds' if holds else 'Does not hold'} where NAV is calculated at the perpetual's mark: while no index "
            f"moved, {listed(rose)}; {listed(told)}."
        )
        return Evaluation("confirmed" if holds else "refuted", sentence, figures)


def _largest_move(prices: Mapping[int, float]) -> float:
    """How far a price ever stood from where it began, as a share of that."""
    begin = prices[min(prices)]
    return max(abs(price / begin - 1) for price in prices.values())


def _paid_per_coin(run: Run, market: str, mark: dict[int, float]) -> float:
    """Funding that a long of one unit of opening notional paid."""
    rows = run.table("funding").filter(market=market)
    return float((rows["rate"] * rows["mark_price"]).sum()) / mark[min(mark)]
