"""Which numbers a key of a scenario may hold: stated in the field's annotation, `Annotated[Rate, SHARE]`.

A range stands outermost in the annotation, also of a field that may be absent (`Annotated[Rate | None, SHARE]`). It
holds for every number in the field: of money and sizes the amount, of a list or a pair each member. `ANY` says that
every number of the type is meant. What depends on another field is no range but a fault (`spec.Fault`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from marketsim.units import NS_PER_SECOND, RATE_ONE, Money, Size

_DAY_NS = 86_400 * NS_PER_SECOND

Exact = Decimal | int | Fraction


@dataclass(frozen=True)
class Range:
    """The numbers a key may hold, and with `or_zero` zero; `parts` asks for whole parts of 1e8, in which rates go."""

    words: str
    least: Decimal | int | None = None
    most: Decimal | int | None = None
    above: Decimal | int | None = None
    below: Decimal | int | None = None
    parts: bool = False
    or_zero: bool = False

    def holds(self, value: Exact) -> bool:
        """Whether a number is one of them."""
        exact = Fraction(value)
        return (self.or_zero and exact == 0) or (
            (self.least is None or exact >= Fraction(self.least))
            and (self.most is None or exact <= Fraction(self.most))
            and (self.above is None or exact > Fraction(self.above))
            and (self.below is None or exact < Fraction(self.below))
            and (not self.parts or (exact * RATE_ONE).denominator == 1)
        )

    def holds_all(self, value: Any) -> bool:
        """Whether every number in a field's value is one of them."""
        return all(self.holds(number) for number in numbers_in(value))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say the range in words beside the shape; texts with units have no JSON bound."""
        shape = dict(handler(core))
        return {**shape, "allowed": self.words} if self.words else shape


def numbers_in(value: Any) -> list[Exact]:
    """The numbers of a field's value: amounts of money and sizes, members of lists; none in anything else."""
    if isinstance(value, (Money, Size)):
        return [value.amount]
    if isinstance(value, tuple):
        return [number for item in value for number in numbers_in(item)]
    return [value] if isinstance(value, (Decimal, int, Fraction)) and not isinstance(value, bool) else []


ANY = Range("")
ABOVE_ZERO = Range("more than zero", above=0)
ZERO_OR_MORE = Range("zero or more", least=0)
SHARE = Range("0% to 100%", least=0, most=1)
SHARE_ABOVE_ZERO = Range("more than 0%, at most 100%", above=0, most=1)
PART = Range("more than 0%, below 100%", above=0, below=1)
BELOW_ONE = Range("0% or more, below 100%", least=0, below=1)
UP_TO_TENTH = Range("0% to 10%", least=0, most=Decimal("0.1"))
AT_LEAST_ONE = Range("at least 1", least=1)
ONE_OR_MORE = Range("1 or more", least=1)
CADENCE = Range("1ms or longer", least=NS_PER_SECOND // 1_000)
POLL = Range("0s (always), or 1ms or longer", least=NS_PER_SECOND // 1_000, or_zero=True)
WITHIN_A_DAY = Range("more than 0s, at most 1d", above=0, most=_DAY_NS)
UP_TO_A_DAY = Range("0s to 1d", least=0, most=_DAY_NS)
TEN_YEARS = Range("more than 0s, at most 3660d", above=0, most=3_660 * _DAY_NS)
CHARGE = Range("0% to 10%, in steps of 0.0001 bps", least=0, most=Decimal("0.1"), parts=True)
SIGNED_CHARGE = Range("-10% to 10%, in steps of 0.0001 bps", least=Decimal("-0.1"), most=Decimal("0.1"), parts=True)
MAKER_FEE = Range("-1% to 10%, in steps of 0.0001 bps", least=Decimal("-0.01"), most=Decimal("0.1"), parts=True)
LEVELS = Range("1 to 64", least=1, most=64)
SPLIT_RATIO = Range("2 to 1,000,000", least=2, most=1_000_000)
SLICES = Range("1 to 10000", least=1, most=10_000)
NOISE = Range("0% to 300%", least=0, most=3)
