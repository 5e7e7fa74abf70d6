"""Who carries coin against a perpetual: what they declare, what it costs them, how a desk trades the two legs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from marketsim.messages import Purpose
from marketsim.ranges import ABOVE_ZERO, CADENCE, SHARE, ZERO_OR_MORE
from marketsim.spec import QUOTE, AnnualRate, Duration, Factor, Fault, MoneyAmount, Rate
from marketsim.traders.desk import DeskContext, TraderDesk
from marketsim.traders.desk_group import DeskGroupSpec
from marketsim.traders.group import HALF_IN_COIN, Surroundings
from marketsim.units import (
    ATOMS_PER_UNIT,
    NS_PER_SECOND,
    NS_PER_YEAR,
    Money,
    format_annual_rate,
    format_duration,
    format_money,
    format_number,
    format_rate,
)

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator

CHARGE_NS = 3_600 * NS_PER_SECOND
"""How often what was borrowed is paid for."""


class CarrySpec(DeskGroupSpec):
    """A position in a perpetual, against the opposite one in coin where `markets` names a spot market before it.

    every: how often each looks. slice: the most it trades in a leg at a look. limit, leverage: the largest position, as
    a notional and as a multiple of its equity. borrow: what the spot leg costs a year, bought with borrowed cash or
    sold from borrowed coin; it is paid every hour to `outside`. profit: what a trade must promise beyond its costs.
    The coin that a trader opens with is what its spot leg counts from, and what it can sell: half of its capital,
    unless `start` says otherwise.
    """

    on_spot: ClassVar[Mapping[str, Any]] = {"start": HALF_IN_COIN}
    hears_fills: ClassVar[bool] = True

    every: Annotated[Duration, CADENCE] = NS_PER_SECOND
    slice: Annotated[MoneyAmount, ABOVE_ZERO] = Money(Decimal(20_000), QUOTE)
    limit: Annotated[MoneyAmount, ABOVE_ZERO] = Money(Decimal(1_000_000), QUOTE)
    leverage: Annotated[Factor, ABOVE_ZERO] = Decimal("0.5")
    borrow: Annotated[AnnualRate, ZERO_OR_MORE] = Decimal("0.1")
    profit: Annotated[Rate, SHARE] = Decimal("0.0002")

    @property
    def perpetual(self) -> str:
        """The market of the perpetual leg."""
        return self.markets[-1]

    @property
    def spot(self) -> str | None:
        """The market of the spot leg, None where there is none."""
        return self.markets[0] if len(self.markets) == 2 else None

    @property
    def fees_there_and_back(self) -> float:
        """Taker fees of opening and closing all legs, as a share of the notional of one."""
        assert self.fees is not None  # written in when the scenario loads
        return 2 * len(self.markets) * float(self.fees.taker)

    def borrowing(self, for_ns: float) -> float:
        """What the spot leg costs in so long a time, as a share of its notional."""
        return float(self.borrow) * for_ns / NS_PER_YEAR if self.spot is not None else 0.0

    def leg_faults(self, around: Surroundings) -> Iterator[Fault]:
        """Whether its markets are a perpetual, or a spot market and then a perpetual."""
        sorts = [around.sorts.get(name) for name in self.markets]
        if None in sorts:
            return
        if len(sorts) > 2 or sorts[-1] != "perpetual" or sorts[:-1] not in ([], ["spot"]):
            yield Fault(("markets",), "these are not a spot market and then a perpetual", "[SPOT MARKET, PERPETUAL]")

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the markets there are."""
        yield from super().faults(around)
        yield from self.leg_faults(around)
        if self.rate:
            yield Fault(("rate",), "this group looks every `every`, by no clock of its own", "left out")
        for name in self.markets:
            if name in around.without_book:
                yield Fault(("markets",), f"{name} matches by a formula and has no quotes to compare", "a book")

    def terms_in_words(self) -> str:
        """What its positions may be and cost, in words."""
        text = (
            f"They look every {format_duration(self.every)}, trade at most {format_money(self.slice)} a leg at a time, "
            f"and hold at most {format_money(self.limit)} or {format_number(self.leverage)} times their equity."
        )
        if self.spot is not None:
            text += f" Borrowing for the spot leg costs {format_annual_rate(self.borrow)}."
        return text + f" They want {format_rate(self.profit)} beyond their costs."


