"""Claim `target`: holdings are adjusted automatically to keep the target leverage."""

from __future__ import annotations

from marketsim.analysis.claims.family import CLAIMS, Evaluation, Outcome, RunClaim, undecided
from marketsim.analysis.claims.readings import leverage_of, listed, named, rebalance_count, targets_of
from marketsim.datasets.run import Run

_MET = 1e-5
"""How far from its target a leverage may be where positions are rounded to lots."""


@CLAIMS.register
class TargetClaim(RunClaim):
    """Is a token's leverage equal to its target: after each reset, and at all times in between?"""

    name = "target"

    def judge(self, run: Run) -> Evaluation:
        """Refuted where a reset misses the target, conditional where leverage drifts between resets."""
        figures: dict[str, float] = {}
        after, between, told, held = [], [], [], []
        for token, wanted in targets_of(run).items():
            seen = leverage_of(run, token)
            if not seen:
                continue
            least, largest = min(seen.values(), key=abs), max(seen.values(), key=abs)
            figures |= {f"{token}_least": least, f"{token}_largest": largest}
            if not rebalance_count(run, token):
                figures[f"{token}_at_the_end"] = seen[max(seen)]
                held.append(f"{token}, which never rebalanced, ended at {seen[max(seen)]:.2f}")
                continue
            done = run.table("rebalances").filter(token=token)["leverage_after"].drop_nulls().to_list()
            after += [abs(value - wanted) for value in done]
            between += [abs(value - wanted) for value in seen.values()]
            told.append(f"{named(token, wanted)} between {least:.2f} and {largest:.2f}")
        if not after:
            return undecided("no token rebalanced")
        figures |= {"largest_error_after_a_reset": max(after), "largest_error": max(between)}
        outcome: Outcome = "refuted" if max(after) > _MET else "confirmed" if max(between) <= _MET else "conditional"
        words = "Holds" if max(after) <= _MET else "Does not hold"
        right = f"{words} right after each reset (largest error {max(after):.0e})"
        drift = "" if max(between) <= _MET else ", but not between resets: leverage drifts to L (1 + r) / (1 + L r)"
        without = f"; {listed(held)}" if held else ""
        return Evaluation(outcome, f"{right}{drift}, {listed(told)}{without}.", figures)
