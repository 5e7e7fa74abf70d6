"""What is traded: a perpetual contract on an underlying or its spot market, and what trading costs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import SerializationInfo, SerializerFunctionWrapHandler, model_serializer

from marketsim.errors import UnitError
from marketsim.ranges import ABOVE_ZERO, CHARGE, MAKER_FEE, ZERO_OR_MORE
from marketsim.spec import (
    OMITTED_AT_DEFAULT,
    QUOTE,
    Fault,
    Identifier,
    MoneyAmount,
    Rate,
    SizeAmount,
    Spec,
    announced,
)
from marketsim.units import ATOMS_PER_UNIT, RATE_ONE, Money, Size, atoms_per_tick_lot, to_atoms
from marketsim.venues.deleveraging.family import DeleveragingSpec
from marketsim.venues.funding import FundingSpec
from marketsim.venues.liquidation import LiquidationSpec
from marketsim.venues.margin import MarginSpec
from marketsim.venues.marks.family import MARK_RULES, MarkSpec
from marketsim.venues.matching.book import BookSpec
from marketsim.venues.matching.family import MATCHINGS, MatchingSpec


class FeesSpec(Spec):
    """What a trade costs each side, as a share of its notional; a negative maker fee is a rebate."""

    maker: Annotated[Rate, MAKER_FEE] = Decimal("0.0002")
    taker: Annotated[Rate, CHARGE] = Decimal("0.0005")

    def faults(self) -> Iterator[Fault]:
        """A rebate larger than what pays it."""
        if self.maker + self.taker < 0:
            yield Fault((), "the venue would pay for every trade", "maker + taker of zero or more")


OF_A_PERPETUAL = ("contract", "funding", "margin", "liquidation", "deleveraging", "insurance_fund")
"""Keys of a market that a spot market has not: nothing is owed there, so nothing is secured and nothing carried."""


class MarketSpec(Spec):
    """A perpetual contract, or the spot market of a coin, on a venue; prices are multiples of `tick`, sizes of `lot`.

    A spot market has none of the keys `OF_A_PERPETUAL`. It and a market without a book mark at the mid unless they say
    otherwise. Each token with its own book also has one, which the loader makes.
    """

    id: Identifier
    kind: Literal["perpetual", "spot"] = "perpetual"
    underlying: Identifier
    venue: Identifier = "main"
    contract: Annotated[Literal["linear"] | None, announced({"inverse": "linear", "quanto": "linear"})] = "linear"
    tick: Annotated[MoneyAmount, ABOVE_ZERO] = Money(Decimal("0.1"), QUOTE)
    lot: Annotated[SizeAmount, ABOVE_ZERO] = Size(Decimal("0.001"), QUOTE)
    matching: Annotated[MatchingSpec, MATCHINGS, OMITTED_AT_DEFAULT] = BookSpec()
    fees: FeesSpec = FeesSpec()
    mark: MarkSpec = MarkSpec()
    funding: FundingSpec = FundingSpec()
    margin: MarginSpec = MarginSpec()
    liquidation: LiquidationSpec = LiquidationSpec()
    deleveraging: Annotated[DeleveragingSpec, OMITTED_AT_DEFAULT] = DeleveragingSpec()
    insurance_fund: Annotated[MoneyAmount, ZERO_OR_MORE] = Money(Decimal(0), QUOTE)

    @property
    def currency(self) -> str:
        """The currency the market is priced and settled in."""
        return self.tick.currency

    def faults(self) -> Iterator[Fault]:
        """What is wrong between its fields; their ranges hold."""
        yield from (fault.below("fees") for fault in self.fees.faults())
        rule = MARK_RULES.kinds[self.mark.rule]
        yield from (fault.below("matching") for fault in self.matching.faults())
        if self.kind == "spot":
            if not self.matching.has_book:
                yield Fault(
                    ("matching",), "a formula fills orders of perpetuals; a spot market has a book", "kind: book"
                )
            if rule.needs_funding:
                others = ", ".join(word for word, other in MARK_RULES.kinds.items() if not other.needs_funding)
                yield Fault(("mark", "rule"), "this rule needs the funding of a perpetual", others)
            return
        if self.contract is None:
            yield Fault(("contract",), "a perpetual has a contract", "linear")
        yield from (fault.below("margin") for fault in self.margin.faults())
        yield from (fault.below("funding") for fault in self.funding.faults())
        try:
            to_atoms(self.insurance_fund.amount)
        except UnitError as error:
            yield Fault(("insurance_fund",), error.message, error.allowed)

    @model_serializer(mode="wrap", when_used="json")
    def _canonical(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        """A spot market is written down without a perpetual's keys."""
        written: dict[str, Any] = super()._canonical(handler, info)
        return {key: written[key] for key in written if self.kind == "perpetual" or key not in OF_A_PERPETUAL}


INT64_MAX = 2**63 - 1
LARGEST_POSITION_ATOMS = INT64_MAX // 4
"""What one position may be worth; the rest of int64 is headroom for cash, profit and the sums over a cohort."""


def trading_fee_atoms(notional_atoms: int, fee_parts: int) -> int:
    """Fee on a trade of this notional [atoms], + paid: `floor(notional * rate)`, rates in parts of 1e8, - is a rebate.

    What cannot be divided stays with the trader who pays; a rebate is rounded up to its receiver.
    Source: https://www.binance.bh/en-BH/square/post/29016484637809 (notional x rate); docs/venues.md#orders-and-fees.
    """
    return notional_atoms * fee_parts // RATE_ONE


def contract_faults(tick: Decimal, lot: Decimal, opening_price: Decimal, largest_size: Decimal) -> tuple[str, ...]:
    """Say why a linear contract cannot exist; empty when it can.

    `tick` [quote], `lot` [coins], `opening_price` [quote] of its underlying, `largest_size` [coins]: the largest
    position the scenario can build at the opening price. Each message says what was there and what is allowed.
    """
    if tick <= 0 or lot <= 0:
        return (f"tick {tick} and lot {lot} must both be above zero",)
    faults = []
    try:
        atoms_per_tick_lot(tick, lot)
    except UnitError as error:
        faults.append(str(error))
    if opening_price < tick:
        faults.append(f"the opening price {opening_price} is below one tick of {tick}; take a finer tick")
    worth = Fraction(largest_size) * Fraction(opening_price) * ATOMS_PER_UNIT
    if abs(worth) > LARGEST_POSITION_ATOMS:
        faults.append(
            f"a position of {largest_size} at {opening_price} is {float(worth):.3g} atoms and leaves a 64-bit account; "
            f"at most {LARGEST_POSITION_ATOMS:.3g} atoms are allowed: take less capital or leverage"
        )
    return tuple(faults)
