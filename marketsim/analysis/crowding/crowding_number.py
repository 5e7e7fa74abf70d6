"""The crowding number Lambda(h) = lambda(Q, h) K: what a move comes back as, through the orders that it calls for.

Signed; of several markets the eigenvalue of lambda K with the largest real part, and the returns that it multiplies.
h is the time after the last fill: at the end of the orders Lambda says what an order does to its own reset, at the next
reset what one reset does to the next (docs/theory.md#crowding-number).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.analysis.crowding.reset_impact import InstantImpact


@dataclass(frozen=True)
class CrowdingNumber:
    """Lambda, and the returns of the markets that come back multiplied by it (n,), the largest of them 1."""

    number: float
    responses: Floats


@dataclass(frozen=True)
class CrowdingSums:
    """Sums over instants of X (seen, traded), Q (traded,) and K (traded, moved), K weighed by the move that is meant.

    Of one market they give Lambda = sum X / sum (Q / K), of equal K so lambda K.
    """

    x: Floats
    notional: Floats
    weighted_k: Floats
    weight: float

    def impact(self) -> Floats:
        """lambda (seen, traded) = sum X / sum Q [1/currency]."""
        ratio: Floats = np.divide(self.x, self.notional, out=np.zeros_like(self.x), where=self.notional > 0)
        return ratio

    def demand(self) -> Floats:
        """K (traded, moved) [currency per unit of return]."""
        return self.weighted_k / self.weight

    def crowding(self) -> CrowdingNumber:
        """Lambda and its responses."""
        return leading(self.impact() @ self.demand())


def crowding_sums(instants: Sequence[InstantImpact]) -> CrowdingSums:
    """The sums of instants at which the same markets had resets."""
    weights = [each.implied_move for each in instants]
    weighted = [weight * each.k for weight, each in zip(weights, instants, strict=True)]
    return CrowdingSums(
        x=np.sum([each.x for each in instants], axis=0),
        notional=np.sum([each.notional for each in instants], axis=0),
        weighted_k=np.sum(weighted, axis=0),
        weight=float(sum(weights)),
    )


def leading(matrix: Floats) -> CrowdingNumber:
    """The eigenvalue of largest real part (its real part), and its vector, scaled so that the largest entry is 1."""
    values, vectors = np.linalg.eig(matrix)
    place = int(np.argmax(values.real))
    vector = vectors[:, place].real
    largest = vector[int(np.argmax(np.abs(vector)))]
    return CrowdingNumber(float(values[place].real), vector / largest if largest else vector)
