"""The family of ways to match: what a kind brings, and what it is asked for.

A formula of your own is one class in one file, derived from `FormulaSpec` and registered with `@MATCHINGS.register`:

    kind           its word, a `Literal`; beside it the other fields, each number with its range (`marketsim.ranges`)
    law            what moves the price, for `show --sentences`
    impacts        what its orders move, as `Impacts`: state in, impacts out
    faults         what is wrong between its fields; none unless it says so
    kernel_fields  how the kernel works out the impact of an order of its own (of a liquidation, of traders it wakes);
                   unless it says so such orders find nothing to trade with
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar

from marketsim.kernel import codes
from marketsim.kinds import Family
from marketsim.ranges import Range
from marketsim.spec import Factor, Fault, Spec
from marketsim.units import format_number

PART_OF_IMPACT = Range("0 to 1", least=0, most=1)


@dataclass(frozen=True, slots=True)
class Traded:
    """An order that is filled now: signed size [units of the underlying], and the instant at which it was decided."""

    units: float
    decided_ns: int


class Impacts:
    """What orders have moved the price of one market from its index [quote units], and move it now.

    is_fading: whether impacts change by themselves, so that each is remembered.
    """

    is_fading: ClassVar[bool] = False

    def of(self, traded: Sequence[Traded], price: float, index: float) -> float:
        """What orders filled together move the price; price: before them [quote units]."""
        raise NotImplementedError

    def alive(self, now_ns: int, published: float, kept: float) -> float:
        """The sum of impacts now; published: as it last was; kept: the share that the index has not learned since."""
        return published

    def remember(self, now_ns: int, traded: Sequence[Traded], price: float, index: float) -> None:
        """Note what `of` was asked about, now that it is filled."""


class MatchingSpec(Spec):
    """How orders of a market meet.

    has_book: whether they meet each other; else `outside` fills them by a formula. fills_the_kernels_orders: whether
    those find something to trade with that the kernel sends by itself.
    """

    has_book: ClassVar[bool] = False
    fills_the_kernels_orders: ClassVar[bool] = False

    def faults(self) -> Iterator[Fault]:
        """What is wrong between the fields; their ranges hold."""
        yield from ()

    def sentence(self) -> str:
        """How orders meet, as a whole sentence; nothing where that goes without saying."""
        raise NotImplementedError


class FormulaSpec(MatchingSpec):
    """The price is the index plus impacts; an order pays the price before it + `fill` x its own impact."""

    fill: Annotated[Factor, PART_OF_IMPACT] = Decimal("0.5")

    @abstractmethod
    def impacts(self) -> Impacts:
        """The impacts of one market, none yet."""

    @abstractmethod
    def law(self) -> str:
        """What moves the price, as the rest of "The price is the index plus ..."."""

    def kernel_fields(self, lot: Decimal) -> Mapping[str, int | float]:
        """Fields of the kernel's record of the market (`kernel/layout.py`, a market without a book); lot: its size."""
        return {"matching": codes.FORMULA}

    def sentence(self) -> str:
        """See `MatchingSpec`."""
        return (
            f"There is no book: any size is filled at once by `outside`. The price is the index plus {self.law()}; an "
            f"order pays the price before it and {format_number(self.fill)} of its own impact."
        )


MATCHINGS = Family(
    "matching",
    MatchingSpec,
    key="kind",
    home="marketsim.venues.matching",
    needs=("sentence",),
)
