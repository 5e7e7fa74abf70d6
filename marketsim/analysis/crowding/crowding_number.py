"""The crowding number Lambda(h) = lambda(h) K, signed, and the multipliers that theory derives from it.

h is the time until the impact is counted: at the end of the orders' window Lambda says what an order does to its own
reset, at the next reset what one reset does to the next (docs/theory.md#crowding-number).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.analysis.crowding.probe_impact import Impact
from marketsim.analysis.crowding.rebalance_demand import Demand
from marketsim.analysis.inference.intervals import t_interval


@dataclass(frozen=True)
class CrowdingNumber:
    """A crowding number with its interval, and the multipliers of theory (docs/theory.md#crowding-number).

    one_shot: 1 + Lambda, of orders sized once. fixed_point: 1 / (1 - Lambda), of orders that follow the price they
    make; None from Lambda = 1 on.
    """

    number: float
    lo: float | None = None
    hi: float | None = None
    pairs: int | None = None

    @property
    def one_shot(self) -> float:
        """The multiplier where every fund sizes its order once, before any impact."""
        return 1 + self.number

    @property
    def fixed_point(self) -> float | None:
        """The multiplier where orders follow the price they make; None where there is no finite one."""
        return 1 / (1 - self.number) if self.number < 1 else None


def crowding_number(measured: Impact, k: Demand) -> CrowdingNumber:
    """Lambda(h) = lambda(h) K, signed: of several markets the eigenvalue of largest real part, with its interval."""
    matrix = np.array([[k.get((m, j), 0.0) for j in measured.markets] for m in measured.markets])
    every = np.arange(measured.pairs)
    value = leading_eigenvalue(measured.matrix() @ matrix)
    left_out = [leading_eigenvalue(measured.matrix(np.delete(every, i)) @ matrix) for i in every]
    found = t_interval(value, np.array(left_out), effective=float(measured.pairs))
    return CrowdingNumber(value, found.lo, found.hi, measured.pairs)


def leading_eigenvalue(matrix: Floats) -> float:
    """The real part of the eigenvalue whose real part is largest."""
    return float(np.max(np.linalg.eigvals(matrix).real)) if matrix.size else 0.0
