"""Limits of a primary market as they stand now: the smallest request, and caps by day, by account and on the supply."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from marketsim.issuers.context import RunClock
from marketsim.issuers.fund.token import Token
from marketsim.issuers.primary_market.caps import (
    ALL,
    SAMPLE_NS,
    DailyCapSpec,
    DayCount,
    RealisedVolatility,
    cap_atoms,
)
from marketsim.issuers.primary_market.terms import Deal, PrimarySpec
from marketsim.messages import PrimaryRequest
from marketsim.units import to_atoms

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator
    from marketsim.venues.view import View


@dataclass(slots=True)
class PrimaryLimits:
    """Limits of one token. supply_cap: tokens outstanding at most, None for any number."""

    spec: PrimarySpec
    token: Token
    clock: RunClock
    view: View
    supply_cap: Fraction | None = field(init=False)
    dealt: DayCount = field(init=False)
    volatility: RealisedVolatility | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Take the declared caps."""
        self.change_supply_cap(self.spec.supply_cap)
        self.dealt = DayCount(self.clock.start_ns)

    def start(self) -> None:
        """Begin to measure volatility, where a cap follows it."""
        if isinstance(self.spec.daily_cap, DailyCapSpec):
            self.volatility = RealisedVolatility(self.spec.daily_cap.window)
            self.clock.env.process(self._measure(self.volatility))

    def is_too_small(self, deal: Deal) -> bool:
        """Whether a deal is beneath the minimum, or comes to nothing."""
        minimum = 0 if self.spec.minimum is None else to_atoms(self.spec.minimum.amount)
        return deal.units_lots <= 0 or deal.cash_atoms < max(minimum, 1)

    def exceeded(self, request: PrimaryRequest, deal: Deal) -> str | None:
        """Which cap a request exceeds."""
        now_ns, side = self.clock.now_ns, request.side
        daily = self._daily_cap_atoms()
        if daily is not None and self.dealt.dealt_atoms(now_ns, side, ALL) + deal.cash_atoms > daily:
            return "daily_cap"
        each = None if self.spec.account_cap is None else to_atoms(self.spec.account_cap.amount)
        if each is not None and self.dealt.dealt_atoms(now_ns, side, request.account) + deal.cash_atoms > each:
            return "account_cap"
        supply = (self.token.supply_lots + deal.units_lots) * self.token.lot
        is_over = side == "creation" and self.supply_cap is not None and supply > self.supply_cap
        return "supply_cap" if is_over else None

    def count(self, request: PrimaryRequest, deal: Deal) -> None:
        """Count a deal against the caps of its day."""
        self.dealt.add(self.clock.now_ns, request.side, request.account, deal.cash_atoms)

    def next_day_ns(self) -> int:
        """When caps begin anew, at midnight UTC [ns from the start]."""
        return self.dealt.next_day_ns(self.clock.now_ns)

    def change_supply_cap(self, cap: Decimal | None) -> None:
        """From now on no creation beyond so many tokens outstanding."""
        self.supply_cap = None if cap is None else Fraction(cap)

    def rescale(self, ratio: int) -> None:
        """Count the supply cap in a new token worth `ratio` old ones."""
        if self.supply_cap is not None:
            self.supply_cap /= ratio

    def _daily_cap_atoms(self) -> int | None:
        cap = self.spec.daily_cap
        if isinstance(cap, DailyCapSpec):
            return cap_atoms(cap, self.volatility.variance() if self.volatility else 0.0)
        return None if cap is None else to_atoms(cap.amount)

    def _measure(self, volatility: RealisedVolatility) -> ProcessGenerator:
        market = self.token.legs[0].market
        while True:
            volatility.add(self.clock.now_ns, self.view.mark_ticks(market))
            yield self.clock.env.timeout(SAMPLE_NS)
