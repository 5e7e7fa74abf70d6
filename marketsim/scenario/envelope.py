"""What a world was tested with (`envelope`): no run depends on it, and it is no part of a world's identity."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from marketsim.ranges import ABOVE_ZERO
from marketsim.spec import Duration, Identifier, MoneyAmount, Rate, Spec
from marketsim.units import format_duration, format_rate

MINUTES_OF_A_DAY = 1_440


class TestedMarketSpec(Spec):
    """One market of a world as it was when that was tested.

    daily_volume: what it trades a day; depth: what rests on one side within 10 bps of the mid, on average.
    largest_order: the largest order whose impact was measured, as a share of the volume of an average minute.
    """

    id: Identifier
    daily_volume: Annotated[MoneyAmount, ABOVE_ZERO]
    depth: Annotated[MoneyAmount, ABOVE_ZERO]
    largest_order: Annotated[Rate, ABOVE_ZERO]

    @property
    def minute_volume(self) -> Decimal:
        """What it trades in an average minute [quote]."""
        return self.daily_volume.amount / MINUTES_OF_A_DAY


class EnvelopeSpec(Spec):
    """What a world was tested with: each market's largest order, the largest move of an index, the shortest horizon.

    A scenario that extends the world has it too, and is told where it leaves it.
    """

    markets: tuple[TestedMarketSpec, ...]
    largest_move: Annotated[Rate, ABOVE_ZERO]
    shortest_horizon: Annotated[Duration, ABOVE_ZERO]

    def sentence(self) -> str:
        """What it says, in words."""
        orders = "".join(
            f", orders of at most {format_rate(market.largest_order)} of an average minute's volume in {market.id}"
            for market in self.markets
        )
        return (
            f"The world was tested with moves of the index of at most {format_rate(self.largest_move)}{orders}, looked "
            f"at {format_duration(self.shortest_horizon)} later or more."
        )
