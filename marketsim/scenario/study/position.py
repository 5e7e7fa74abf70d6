"""What a holder might hold instead of a token (`study.compare_holding`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from marketsim.ranges import ABOVE_ZERO, PART, ZERO_OR_MORE
from marketsim.spec import OMITTED_AT_DEFAULT, AnnualRate, Factor, Rate, Spec

Match = Literal["notional", "capital", "max_loss"]


class PerpetualPositionSpec(Spec):
    """What to hold instead of a token: a perp at a leverage, perhaps with a stop at a move of its price.

    match: `notional`, as large a position as the token's target makes of the cash; `capital`, all the cash is margin;
    `max_loss`, at the stop all the cash is lost, as it is when a token is wiped (without a stop: as `capital`).
    borrow_rate: simple interest on margin beyond the cash, which is borrowed. Its default, 10.95 % a year, is the 0.03
    % a day that venues take for it in the interest part of funding (docs/venues.md#funding).
    """

    kind: Literal["perp"] = Field("perp", alias="as")
    leverage: Annotated[Factor, ABOVE_ZERO]
    stop_loss: Annotated[Rate | None, PART] = None
    match: Match = "capital"
    borrow_rate: Annotated[AnnualRate, ZERO_OR_MORE, OMITTED_AT_DEFAULT] = Decimal("0.1095")
