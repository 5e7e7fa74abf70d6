"""A trader at the kernel's speed: a coin decides whether it buys or sells."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

import numpy as np

from marketsim.kernel.codes import BUY, F_IOC, SELL
from marketsim.kernel.external import external_rule, place
from marketsim.kernel.rule import group_parameters, reads_parameters
from marketsim.kernel.sending import behind, lots_of, words
from marketsim.ranges import ABOVE_ZERO, SHARE, ZERO_OR_MORE
from marketsim.spec import EventRate, MoneyAmount, Rate
from marketsim.traders.group import TraderGroupSpec
from marketsim.traders.rule import GroupRule, GroupTerms
from marketsim.units import format_money, format_rate

PARAMETERS = group_parameters(
    ("size_ticklots", "f8"),
    ("buy_threshold", "i8"),  # of 65,536
    ("protection", "f8"),  # fraction of the price that an order may reach behind the best
)
parameters_of = reads_parameters(PARAMETERS)


@external_rule(PARAMETERS)
def flip_coin(w, g, m, trader, index, wakeup, delay):
    """Send one market order, to whichever side the coin says."""
    p = parameters_of(g)
    r0, _, _, _ = words(g, index, wakeup)
    side = BUY if (r0 & 0xFFFF) < p.buy_threshold else SELL
    price, lots = behind(m, side, p.protection), lots_of(p.size_ticklots, m.index_ticks)
    place(w, m, np.int64(trader.position), delay, side, price, lots, F_IOC, np.int64(-1))


class CoinFlipperSpec(TraderGroupSpec):
    """Buys with probability `buy_share`, else sells, `size` at a time."""

    kind: Literal["coin_flipper"]
    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(30, 3_600)
    size: Annotated[MoneyAmount, ABOVE_ZERO]
    buy_share: Annotated[Rate, SHARE]
    protection: Annotated[Rate, SHARE] = Decimal("0.01")

    def sentence(self) -> str:
        """What each of them does, in words."""
        size = format_money(self.size)
        return f"They buy with a chance of {format_rate(self.buy_share)}, else sell, {size} at a time."

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel takes it: the rule, and its numbers by the names it has for them."""
        parameters = {
            "size_ticklots": terms.ticklots(self.size),
            "buy_threshold": round(self.buy_share * 65_536),
            "protection": float(self.protection),
        }
        return GroupRule(flip_coin, parameters)