class CarryDesk(TraderDesk):
    """Looks for one group, and moves the legs of each trader towards what it wants."""

    def __init__(self, spec: CarrySpec, context: DeskContext) -> None:
        super().__init__(context)
        self.carry, self.lender = spec, context.lender
        self.ticks = {name: float(self.gateway.ticks[name]) for name in spec.markets}
        self.coin = {name: self.atoms[name] / ATOMS_PER_UNIT / self.ticks[name] for name in spec.markets}
        """Coins in a lot, by market."""

    def start(self) -> None:
        """Let every trader begin to look, each at a time of its own within the first `every`."""
        for trader in range(len(self.accounts)):
            self.env.process(self._look(trader))
            if self.carry.spot is not None and self.carry.borrow:
                self.env.process(self._pay_for_borrowing(trader))

    def wanted_coins(self, trader: int) -> float:
        """The spot position a trader wants [coins, + long], beyond the coin it opened with; the perp is opposite."""
        raise NotImplementedError(f"{type(self).__name__} has no wanted_coins()")

    def _look(self, trader: int) -> ProcessGenerator:
        yield self.env.timeout(int(self.carry.every * float(self.draws("look").uniform(trader, 0))))
        while True:
            self._move(trader, self.wanted_coins(trader))
            yield self.env.timeout(self.carry.every)

    # -- prices and positions

    def bid(self, market: str) -> float | None:
        """Best bid [money], None on an empty side."""
        ticks = self.view.bid_ticks(market)
        return None if ticks is None else ticks * self.ticks[market]

    def ask(self, market: str) -> float | None:
        """Best ask [money], None on an empty side."""
        ticks = self.view.ask_ticks(market)
        return None if ticks is None else ticks * self.ticks[market]

    def held_coins(self, trader: int) -> float:
        """The spot position, or without a spot leg minus that of the perpetual, orders on their way included."""
        if self.carry.spot is None:
            return -self.committed_lots(trader, self.carry.perpetual) * self.coin[self.carry.perpetual]
        return self.committed_lots(trader, self.carry.spot) * self.coin[self.carry.spot]

    def most_coins(self, trader: int) -> float:
        """The largest position of a trader [coins]."""
        perpetual = self.carry.perpetual
        price = self.view.mark_ticks(perpetual) * self.ticks[perpetual]
        by_equity = self.affordable_lots(trader, perpetual, float(self.carry.leverage)) * self.coin[perpetual]
        return min(float(self.carry.limit.amount) / price, by_equity)

    # -- trading

    def _move(self, trader: int, wanted: float) -> None:
        """Trade a slice towards the wanted spot position, and the perpetual to its opposite."""
        spot, perpetual, held = self.carry.spot, self.carry.perpetual, self.held_coins(trader)
        price = self.view.mark_ticks(perpetual) * self.ticks[perpetual]
        slice_ = float(self.carry.slice.amount) / price
        step = min(max(wanted - held, -slice_), slice_)
        if spot is not None:
            lots = self._coverable(trader, spot, int(step / self.coin[spot]))
            if lots:
                self.send(trader, spot, lots, purpose=Purpose.ARBITRAGE)
            held += lots * self.coin[spot]
        else:
            held += step
        missing = int(-held / self.coin[perpetual] - self.committed_lots(trader, perpetual))
        most = int(2 * slice_ / self.coin[perpetual])
        if missing:
            self.send(trader, perpetual, min(max(missing, -most), most), purpose=Purpose.ARBITRAGE)

    def _coverable(self, trader: int, spot: str, lots: int) -> int:
        """So much of an order as the trader's coin or cash covers, what is on its way counted."""
        account, way = self.accounts[trader], self.committed_lots(trader, spot) - self.gained_lots(trader, spot)
        if lots < 0:
            return -min(-lots, max(self.view.position_lots(account, spot) + min(way, 0), 0))
        cost = self.view.mark_ticks(spot) * self.atoms[spot] * 1.01  # the fee, and a book that moves
        return min(lots, max(int(self.view.cash_atoms(account) / cost) - max(way, 0), 0))

    def _pay_for_borrowing(self, trader: int) -> ProcessGenerator:
        """Pay every hour for the spot leg as it stands then, at the mark."""
        spot = self.carry.spot
        assert spot is not None
        share = self.carry.borrowing(CHARGE_NS)
        while True:
            yield self.env.timeout(CHARGE_NS)
            notional = abs(self.gained_lots(trader, spot)) * self.view.mark_ticks(spot) * self.atoms[spot]
            self.gateway.transfer(self.accounts[trader], self.lender, int(notional * share), "interest")
