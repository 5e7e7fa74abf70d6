"""Volatility decay: a token's log return taken apart after Avellaneda and Zhang, by the intervals of its attribution.

log(NAV1 / NAV0) = beta_term + variance_term + funding_term + fee_term + cost_term + residual, where

- NAV counts as a multiple of the NAV the token was declared at, which a split multiplies too: what one unit that was
  held got, whatever was created or redeemed meanwhile;
- beta_term = sum over legs of target x log(M1 / M0), with M the *mark* of the leg's market, so its basis is in it;
- variance_term = -(b^2 - b) V / 2 with b the target and V the realised variance of the mark between resets, a sum of
  squared *log* returns, one from each reset to the next: between resets the position is fixed, and log(1 + b r) depends
  on nothing but the whole move r, however the price got there. A fund that resets at every step so has the variance of
  all steps. For a basket it would take covariances nobody adds up, and is None;
- funding_term, fee_term, cost_term = sum over payments x of log(E / (E - x)), with E the equity that each left:
  funding, management fee, and trading fees with slippage against the mark;
- residual = what is left: moves of higher order, resets that stop short of the target or take their time, rounding.

A fund without units has no return. One that begins, or begins anew, within an interval is measured from its first
units, one that ends up to its last.

Source: Avellaneda & Zhang 2010, SIAM J. Fin. Math. 1:586-603, with funding in place of interest
(docs/products.md#volatility-decay); baskets: Haugh 2011. Checked in `tests/issuers/test_decay.py` and
`tests/simulation/test_decay.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from marketsim.issuers.fund.token import LegTerms
from marketsim.streams.elementary import log_

Charge = Literal["funding", "fee", "cost"]
CHARGES: tuple[Charge, ...] = ("funding", "fee", "cost")


@dataclass(frozen=True, slots=True)
class TokenSnapshot:
    """One instant: worth of a unit (a multiple of its declared NAV), and mark [ticks] by market."""

    t_ns: int
    worth: Fraction
    mark_ticks: Mapping[str, int]


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

    equity_atoms: the fund's equity now. opening: how the token stood at the last cut. reset_ticks: marks of the last
    reset. ended: how it stood when its last units went, None while it has units.
    """

    token: str
    legs: tuple[LegTerms, ...]
    equity_atoms: Callable[[], int]
    opening: TokenSnapshot
    ended: TokenSnapshot | None = None
    reset_ticks: Mapping[str, int] = field(init=False)
    _growth: dict[Charge, float] = field(default_factory=dict)
    _variance: float = 0.0

    def __post_init__(self) -> None:
        """Let the start of the run be the first reset."""
        self.reset_ticks = self.opening.mark_ticks

    def enter(self, charge: Charge, atoms: int) -> None:
        """Enter a payment the fund has just got (+) or made (-)."""
        equity = self.equity_atoms() if atoms and self.ended is None else 0
        if equity > 0 and equity > atoms:
            self.multiply(charge, equity / (equity - atoms))

    def multiply(self, charge: Charge, growth: float) -> None:
        """Enter what multiplied a unit's worth: for a fee taken in new units, old supply over new."""
        self._growth[charge] = self._growth.get(charge, 1.0) * growth

    def reset(self, mark_ticks: Mapping[str, int]) -> None:
        """Note a reset at these marks: the move since the last one is over. A fund without units has none."""
        if self.ended is not None:
            return
        self._variance += self._move_since_reset(mark_ticks)
        self.reset_ticks = mark_ticks

    def begin(self, now: TokenSnapshot) -> None:
        """Note the first units of an empty fund: what is measured of this interval begins here."""
        self.opening, self.ended, self._growth = replace(now, t_ns=self.opening.t_ns), None, {}
        self.reset_ticks, self._variance = now.mark_ticks, 0.0

    def end(self, now: TokenSnapshot) -> None:
        """Note that the last units are going: nobody has a return from here on."""
        self.reset(now.mark_ticks)
        self.ended = now

    def cut(self, now: TokenSnapshot) -> Decay:
        """End the interval here and open the next one."""
        if self.ended is not None:
            now = replace(self.ended, t_ns=now.t_ns)
        then, grown = self.opening, self._growth
        total = log_ratio(now.worth, then.worth)
        beta = sum(
            float(leg.target) * (log_ratio(now.mark_ticks[leg.market], then.mark_ticks[leg.market]) or 0.0)
            for leg in self.legs
        )
        under_way = self._move_since_reset(now.mark_ticks)
        drag = variance_term(self.legs[0].target, self._variance + under_way) if len(self.legs) == 1 else None
        funding, fee, cost = (log_ratio(grown.get(charge, 1.0), 1) or 0.0 for charge in CHARGES)
        left = None if total is None else total - (beta + (drag or 0.0) + funding + fee + cost)
        self.opening, self._growth, self._variance = now, {}, -under_way
        return Decay(self.token, then.t_ns, now.t_ns, total, beta, drag, funding, fee, cost, left)

    def _move_since_reset(self, mark_ticks: Mapping[str, int]) -> float:
        """Squared log return of a single leg's mark since the last reset."""
        market = self.legs[0].market
        return (log_ratio(mark_ticks[market], self.reset_ticks[market]) or 0.0) ** 2
