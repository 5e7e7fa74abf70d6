"""Claim `choppy`: NAV decays in sideways, choppy markets."""

from __future__ import annotations

from math import prod, sqrt

from marketsim.analysis.claims.family import CLAIMS, Evaluation, Outcome, RunClaim, undecided
from marketsim.analysis.claims.readings import (
    between_resets,
    growth,
    legs_of,
    listed,
    named,
    nav_of,
    price_of,
    realised_volatility,
    rebalance_count,
    returns_over,
    targets_of,
    whole_days,
)
from marketsim.datasets.run import Run

_SIDEWAYS = 0.2
"""A coin went sideways where its return is within so much of its volatility over the run."""


@CLAIMS.register
class ChoppyClaim(RunClaim):
    """Does the NAV of tokens that rebalance fall where the price goes up and down and ends where it began?"""

    name = "choppy"

    def judge(self, run: Run) -> Evaluation:
        """Of tokens that rebalance on coins that went sideways; those that do not, and trends, stand beside."""
        figures: dict[str, float] = {}
        decays, told, beside = [], [], []
        for token, target in targets_of(run).items():
            if len(legs_of(run, token)) > 1:
                continue
            (market,) = legs_of(run, token)
            coin, own = price_of(run, market), growth(nav_of(run, token))
            moved, spread = growth(coin), realised_volatility(coin) * sqrt(whole_days(run) / 365)
            figures |= {f"{token}_return": own, f"{token}_coin_return": moved}
            cuts = between_resets(run, token)
            figures[f"{token}_product"] = prod(1 + target * r for r in returns_over(coin, cuts)) - 1
            words = f"{named(token, target)} {own:+.2%}"
            if abs(moved) > _SIDEWAYS * spread:
                beside.append(f"in a trend of {moved:+.0%} {words}")
            elif rebalance_count(run, token):
                decays.append(own < 0)
                told.append(words)
            else:
                beside.append(f"without rebalancing {words}")
        if not decays:
            return undecided("no token rebalanced on a coin that went up and down and ended where it began")
        outcome: Outcome = "confirmed" if all(decays) else "conditional" if any(decays) else "refuted"
        held = "Holds" if all(decays) else "Does not hold throughout"
        others = f" It takes both, rebalancing and no trend: {listed(beside)}." if beside else ""
        sentence = f"{held} for tokens that rebalance, where the coin swung and came back: {listed(told)}.{others}"
        return Evaluation(outcome, sentence, figures)
