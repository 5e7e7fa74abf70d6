"""How far facts are from the ranges of real markets: the objective of simulated moments (McFadden 1989)."""

from __future__ import annotations

from collections.abc import Mapping

from marketsim.analysis.stylised_facts.fact import Range
from marketsim.analysis.stylised_facts.references import REFERENCES
from marketsim.calibration.plan import Plan

MARGIN = 0.1
"""Share of a range's width that a fact is wanted inside its ends, so that other seeds stay within them."""
UNMEASURED = 2.0
"""Distance of a fact that a run does not show, as of a book that broke, in half-widths of its range."""


def distance(value: float | None, wanted: Range) -> float:
    """How far a fact is outside its range less the margin, in half-widths of the range; 0 inside.

    Of a range with one end the half-width is half that end's amount, or 1 where it is 0.
    """
    if value is None:
        return UNMEASURED
    low, high = wanted.low, wanted.high
    if low is not None and high is not None:
        half, inside = (high - low) / 2, MARGIN * (high - low)
    else:
        half, inside = abs(low if low is not None else high or 0.0) / 2 or 1.0, 0.0
    below = 0.0 if low is None else (low + inside - value) / half
    above = 0.0 if high is None else (value - high + inside) / half
    return max(below, above, 0.0)


def loss(values: Mapping[str, float | None], plan: Plan) -> float:
    """The weighted sum of squared distances of the fitted facts, over the sum of weights; values by id of the fact."""
    total = 0.0
    for name, weight in plan.weights.items():
        wanted = REFERENCES[name].range_of(plan.kind)
        if wanted is None:
            raise ValueError(f"{name} has no range of a market like {plan.kind}'s, and cannot be fitted")
        total += weight * distance(values.get(name), wanted) ** 2
    return total / sum(plan.weights.values())
