"""Metaorders: large orders from outside, cut into many, whose time, side and size nothing in the market moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from json import dumps
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from marketsim.messages import Order
from marketsim.ranges import ABOVE_ZERO, ANY, SHARE, SLICES
from marketsim.spec import Count, Duration, Fault, MoneyDistribution, Rate, TimeOfDay
from marketsim.streams import draw
from marketsim.traders.desk import DeskContext, TraderDesk
from marketsim.traders.desk_group import DeskGroupSpec
from marketsim.traders.group import TRADERS, Surroundings
from marketsim.units import (
    ATOMS_PER_UNIT,
    NS_PER_DAY,
    NS_PER_SECOND,
    format_duration,
    format_rate,
    format_time_of_day,
)

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


@TRADERS.register
class MetaorderSpec(DeskGroupSpec):
    """Large orders at `rate` per trader and at the times of day `at` (UTC), worked in market orders.

    size: notional at the index when it starts. buy_share: of orders that buy. over, slices: equal market orders, evenly
    spaced, the first at once. With several `markets` each order has one of them, drawn at random.
    """

    event_words: ClassVar[tuple[str, ...]] = ("metaorder",)

    kind: Literal["metaorder"]
    at: Annotated[tuple[TimeOfDay, ...], ANY] = ()
    size: MoneyDistribution
    buy_share: Annotated[Rate, SHARE] = Decimal("0.5")
    over: Annotated[Duration, ABOVE_ZERO]
    slices: Annotated[Count, SLICES] = 30

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the markets there are."""
        yield from super().faults(around)
        if not self.rate and not self.at:
            yield Fault((), "these orders never start", "a rate above zero, or times of day `at`")
        if len(set(self.at)) < len(self.at):
            yield Fault(("at",), "a time of day stands here twice", "each once")

    def desk(self, context: DeskContext) -> TraderDesk:
        """The desk that starts and works their orders."""
        return MetaorderDesk(self, context)

    def sentence(self) -> str:
        """What each of them does, in words."""
        times = " and at " + ", ".join(format_time_of_day(at) for at in self.at) if self.at else ""
        return (
            f"They send large orders at that rate{times}, {format_rate(self.buy_share)} of them to buy, in "
            f"{self.slices} slices over {format_duration(self.over)}."
        )


@dataclass(slots=True)
class Metaorder:
    """One parent order; parent: its number in its group, which its trades carry as their parent."""

    parent: int
    trader: int
    market: str
    lots: int
    begun_ns: int
    step: int = 0
    filled_lots: int = 0


class MetaorderDesk(TraderDesk):
    """Starts and works the metaorders of one group.

    Gaps between starts are exponential (a Poisson clock per trader); start, side, size and market are functions of
    (seed, replication, group, trader, count) alone, so that every arm of a replication has the same ones
    (docs/contract.md#shared-draws). What a slice does not find is made up for by the next; the last leaves its rest.
    Their impact is what docs/theory.md#concave-impact compares with the square root of size.
    """

    def __init__(self, spec: MetaorderSpec, context: DeskContext) -> None:
        super().__init__(context)
        self.spec, self.start_ns, self.add_row = spec, context.start_ns, context.add_row
        self.parents: list[Metaorder] = []

    def start(self) -> None:
        """Set the clock of every trader."""
        for trader in range(len(self.accounts)):
            if self.spec.rate:
                self.env.process(self._wait_for_luck(trader))
            for at_ns in self.spec.at:
                self.env.process(self._wait_for_time(trader, at_ns))

    def _wait_for_luck(self, trader: int) -> ProcessGenerator:
        mean_ns = float(NS_PER_SECOND / self.spec.rate)
        count = 0
        while True:
            yield self.env.timeout(max(1, int(mean_ns * float(self.draws("start").exponential(trader, count)))))
            self._begin(trader, "", count)
            count += 1

    def _wait_for_time(self, trader: int, time_of_day_ns: int) -> ProcessGenerator:
        """Every day at a time of day, from the start on."""
        at_ns = (time_of_day_ns - self.start_ns) % NS_PER_DAY
        while True:
            yield self.env.at(at_ns)
            self._begin(trader, "at/", at_ns)
            at_ns += NS_PER_DAY

    def _begin(self, trader: int, kind: str, count: int) -> None:
        """Draw the order that starts now, and work it."""
        spec = self.spec
        chosen = int(self.draws(f"{kind}market").integers(len(spec.markets), trader, count))
        market = spec.markets[chosen]
        buys = float(self.draws(f"{kind}side").uniform(trader, count)) < float(spec.buy_share)
        money = float(draw(spec.size, self.draws(f"{kind}size"), trader, count=count))
        per_lot = self.view.index_ticks(market) * self.atoms[market]
        lots = round(money * ATOMS_PER_UNIT / per_lot)
        order = Metaorder(len(self.parents), trader, market, lots if buys else -lots, self.now_ns)
        self.parents.append(order)
        account = self.accounts[trader]
        detail = {"account": account, "market": market, "lots": order.lots, "over_ns": spec.over, "slices": spec.slices}
        subject = f"{spec.id}/{order.parent}"
        self.add_row("events", t_ns=self.now_ns, event="metaorder", subject=subject, detail=dumps(detail))
        if lots:
            self.env.process(self._work(order))

    def _work(self, order: Metaorder) -> ProcessGenerator:
        sent: list[Order] = []
        slices = self.spec.slices
        while order.step < slices:
            at_ns = order.begun_ns + self.spec.over * order.step // slices
            yield self.env.timeout(max(at_ns - self.now_ns, 0))
            order.step += 1
            wanted = round(Fraction(order.lots * order.step, slices))
            missing = wanted - sum(each.filled_lots if each.is_final else each.lots for each in sent)
            if missing:
                sent.append(self.send(order.trader, order.market, missing, parent=order.parent))
            order.filled_lots = sum(each.filled_lots for each in sent)
