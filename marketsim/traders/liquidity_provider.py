"""Liquidity providers: they stand in the book against an order that was announced, and work off what they took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil, floor
from typing import TYPE_CHECKING, Literal

from marketsim.messages import Order
from marketsim.spec import AnnualRate, Count, Duration, Factor, Rate
from marketsim.streams import Stream
from marketsim.traders.desk import Floor
from marketsim.traders.follower import FollowerDesk, FollowerSpec
from marketsim.traders.knowledge import Knowledge, Prospect
from marketsim.units import NS_PER_SECOND, NS_PER_YEAR

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


class LiquidityProviderSpec(FollowerSpec):
    """Offers the other side of a reset in limit orders around a price, and works its inventory off afterwards.

    share: of the order it expects, at most, for each trader; leverage: of its equity, at most. levels at distances
    first * growth^l from the mid, or from the index (`around`), which the order does not move. risk_aversion: relative,
    to an inventory that it works off within `unwind` at the `volatility` (absent: of the index). every: how often it
    looks at its quotes; patience: how long after a reset falls due it waits for an order that does not come.
    """

    kind: Literal["liquidity_provider"]
    share: Rate = Decimal("0.1")
    leverage: Factor = Decimal(3)
    around: Literal["mid", "index"] = "mid"
    levels: Count = 5
    first: Rate = Decimal("0.0002")
    growth: Factor = Decimal("1.8")
    risk_aversion: Factor = Decimal(500)
    volatility: AnnualRate | None = None
    every: Duration = 5 * NS_PER_SECOND
    patience: Duration = 600 * NS_PER_SECOND
    unwind: Duration = 600 * NS_PER_SECOND


def supply_share(distance: float, risk_aversion: float, volatility: float, unwind_ns: int) -> float:
    """Inventory, as a multiple of equity, that a concession of this size pays for: d / (a sigma^2 T).

    The mean-variance choice of a provider who earns the concession and bears the price until the inventory is gone
    (Grossman & Miller 1988, "Liquidity and market structure", J. Finance 43:617-633, equation 6, as a share of wealth).
    Infinite without risk.
    """
    risk = risk_aversion * volatility * volatility * unwind_ns / NS_PER_YEAR
    return distance / risk if risk else float("inf")


@dataclass(slots=True)
class Stall:
    """What one trader has standing in one market.

    quotes: its orders; leaving: those it has asked back; quoted_at, quoted_bound: what they stand around and the
    largest inventory when they were placed; side: + while it buys, - while it sells, 0 while it works off. held_lots:
    inventory when that began, at began_ns.
    """

    trader: int
    market: str
    side: int = 0
    quotes: list[Order] = field(default_factory=list)
    leaving: list[Order] = field(default_factory=list)
    quoted_at: float = 0.0
    quoted_bound: float = 0.0
    held_lots: int = 0
    began_ns: int = -1
    is_open: bool = False


class LiquidityProviderDesk(FollowerDesk):
    """Runs the stalls of one group of liquidity providers.

    Source: Admati & Pfleiderer 1991, "Sunshine trading and financial market equilibrium", RFS 4:443-481, and
    Bessembinder, Carrion, Tuttle & Venkataraman 2016, JFE 121:142-165: an announced order without information draws
    liquidity in. Quotes stand on a supply schedule (`supply_share`); what is taken counts as having climbed it. The
    net of all resets known in a market decides the side.
    """

    def __init__(
        self,
        spec: LiquidityProviderSpec,
        accounts: Sequence[int],
        floor: Floor,
        draws: Callable[[str], Stream],
        knowledge: Knowledge,
        tokens: Sequence[str],
    ) -> None:
        super().__init__(spec, accounts, floor, draws, knowledge, tokens)
        self.spec = spec
        self.stalls = {
            (trader, market): Stall(trader, market) for trader in range(len(self.accounts)) for market in spec.markets
        }
        volatility = float(spec.volatility or 0)
        self.distances = [float(spec.first * spec.growth**level) for level in range(spec.levels)]
        self.supply = [supply_share(d, float(spec.risk_aversion), volatility, spec.unwind) for d in self.distances]

    def consider(self, token: str) -> None:
        """Open a stall wherever an order is expected and none is open."""
        del token  # all that is expected in a market counts
        expected = self._expected()
        for stall in self.stalls.values():
            if not stall.is_open and any(each.lots for each in expected if each.market == stall.market):
                stall.is_open = True
                self.env.process(self._keep(stall))

    def _expected(self) -> list[Prospect]:
        """Legs of resets that are due by the clock or under way, and not waited for in vain."""
        found = [each for token in self.tokens for each in self.prospects(token)]
        return [each for each in found if each.due_ns is not None and self.now_ns < each.due_ns + self.spec.patience]

    # -- one stall

    def _keep(self, stall: Stall) -> ProcessGenerator:
        """Look again and again, until nothing is expected and nothing is held."""
        while True:
            mine = [each for each in self._expected() if each.market == stall.market]
            order = sum(self.knowledge.lots(each, stall.trader) for each in mine)
            if order:
                stall.began_ns = -1
                self._quote(stall, order)
            elif not self._work_off(stall):
                stall.is_open = False
                return
            yield self.env.timeout(self.spec.every)

    def _quote(self, stall: Stall, order: int) -> None:
        """Stand against an order of signed lots: bids below the mid for a sale, asks above it for a purchase."""
        mid = self.view.mid(stall.market)
        if mid is None:
            return
        centre = mid if self.spec.around == "mid" else float(self.view.index_ticks(stall.market))
        side = -1 if order > 0 else 1
        carried = self.affordable_lots(stall.trader, stall.market, 1.0)
        bound = min(float(self.spec.share) * abs(order), float(self.spec.leverage) * carried)
        if self._still_stands(stall, side, centre, bound):
            return
        self._withdraw(stall)
        stall.side, stall.quoted_at, stall.quoted_bound = side, centre, bound
        climbed = max(side * self.gained_lots(stall.trader, stall.market), 0)
        for distance, supply in zip(self.distances, self.supply, strict=True):
            lots = int(min(supply * carried, bound)) - climbed
            if lots > 0:
                climbed += lots
                price = self._resting_ticks(stall.market, side, centre * (1.0 - side * distance))
                stall.quotes.append(self.send(stall.trader, stall.market, side * lots, price_ticks=price))

    def _resting_ticks(self, market: str, side: int, price: float) -> int:
        """A price rounded away from the other side, and held behind its best quote."""
        if side > 0:
            ask = self.view.ask_ticks(market)
            return max(floor(price) if ask is None else min(floor(price), ask - 1), 1)
        bid = self.view.bid_ticks(market)
        return ceil(price) if bid is None else max(ceil(price), bid + 1)

    def _still_stands(self, stall: Stall, side: int, centre: float, bound: float) -> bool:
        """Whether the quotes need no change: same side, about the same size, centre within half the first distance."""
        is_whole = bool(stall.quotes) and all(not q.is_final and not q.filled_lots for q in stall.quotes)
        near = abs(centre - stall.quoted_at) <= 0.5 * self.distances[0] * centre
        return is_whole and stall.side == side and near and abs(bound - stall.quoted_bound) <= SAME * stall.quoted_bound

    def _withdraw(self, stall: Stall) -> None:
        for quote in stall.quotes:
            self.cancel(stall.trader, quote)
        stall.leaving = [quote for quote in (*stall.leaving, *stall.quotes) if not quote.is_final]
        stall.quotes = []

    def _work_off(self, stall: Stall) -> bool:
        """Bring the inventory down in step with the time; whether there is anything left to do.

        What should be gone by now waits in the book; after `unwind` the rest goes at market.
        """
        self._withdraw(stall)
        stall.side = 0
        held = self.committed_lots(stall.trader, stall.market)
        if stall.began_ns < 0:
            stall.began_ns, stall.held_lots = self.now_ns, held
        if held == 0:
            return bool(stall.leaving)
        elapsed = (self.now_ns + self.spec.every - stall.began_ns) / max(self.spec.unwind, 1)
        if elapsed > 1.0:
            self.send(stall.trader, stall.market, -held)
            return True
        excess = abs(held) - floor(abs(stall.held_lots) * (1.0 - elapsed))
        price = self._exit_ticks(stall.market, sells=held > 0)
        if price is not None and excess > 0:
            lots = -excess if held > 0 else excess
            stall.quotes.append(self.send(stall.trader, stall.market, lots, price_ticks=price))
        return True

    def _exit_ticks(self, market: str, *, sells: bool) -> int | None:
        """The best price of the own side; around the index, none that gives part of the concession back."""
        best = self.view.ask_ticks(market) if sells else self.view.bid_ticks(market)
        if best is None or self.spec.around == "mid":
            return best
        index = self.view.index_ticks(market)
        return max(best, index) if sells else min(best, index)


SAME = 0.1
"""Relative change of a bound that is not worth new quotes."""
