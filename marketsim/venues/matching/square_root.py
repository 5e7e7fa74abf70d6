"""Matching `square_root`: impact grows with the root of what orders decided together have traded.

docs/theory.md#concave-impact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import copysign, sqrt
from typing import Annotated, ClassVar, Literal

from marketsim.kernel import codes
from marketsim.ranges import ABOVE_ZERO, SHARE_ABOVE_ZERO
from marketsim.spec import Factor, MoneyAmount, Rate
from marketsim.units import format_money, format_number, format_rate
from marketsim.venues.matching.family import MATCHINGS, FormulaSpec, Impacts, Traded


class RootImpacts(Impacts):
    """index x sign x y x volatility x sqrt(Q / volume), Q what the orders decided at one instant have traded so far.

    Q is net of sides, each fill worth its units at the price before it; the index is that of their first fill. For
    good.
    """

    def __init__(self, strength: float, volume: float) -> None:
        self.strength, self.volume = strength, volume
        self._decided: dict[int, tuple[float, float]] = {}  # by the instant: index [quote units], Q, + bought

    def of(self, traded: Sequence[Traded], price: float, index: float) -> float:
        """What each set of orders decided together adds by what it trades now."""
        added = 0.0
        for decided_ns, more in _worth(traded, price).items():
            level, before = self._decided.get(decided_ns, (index, 0.0))
            added += level * (self._move(before + more) - self._move(before))
        return added

    def remember(self, now_ns: int, traded: Sequence[Traded], price: float, index: float) -> None:
        """See `Impacts`."""
        for decided_ns, more in _worth(traded, price).items():
            level, before = self._decided.get(decided_ns, (index, 0.0))
            self._decided[decided_ns] = (level, before + more)

    def _move(self, worth: float) -> float:
        """Relative change of the price by a volume, + bought."""
        return copysign(self.strength * sqrt(abs(worth) / self.volume), worth)


def _worth(traded: Sequence[Traded], price: float) -> dict[int, float]:
    """What orders trade, by the instant at which they were decided [quote units, + bought]."""
    worth: dict[int, float] = {}
    for order in traded:
        worth[order.decided_ns] = worth.get(order.decided_ns, 0.0) + order.units * price
    return worth


@MATCHINGS.register
class SquareRootSpec(FormulaSpec):
    """No book: all orders decided at one instant move the price by y x volatility x sqrt(Q / volume) of the index.

    volatility and volume: of a day.
    """

    fills_the_kernels_orders: ClassVar[bool] = True

    kind: Literal["square_root"]
    y: Annotated[Factor, ABOVE_ZERO]
    volatility: Annotated[Rate, SHARE_ABOVE_ZERO]
    volume: Annotated[MoneyAmount, ABOVE_ZERO]

    def impacts(self) -> Impacts:
        """See `FormulaSpec`."""
        return RootImpacts(float(self.y * self.volatility), float(self.volume.amount))

    def kernel_fields(self, lot: Decimal) -> Mapping[str, int | float]:
        """See `FormulaSpec`."""
        scale = float(self.y * self.volatility) * sqrt(lot / self.volume.amount)
        return {"matching": codes.SQUARE_ROOT, "impact_scale": scale, "fill_share": float(self.fill)}

    def law(self) -> str:
        """See `FormulaSpec`."""
        strength = f"{format_number(self.y)} x {format_rate(self.volatility)}"
        return (
            f"{strength} x sqrt(Q / {format_money(self.volume)}) of it, Q what the orders decided at one instant have "
            "traded so far"
        )
