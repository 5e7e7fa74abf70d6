"""Claim `violent`: holdings are adjusted more often in violent markets."""

from __future__ import annotations

from itertools import groupby

from marketsim.analysis.claims.family import CLAIMS, Evaluation, RunClaim, undecided
from marketsim.analysis.claims.readings import (
    declared_tokens,
    legs_of,
    listed,
    price_of,
    realised_volatility,
    rebalance_count,
)
from marketsim.datasets.run import Run

_APART = 1.05
"""Volatilities this many times apart are different ones."""


@CLAIMS.register
class ViolentClaim(RunClaim):
    """Do tokens of the same rule rebalance more often where the index is more volatile?"""

    name = "violent"

    def judge(self, run: Run) -> Evaluation:
        """Confirmed where all rules do, conditional where some do: tokens are compared with those of the same rule."""
        volatility, counts = {}, {}
        tokens = {token: spec for token, spec in declared_tokens(run).items() if len(spec["basket"]) == 1}
        for token in tokens:
            volatility[token] = max(realised_volatility(price_of(run, market)) for market in legs_of(run, token))
            counts[token] = rebalance_count(run, token)
        figures = {f"{token}_rebalances": float(count) for token, count in counts.items()}
        figures |= {f"{token}_volatility": value for token, value in volatility.items()}
        more, told = [], []
        ordered = sorted(tokens, key=lambda token: (_rule(tokens[token]), volatility[token]))
        for _, group in groupby(ordered, key=lambda token: _rule(tokens[token])):
            calm, *others = group
            wild = others[-1] if others else calm
            if volatility[wild] <= _APART * volatility[calm]:
                continue
            more.append(counts[wild] > counts[calm])
            told.append(
                f"{tokens[wild]['rebalance']['policy']} rule, {counts[wild]} rebalances at {volatility[wild]:.0%} a "
                f"year against {counts[calm]} at {volatility[calm]:.0%}"
            )
        if not more:
            return undecided("no two tokens of one rule stand on indices of different volatility")
        words = "Holds" if all(more) else "Holds for some rules only" if any(more) else "Does not hold"
        clock = "" if all(more) else " What goes by the clock alone trades as often in a violent market, only more."
        return Evaluation(
            "confirmed" if all(more) else "conditional" if any(more) else "refuted",
            f"{words}: {listed(told)}.{clock}",
            figures,
        )


def _rule(token: dict[str, object]) -> str:
    """A token's rule and target: what is compared is alike but for its market."""
    basket = token["basket"]
    assert isinstance(basket, dict)
    return f"{token['rebalance']} {list(basket.values())}"
