"""The mark rules: what each has to say and to do, and the key of a market that chooses one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar

from marketsim.kernel import mark_rules
from marketsim.kinds import Family
from marketsim.ranges import ABOVE_ZERO, CADENCE
from marketsim.spec import Duration, Spec
from marketsim.units import NS_PER_SECOND
from marketsim.venues.kernel_twin import KernelTwin
from marketsim.venues.marks.prices import mid_price, to_whole_ticks
from marketsim.venues.payoffs import Exact


@dataclass(frozen=True, slots=True)
class MarkInputs:
    """What a mark rule goes by while both sides of the book have orders.

    index: [ticks], exact; mid: middle of the best quotes; last_ticks: the last trade, None before the first one;
    basis_average: moving average of mid - index [ticks]; funding_carry: F_last x T / interval, the share of the index
    that is still to be paid as funding.
    """

    index: Fraction
    mid: Fraction
    last_ticks: int | None
    basis_average: Fraction
    funding_carry: Fraction


class MarkRule(KernelTwin):
    """What every mark rule has: its word, which the kernel knows too, and whether it needs funding to go by."""

    kernel_folder = "kernel/mark_rules"
    kernel_codes = mark_rules.CODES
    needs_funding: ClassVar[bool] = False

    @staticmethod
    def price(inputs: MarkInputs) -> Fraction:
        """The mark, not yet rounded [ticks]."""
        raise NotImplementedError

    @staticmethod
    def sentence() -> str:
        """What the mark price is, as the rest of "The mark price is ..."."""
        raise NotImplementedError


MARK_RULES = Family(
    "mark rule",
    MarkRule,
    key="",
    home="marketsim.venues.marks",
    needs=("price", "sentence"),
    is_open=False,
    announced={"index_basis": "median", "funding_basis": "median", "oracle_ema": "median"},
)
"""The mark rules; the kernel has them, so no plugin may add to them."""


class MarkSpec(Spec):
    """The mark rule and its cadence; `window` is that of the moving average of mid - index in rule `median`."""

    rule: Annotated[str, MARK_RULES] = "median"
    every: Annotated[Duration, CADENCE] = NS_PER_SECOND
    window: Annotated[Duration, ABOVE_ZERO] = 60 * NS_PER_SECOND


def mark_ticks(
    rule: str,
    index: Exact,
    bid_ticks: int | None,
    ask_ticks: int | None,
    last_ticks: int | None,
    *,
    basis_average: Exact = 0,
    funding_carry: Exact = 0,
) -> int:
    """Mark a market by the word of its rule [whole ticks].

    `index` in ticks, exact; `basis_average` is `moving_average` of mid - index [ticks]; `funding_carry` is `F_last * T
    / interval`. While the book is empty or one-sided every rule marks at the index, one that goes by the last trade
    also before there is one (docs/contract.md#meaning-of-a-world). An unknown rule is a KeyError: the Spec admits no
    other.
    """
    mid = mid_price(bid_ticks, ask_ticks)
    if mid is None:
        return to_whole_ticks(index)
    inputs = MarkInputs(Fraction(index), mid, last_ticks, Fraction(basis_average), Fraction(funding_carry))
    return to_whole_ticks(MARK_RULES.kinds[rule].price(inputs))
