"""Contrarians: they bet on a large move to come back."""

from __future__ import annotations

from typing import ClassVar, Literal

from marketsim.traders.group import TRADERS
from marketsim.traders.kinds.trend import TrendSpec


@TRADERS.register
class ContrarianSpec(TrendSpec):
    """Buys after a fall and sells after a rise: the trend rule with the opposite sign."""

    sign: ClassVar[float] = -1.0

    kind: Literal["contrarian"]  # type: ignore[assignment]
