"""Volatility decay: a token's log return taken apart after Avellaneda and Zhang, by the intervals of its attribution.

log(NAV1 / NAV0) = beta_term + variance_term + funding_term + fee_term + cost_term + residual, where

- NAV counts as a multiple of the NAV the token was declared at, which a split multiplies too: what one unit that was
  held got, whatever was created or redeemed meanwhile;
- beta_term = sum over legs of target x log(M1 / M0), with M the *mark* of the leg's market, so its basis is in it;
- variance_term = -(b^2 - b) V / 2 with b the target and V the sum of squared relative changes of the mark, one at each
  step of its cadence; for a basket it would take covariances nobody adds up, and is None;
- funding_term, fee_term, cost_term = sum over payments x of log(E / (E - x)), with E the equity that each left:
  funding, management fee, and trading fees with slippage against the mark;
- residual = what is left: leverage that drifts from its target between rebalances, moves of higher order, rounding.

Source: Avellaneda & Zhang 2010, SIAM J. Fin. Math. 1:586-603, with funding in place of interest
(docs/products.md#volatility-decay); baskets: Haugh 2011. Checked in `tests/issuers/test_decay.py` and
`tests/simulation/test_decay.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from marketsim.issuers.fund.token import LegTerms
from marketsim.streams.elementary import log_

Charge = Literal["funding", "fee", "cost"]
CHARGES: tuple[Charge, ...] = ("funding", "fee", "cost")


@dataclass(frozen=True, slots=True)
class TokenSnapshot:
    """One instant: worth of a unit (a multiple of its declared NAV), mark [ticks] and variance so far, by market."""

    t_ns: int
    worth: Fraction
    mark_ticks: Mapping[str, int]
    variance: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Decay:
    """One interval of one token; the columns of the table. No log return, no residual where nothing is left."""

    token: str
    t0_ns: int
    t1_ns: int
    log_return: float | None
    beta_term: float
    variance_term: float | None
    funding_term: float
    fee_term: float
    cost_term: float
    residual: float | None


def log_ratio(after: Fraction | float, before: Fraction | float) -> float | None:
    """Logarithm of a ratio, the same bits on every machine; None unless both are positive."""
    return float(log_(float(after / before))) if after > 0 and before > 0 else None


def variance_term(target: Fraction, variance: float) -> float:
    """Volatility decay of a constant leverage b over realised variance V: -(b^2 - b) V / 2 (Avellaneda-Zhang 2010)."""
    return -0.5 * float(target * target - target) * variance


@dataclass(slots=True)
class DecayLedger:
    """Adds up what one token's fund pays and gets, and cuts it where the attribution is cut.

    equity_atoms: the fund's equity now. opening: how the token stood at the last cut.
    """

    token: str
    legs: tuple[LegTerms, ...]
    equity_atoms: Callable[[], int]
    opening: TokenSnapshot
    _growth: dict[Charge, float] = field(default_factory=dict)

    def enter(self, charge: Charge, atoms: int) -> None:
        """Enter a payment the fund has just got (+) or made (-)."""
        equity = self.equity_atoms() if atoms else 0
        if equity > 0 and equity > atoms:
            self.multiply(charge, equity / (equity - atoms))

    def multiply(self, charge: Charge, growth: float) -> None:
        """Enter what multiplied a unit's worth: for a fee taken in new units, old supply over new."""
        self._growth[charge] = self._growth.get(charge, 1.0) * growth

    def cut(self, now: TokenSnapshot) -> Decay:
        """End the interval here and open the next one."""
        then, grown = self.opening, self._growth
        total = log_ratio(now.worth, then.worth)
        beta = sum(
            float(leg.target) * (log_ratio(now.mark_ticks[leg.market], then.mark_ticks[leg.market]) or 0.0)
            for leg in self.legs
        )
        drag = None
        if len(self.legs) == 1:
            (leg,) = self.legs
            drag = variance_term(leg.target, now.variance[leg.market] - then.variance[leg.market])
        funding, fee, cost = (log_ratio(grown.get(charge, 1.0), 1) or 0.0 for charge in CHARGES)
        left = None if total is None else total - (beta + (drag or 0.0) + funding + fee + cost)
        self.opening, self._growth = now, {}
        return Decay(self.token, then.t_ns, now.t_ns, total, beta, drag, funding, fee, cost, left)
