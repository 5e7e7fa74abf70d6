"""What is traded: underlyings, a perpetual contract on one or its spot market, and what trading costs."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from marketsim.errors import UnitError
from marketsim.ranges import CHARGE, MAKER_FEE
from marketsim.spec import QUOTE, Factor, Identifier, MoneyAmount, Rate, SizeAmount, Spec
from marketsim.units import ATOMS_PER_UNIT, RATE_ONE, Money, Size, atoms_per_tick_lot
from marketsim.venues.funding import FundingSpec
from marketsim.venues.index import IndexSpec
from marketsim.venues.liquidation import LiquidationSpec
from marketsim.venues.margin import MarginSpec
from marketsim.venues.marks import MarkSpec


class FeesSpec(Spec):
    """What a trade costs each side, as a share of its notional; a negative maker fee is a rebate."""

    maker: Annotated[Rate, MAKER_FEE] = Decimal("0.0002")
    taker: Annotated[Rate, CHARGE] = Decimal("0.0005")


class UnderlyingSpec(Spec):
    """A coin and its index price; `correlation` maps other underlyings' ids to the correlation of increments."""

    id: Identifier
    index: Annotated[IndexSpec, Field(discriminator="kind")]
    correlation: dict[str, Factor] = Field(default_factory=dict)


OF_A_PERPETUAL = ("contract", "funding", "margin", "liquidation", "insurance_fund")
"""Keys of a market that a spot market has not: nothing is owed there, so nothing is secured and nothing carried."""


class MarketSpec(Spec):
    """A perpetual contract, or the spot market of a coin, on a venue; prices are multiples of `tick`, sizes of `lot`.

    A spot market has none of the keys `OF_A_PERPETUAL` and marks at the mid unless it says otherwise. Each token with
    its own book also has one, which the loader makes.
    """

    id: Identifier
    kind: Literal["perpetual", "spot"] = "perpetual"
    underlying: Identifier
    venue: Identifier = "main"
    contract: Literal["linear"] | None = "linear"
    tick: MoneyAmount = Money(Decimal("0.1"), QUOTE)
    lot: SizeAmount = Size(Decimal("0.001"), QUOTE)
    fees: FeesSpec = FeesSpec()
    mark: MarkSpec = MarkSpec()
    funding: FundingSpec = FundingSpec()
    margin: MarginSpec = MarginSpec()
    liquidation: LiquidationSpec = LiquidationSpec()
    insurance_fund: MoneyAmount = Money(Decimal(0), QUOTE)

    @property
    def currency(self) -> str:
        """The currency the market is priced and settled in."""
        return self.tick.currency

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A spot market is written down without a perpetual's keys."""
        keys: dict[str, Any] = write(self)
        return {key: keys[key] for key in keys if self.kind == "perpetual" or key not in OF_A_PERPETUAL}


INT64_MAX = 2**63 - 1
LARGEST_POSITION_ATOMS = INT64_MAX // 4
"""What one position may be worth; the rest of int64 is headroom for cash, profit and the sums over a cohort."""


def trading_fee_atoms(notional_atoms: int, fee_parts: int) -> int:
    """Fee on a trade of this notional [atoms], + paid: `floor(notional * rate)`, rates in parts of 1e8, - is a rebate.

    What cannot be divided stays with the trader who pays; a rebate is rounded up to its receiver.
    Source: https://www.binance.bh/en-BH/square/post/29016484637809 (notional x rate); RULES B.9.
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
