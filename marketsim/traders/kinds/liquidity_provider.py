"""Liquidity providers: they stand in the book against an order that was announced, and work off what they took."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil, floor
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from marketsim.messages import Order
from marketsim.ranges import ABOVE_ZERO, CADENCE, LEVELS, ONE_OR_MORE, PART, ZERO_OR_MORE
from marketsim.spec import AnnualRate, Count, Duration, Factor, KeyPath, Rate
from marketsim.traders.desk import DeskContext, TraderDesk
from marketsim.traders.follower import FollowerDesk, FollowerSpec
from marketsim.traders.group import TRADERS
from marketsim.traders.knowledge import Prospect
from marketsim.units import NS_PER_SECOND, NS_PER_YEAR, format_duration, format_rate

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


@TRADERS.register
class LiquidityProviderSpec(FollowerSpec):
    """Offers the other side of a reset in limit orders around a price, and works its inventory off afterwards.

    share: of the order it expects, at most, for each trader; leverage: of its equity, at most. levels at distances
    first * growth^l from the mid, or from the index (`around`), which the order does not move. risk_aversion: relative,
    to an inventory that it works off within `unwind` at the `volatility` (absent: of the index). every: how often it
    looks at its quotes; patience: how long after a reset falls due it waits for an order that does not come.
    """

    supplies_liquidity: ClassVar[bool] = True

    kind: Literal["liquidity_provider"]
    share: Annotated[Rate, ZERO_OR_MORE] = Decimal("0.1")
    leverage: Annotated[Factor, ABOVE_ZERO] = Decimal(3)
    around: Literal["mid", "index"] = "mid"
    levels: Annotated[Count, LEVELS] = 5
    first: Annotated[Rate, PART] = Decimal("0.0002")
    growth: Annotated[Factor, ONE_OR_MORE] = Decimal("1.8")
    risk_aversion: Annotated[Factor, ZERO_OR_MORE] = Decimal(500)
    volatility: Annotated[AnnualRate | None, ZERO_OR_MORE] = None
    every: Annotated[Duration, CADENCE] = 5 * NS_PER_SECOND
    patience: Annotated[Duration, ZERO_OR_MORE] = 600 * NS_PER_SECOND
    unwind: Annotated[Duration, ABOVE_ZERO] = 600 * NS_PER_SECOND

    def completed(self, volatility: Decimal) -> Self:
        """The group with its volatility written in."""
        return self if self.volatility is not None else self.model_copy(update={"volatility": volatility})

    def desk(self, context: DeskContext) -> TraderDesk:
        """The desk that keeps their quotes."""
        return LiquidityProviderDesk(self, context)

    def resting_key(self) -> KeyPath | None:
        """All it does is rest orders."""
        return ("kind",)

    def sentence(self) -> str:
        """What each of them does, in words."""
        return (
            f"They offer the other side of up to {format_rate(self.share)} of the order each expects around the "
            f"{self.around}, from {format_rate(self.first)} away on, and work it off within "
            f"{format_duration(self.unwind)}. {self.knowledge_in_words()}"
        )


def supply_share(distance: float, risk_aversion: float, volatility: float, unwind_ns: int) -> float:
    """Inventory, as a multiple of equity, that a concession of this size pays for: d / (a sigma^2 T).

    The mean-variance choice of a provider who earns the concession and bears the price until the inventory is gone
    (Grossman & Miller 1988, "Liquidity and market structure", J. Finance 43:617-633, equation 6, as a share of wealth).
    Infinite without risk.
    """
    risk = risk_aversion * volatility * volatility * unwind_ns / NS_PER_YEAR
    return distance / risk if risk else float("inf")


@dataclass(slots=True)
class QuotingSession:
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
    """Runs the quoting sessions of one group of liquidity providers.

    Source: Admati & Pfleiderer 1991, "Sunshine trading and financial market equilibrium", RFS 4:443-481, and
    Bessembinder, Carrion, Tuttle & Venkataraman 2016, JFE 121:142-165: an announced order without information draws
    liquidity in. Quotes stand on a supply schedule (`supply_share`); what is taken counts as having climbed it. The
    net of all resets known in a market decides the side.
    """

    def __init__(self, spec: LiquidityProviderSpec, context: DeskContext) -> None:
        super().__init__(spec, context)
        self.spec = spec
        self.sessions = {
            (trader, market): QuotingSession(trader, market)
            for trader in range(len(self.accounts))
            for market in spec.markets
        }
        volatility = float(spec.volatility or 0)
        self.distances = [float(spec.first * spec.growth**level) for level in range(spec.levels)]
        self.supply = [supply_share(d, float(spec.risk_aversion), volatility, spec.unwind) for d in self.distances]

    def consider(self, token: str) -> None:
        """Open a session wherever an order is expected and none is open."""
        del token  # all that is expected in a market counts
        expected = self._expected()
        for session in self.sessions.values():
            if not session.is_open and any(each.lots for each in expected if each.market == session.market):
                session.is_open = True
                self.env.process(self._keep(session))

    def _expected(self) -> list[Prospect]:
        """Legs of resets that are due by the clock or under way, and not waited for in vain."""
        found = [each for token in self.tokens for each in self.prospects(token)]
        return [each for each in found if each.due_ns is not None and self.now_ns < each.due_ns + self.spec.patience]

    # -- one session

    def _keep(self, session: QuotingSession) -> ProcessGenerator:
        """Look again and again, until nothing is expected and nothing is held."""
        while True:
            mine = [each for each in self._expected() if each.market == session.market]
            order = sum(self.knowledge.lots(each, session.trader) for each in mine)
            if order:
                session.began_ns = -1
                self._quote(session, order)
            elif not self._work_off(session):
                session.is_open = False
                return
            yield self.env.timeout(self.spec.every)

    def _quote(self, session: QuotingSession, order: int) -> None:
        """Stand against an order of signed lots: bids below the mid for a sale, asks above it for a purchase."""
        mid = self.view.mid(session.market)
        if mid is None:
            return
        centre = mid if self.spec.around == "mid" else float(self.view.index_ticks(session.market))
        side = -1 if order > 0 else 1
        carried = self.affordable_lots(session.trader, session.market, 1.0)
        bound = min(float(self.spec.share) * abs(order), float(self.spec.leverage) * carried)
        if self._still_stands(session, side, centre, bound):
            return
        self._withdraw(session)
        session.side, session.quoted_at, session.quoted_bound = side, centre, bound
        climbed = max(side * self.gained_lots(session.trader, session.market), 0)
        for distance, supply in zip(self.distances, self.supply, strict=True):
            lots = int(min(supply * carried, bound)) - climbed
            if lots > 0:
                climbed += lots
                price = self._resting_ticks(session.market, side, centre * (1.0 - side * distance))
                session.quotes.append(self.send(session.trader, session.market, side * lots, price_ticks=price))

    def _resting_ticks(self, market: str, side: int, price: float) -> int:
        """A price rounded away from the other side, and held behind its best quote."""
        if side > 0:
            ask = self.view.ask_ticks(market)
            return max(floor(price) if ask is None else min(floor(price), ask - 1), 1)
        bid = self.view.bid_ticks(market)
        return ceil(price) if bid is None else max(ceil(price), bid + 1)

    def _still_stands(self, session: QuotingSession, side: int, centre: float, bound: float) -> bool:
        """Whether the quotes need no change: same side, about the same size, centre within half the first distance."""
        is_whole = bool(session.quotes) and all(not q.is_final and not q.filled_lots for q in session.quotes)
        near = abs(centre - session.quoted_at) <= 0.5 * self.distances[0] * centre
        return (
            is_whole
            and session.side == side
            and near
            and abs(bound - session.quoted_bound) <= SAME * session.quoted_bound
        )

    def _withdraw(self, session: QuotingSession) -> None:
        for quote in session.quotes:
            self.cancel(session.trader, quote)
        session.leaving = [quote for quote in (*session.leaving, *session.quotes) if not quote.is_final]
        session.quotes = []

    def _work_off(self, session: QuotingSession) -> bool:
        """Bring the inventory down in step with the time; whether there is anything left to do.

        What should be gone by now waits in the book; after `unwind` the rest goes at market.
        """
        self._withdraw(session)
        session.side = 0
        held = self.committed_lots(session.trader, session.market)
        if session.began_ns < 0:
            session.began_ns, session.held_lots = self.now_ns, held
        if held == 0:
            return bool(session.leaving)
        elapsed = (self.now_ns + self.spec.every - session.began_ns) / max(self.spec.unwind, 1)
        if elapsed > 1.0:
            self.send(session.trader, session.market, -held)
            return True
        excess = abs(held) - floor(abs(session.held_lots) * (1.0 - elapsed))
        price = self._exit_ticks(session.market, sells=held > 0)
        if price is not None and excess > 0:
            lots = -excess if held > 0 else excess
            session.quotes.append(self.send(session.trader, session.market, lots, price_ticks=price))
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
