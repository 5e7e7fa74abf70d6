"""Traders who act a few times per reset or per order: their desk on the clock, beside the kernel's crowd.

Their accounts are ordinary ones, with margin, fees and latency; the kernel never wakes them (their group has no clock).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pydantic import model_validator

from marketsim.messages import Order, Purpose
from marketsim.spec import EventRate, Identifier
from marketsim.streams import Stream, draw
from marketsim.traders.group import GroupRule, GroupTerms, TraderGroupSpec

if TYPE_CHECKING:
    from marketsim.clock import MarketEnvironment
    from marketsim.venues.gateway import Gateway
    from marketsim.venues.view import View


class DeskGroupSpec(TraderGroupSpec):
    """A group that acts on one `market` or on several `markets` of one venue and currency, at the fees of the first."""

    rate: EventRate = Fraction(0)
    markets: tuple[Identifier, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _name_both(cls, given: Any) -> Any:
        """One market is a list of one, and the first of a list is the group's market."""
        if not isinstance(given, dict):
            return given
        markets, market = given.get("markets"), given.get("market")
        if market is None and isinstance(markets, (list, tuple)) and markets and isinstance(markets[0], str):
            return {**given, "market": markets[0]}
        if not markets and isinstance(market, str):
            return {**{key: value for key, value in given.items() if key != "markets"}, "markets": [market]}
        return given


def unwoken(spec: DeskGroupSpec, terms: GroupTerms) -> GroupRule:
    """The group as the kernel takes it: accounts and positions, and a clock that never strikes."""
    del spec, terms
    return GroupRule(None)


@dataclass(frozen=True)
class Floor:
    """What every desk needs to trade: clock, view, door; atoms of one tick of one lot by market."""

    env: MarketEnvironment
    view: View
    gateway: Gateway
    atoms: Mapping[str, int]


class TraderDesk:
    """Sends orders for the accounts of one group, and knows what is still on its way.

    accounts: the kernel's index of each trader. draws: `draws(name)` is the stream `<group id>/<name>`.
    """

    def __init__(
        self, spec: DeskGroupSpec, accounts: Sequence[int], floor: Floor, draws: Callable[[str], Stream]
    ) -> None:
        self.accounts = list(accounts)
        self.floor, self.env, self.view = floor, floor.env, floor.view
        self.draws = draws
        self._latency, self._late = spec.latency, draws("latency")
        self._messages = [0] * len(self.accounts)
        self._sent: dict[tuple[int, str], list[Order]] = {}
        self._base = {
            (trader, market): self.view.position_lots(account, market)
            for trader, account in enumerate(self.accounts)
            for market in spec.markets
        }

    @property
    def now_ns(self) -> int:
        """The present instant [ns from the start]."""
        return int(self.env.now)

    def start(self) -> None:
        """Begin to act."""
        raise NotImplementedError(f"{type(self).__name__} has no start()")

    def latency_ns(self, trader: int) -> int:
        """How long the trader's next message takes to the venue: one draw a message."""
        self._messages[trader] += 1
        if self._latency.kind == "constant":
            return int(self._latency.parameters["value"])
        return round(float(draw(self._latency, self._late, trader, count=self._messages[trader])))

    def send(
        self,
        trader: int,
        market: str,
        lots: int,
        *,
        price_ticks: int | None = None,
        purpose: Purpose = Purpose.NORMAL,
        parent: int = -1,
        reduce_only: bool = False,
    ) -> Order:
        """Send signed lots: at market, or with a price as an order that only rests."""
        order = self.floor.gateway.send(
            self.accounts[trader],
            market,
            lots,
            order_type="market" if price_ticks is None else "limit",
            price_ticks=price_ticks,
            tif="gtc" if price_ticks is None else "post_only",
            reduce_only=reduce_only,
            purpose=purpose,
            parent=parent,
            latency_ns=self.latency_ns(trader),
        )
        if price_ticks is None:
            self._sent.setdefault((trader, market), []).append(order)
        return order

    def cancel(self, trader: int, order: Order) -> None:
        """Ask for an order back."""
        if not order.is_final:
            self.floor.gateway.cancel(order, self.latency_ns(trader))

    def gained_lots(self, trader: int, market: str) -> int:
        """Signed position beyond the one the trader started with."""
        return self.view.position_lots(self.accounts[trader], market) - self._base[trader, market]

    def committed_lots(self, trader: int, market: str) -> int:
        """The same as it will be once market orders on their way are filled."""
        key = trader, market
        self._sent[key] = [order for order in self._sent.get(key, ()) if not order.is_final]
        return self.gained_lots(trader, market) + sum(order.lots - order.filled_lots for order in self._sent[key])

    def affordable_lots(self, trader: int, market: str, leverage: float) -> float:
        """Lots that the trader's equity carries at a leverage, at the mark."""
        equity = max(self.view.equity_atoms(self.accounts[trader]), 0)
        return leverage * equity / (self.view.mark_ticks(market) * self.floor.atoms[market])
