"""Desks on the clock: groups that act a few times a reset or an order, beside the kernel's crowd.

Their accounts are ordinary ones, with margin, fees and latency; what the kernel does for a group it goes on doing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from marketsim.announcements import AnnouncementFeed
from marketsim.messages import Order, Purpose
from marketsim.spec import Distribution
from marketsim.streams import Stream, draw

if TYPE_CHECKING:
    from marketsim.clock import MarketEnvironment
    from marketsim.venues.gateway import Gateway
    from marketsim.venues.view import View

Request = Callable[[int, int], None]
"""Ask a fund for units: `request(account, lots)`, + creates, - redeems."""


@dataclass(frozen=True)
class FundExposure:
    """What one lot of a token stands for: the fund's account, its legs, and the supply now [lots].

    legs: the target of each, signed. leverage: at the marks, signed, with hedges under way counted as done and
    redemptions as paid; None without equity. request: the token's primary market, None without one. on_rescale: called
    with the ratio of a split or merger, new units being worth that many old ones.
    """

    account: int
    legs: Mapping[str, Fraction]
    supply_lots: Callable[[], int]
    leverage: Callable[[], Fraction | None]
    request: Request | None
    on_rescale: list[Callable[[int], None]]


@dataclass(frozen=True)
class DeskContext:
    """What the desk of one group works with: its accounts, its way to the venue, what it can hear.

    accounts: the kernel's index of each trader; markets: where they trade; latency: of their messages. draws:
    `draws(name)` is the stream `<group id>/<name>`. atoms: of one tick of one lot, by market. start_ns: of the clock,
    from 1970. add_row: `add_row(table, **values)` writes a row of the run's tables. feed: where issuers announce.
    baskets: the markets in each token's basket. lender: the account of `outside` in the group's venue and currency.
    predicted_funding: by perpetual, the rate that a settlement now would charge. fund: behind the group's first market,
    where that is a token's own.
    """

    accounts: Sequence[int]
    markets: Sequence[str]
    latency: Distribution
    draws: Callable[[str], Stream]
    env: MarketEnvironment
    view: View
    gateway: Gateway
    atoms: Mapping[str, int]
    start_ns: int
    add_row: Callable[..., None]
    feed: AnnouncementFeed
    baskets: Mapping[str, Collection[str]]
    lender: int
    predicted_funding: Mapping[str, Callable[[], Fraction]]
    fund: FundExposure | None = None


class TraderDesk:
    """Sends orders for the accounts of one group, and knows what is still on its way."""

    def __init__(self, context: DeskContext) -> None:
        self.accounts = list(context.accounts)
        self.env, self.view, self.gateway = context.env, context.view, context.gateway
        self.draws, self.atoms = context.draws, context.atoms
        self._latency, self._late = context.latency, context.draws("latency")
        self._messages = [0] * len(self.accounts)
        self._sent: dict[tuple[int, str], list[Order]] = {}
        self._base = {
            (trader, market): self.view.position_lots(account, market)
            for trader, account in enumerate(self.accounts)
            for market in context.markets
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
        order = self.gateway.send(
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
            self.gateway.cancel(order, self.latency_ns(trader))

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
        return leverage * equity / (self.view.mark_ticks(market) * self.atoms[market])
