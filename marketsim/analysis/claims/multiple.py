"""Claim `multiple`: tokens return a multiple of their coin."""

from __future__ import annotations

from marketsim.analysis.claims.family import CLAIMS, Evaluation, Outcome, RunClaim, undecided
from marketsim.analysis.claims.readings import (
    ROUNDING,
    between_resets,
    charges_of,
    growth,
    legs_of,
    listed,
    named,
    nav_of,
    price_of,
    returns_over,
    targets_of,
)
from marketsim.datasets.run import Run


@CLAIMS.register
class MultipleClaim(RunClaim):
    """Is a token's return its multiple of the coin's, from reset to reset and over the whole run?"""

    name = "multiple"

    def judge(self, run: Run) -> Evaluation:
        """Refuted where a period between resets is off by more than rounding and what the fund was charged."""
        targets = {token: target for token, target in targets_of(run).items() if len(legs_of(run, token)) == 1}
        if not targets:
            return undecided("no token is of a single coin")
        figures: dict[str, float] = {}
        within, over_all, errors, periods = [], [], [], 0
        for token, target in targets.items():
            (market,) = legs_of(run, token)
            coin, nav, cuts = price_of(run, market), nav_of(run, token), between_resets(run, token)
            owed = [target * r for r in returns_over(coin, cuts)]
            off = [abs(got - due) for got, due in zip(returns_over(nav, cuts), owed, strict=True)]
            allowed = ROUNDING + charges_of(run, token)
            figures |= {f"{token}_return": growth(nav), f"{token}_multiple_of_return": target * growth(coin)}
            over_all.append(abs(growth(nav) - target * growth(coin)) <= allowed)
            within.append(max(off) <= allowed)
            errors.append(max(off))
            periods = max(periods, len(cuts))
        figures |= {"days": float(periods), "largest_daily_error": max(errors)}
        outcome: Outcome = "refuted" if not all(within) else "confirmed" if all(over_all) else "conditional"
        returned = [
            f"{named(token, target)} returned {figures[f'{token}_return']:+.1%} where {target:g} times the coin is "
            f"{figures[f'{token}_multiple_of_return']:+.1%}"
            for token, target in targets.items()
        ]
        from_reset = "Holds" if all(within) else "Does not hold"
        over = "It holds over the whole run too" if all(over_all) else "It does not hold over several resets"
        sentence = (
            f"{from_reset} from one reset to the next, before costs: in {periods} periods the largest error was "
            f"{max(errors):.0e}. {over}: {listed(returned)}."
        )
        return Evaluation(outcome, sentence, figures)
