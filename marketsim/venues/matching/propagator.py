"""Matching `propagator`: impacts are linear and fade.

Bouchaud, Gefen, Potters and Wyart 2004, docs/theory.md#transient-impact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, Literal

from marketsim.spec import Fault
from marketsim.units import format_money
from marketsim.venues.matching.fading import FadingSpec, Memory
from marketsim.venues.matching.family import MATCHINGS, Impacts, Traded
from marketsim.venues.matching.linear import LinearImpacts, PerUnitSpec


class FadingImpacts(LinearImpacts):
    """b g(t) per unit [quote units], a time t after the fill."""

    is_fading: ClassVar[bool] = True

    def __init__(self, per_unit: float, memory: Memory) -> None:
        super().__init__(per_unit)
        self.memory = memory

    def alive(self, now_ns: int, published: float, kept: float) -> float:
        """What is left of all impacts; what the index has learned is none of them any more."""
        if kept != 1.0:
            self.memory.shrink(kept)
        return self.memory.alive(now_ns)

    def remember(self, now_ns: int, traded: Sequence[Traded], price: float, index: float) -> None:
        """See `Impacts`."""
        self.memory.add(now_ns, self.of(traded, price, index))


@MATCHINGS.register
class PropagatorSpec(PerUnitSpec):
    """No book: each unit bought moves the price by `per_unit` at once, and that impact fades by `decay`."""

    kind: Literal["propagator"]
    decay: FadingSpec

    def faults(self) -> Iterator[Fault]:
        """What is wrong with how it fades."""
        yield from (fault.below("decay") for fault in self.decay.faults())

    def impacts(self) -> Impacts:
        """See `FormulaSpec`."""
        return FadingImpacts(float(self.per_unit.amount), self.decay.law.memory())

    def kernel_fields(self, lot: Decimal) -> Mapping[str, int | float]:
        """See `FormulaSpec`."""
        return {**super().kernel_fields(lot), "is_fading": 1}

    def law(self) -> str:
        """See `FormulaSpec`."""
        per_unit = format_money(self.per_unit)
        return f"{per_unit} for each unit bought less each unit sold, of which {self.decay.law.words()}"
