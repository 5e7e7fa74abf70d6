"""Matching `linear`: each unit bought moves the price by the same amount, for good (docs/theory.md#sized-once)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from marketsim.kernel import codes
from marketsim.ranges import ABOVE_ZERO
from marketsim.spec import MoneyAmount
from marketsim.units import format_money
from marketsim.venues.matching.family import MATCHINGS, FormulaSpec, Impacts, Traded


class LinearImpacts(Impacts):
    """b per unit [quote units], for good."""

    def __init__(self, per_unit: float) -> None:
        self.per_unit = per_unit

    def of(self, traded: Sequence[Traded], price: float, index: float) -> float:
        """b x the units bought less those sold."""
        return self.per_unit * sum(order.units for order in traded)


class PerUnitSpec(FormulaSpec):
    """A formula in which a unit bought moves the price by `per_unit` at once, and one sold back."""

    fills_the_kernels_orders: ClassVar[bool] = True

    per_unit: Annotated[MoneyAmount, ABOVE_ZERO]

    def kernel_fields(self, lot: Decimal) -> Mapping[str, int | float]:
        """See `FormulaSpec`."""
        scale = float(self.per_unit.amount * lot)
        return {"matching": codes.LINEAR, "impact_scale": scale, "fill_share": float(self.fill)}


@MATCHINGS.register
class LinearSpec(PerUnitSpec):
    """No book: each unit bought moves the price by `per_unit`, for good."""

    kind: Literal["linear"]

    def impacts(self) -> Impacts:
        """See `FormulaSpec`."""
        return LinearImpacts(float(self.per_unit.amount))

    def law(self) -> str:
        """See `FormulaSpec`."""
        return f"{format_money(self.per_unit)} for each unit bought less each unit sold"
