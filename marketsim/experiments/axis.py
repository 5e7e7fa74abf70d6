"""One axis of a study: the values along it, each at its place in [0, 1]."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from marketsim.errors import UsageError
from marketsim.scenario.quantities import Quantity, read_quantity


@dataclass(frozen=True)
class Axis:
    """Listed values, or the ends of a continuous axis (law `uniform` or `log`), of whole numbers where these count."""

    path: str
    values: tuple[Any, ...] = ()
    law: str = ""
    ends: tuple[Quantity, Quantity] | None = None
    is_whole: bool = False

    def at(self, place: float) -> Any:
        """The value at a place in [0, 1], as a scenario file writes it; listed values have equal parts of it.

        Exact up to six significant digits (of the upper end on a uniform axis): decimals, never floats.
        """
        if self.ends is None:
            return self.values[min(int(place * len(self.values)), len(self.values) - 1)]
        lo, hi = (end.amount for end in self.ends)
        if self.is_whole:
            first, last = -(-lo.numerator // lo.denominator), hi.numerator // hi.denominator
            return min(int(self._between(Fraction(first), Fraction(last + 1), place)), last)
        amount = self._between(lo, hi, place)
        text = self.ends[0].rewritten(amount, amount if self.law == "log" else max(abs(lo), abs(hi)))
        return Decimal(text) if self.ends[0].kind == "number" else text

    def _between(self, lo: Fraction, hi: Fraction, place: float) -> Fraction:
        if self.law == "uniform":
            return lo + Fraction(place) * (hi - lo)
        ratio = Decimal(hi.numerator * lo.denominator) / Decimal(hi.denominator * lo.numerator)
        return lo * Fraction((ratio.ln() * Decimal(place)).exp())


def axis_of(path: str, declared: Any, now: Any, known: Collection[str]) -> Axis:
    """An axis as declared in `over`; `now` is the value at its path in the resolved scenario.

    Where that is a count, so are the values: a resolved scenario writes counts as numbers, all else as text.
    """
    if isinstance(declared, (list, tuple)):
        return Axis(path, tuple(declared))
    ((law, ends),) = declared.items()
    lo, hi = (read_quantity(end, known) for end in ends)
    if lo is None or hi is None:
        raise UsageError(f"{path}: {declared!r} is no axis; allowed: {{uniform: [lo, hi]}} or {{log: [lo, hi]}}")
    is_number = lo.kind == "number"
    is_whole = is_number and (isinstance(now, int) or (now is None and all(isinstance(end, int) for end in ends)))
    return Axis(path, law=law, ends=(lo, hi), is_whole=is_whole)
