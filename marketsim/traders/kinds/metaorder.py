"""Metaorders: large orders cut into many, a few from outside, or a crowd of parents that makes the flow's memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from json import dumps
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np

from marketsim.messages import Order
from marketsim.ranges import ABOVE_ZERO, ANY, SHARE, SLICES, ZERO_OR_MORE, Range
from marketsim.spec import (
    OMITTED_AT_DEFAULT,
    Count,
    Duration,
    DurationDistribution,
    Factor,
    Fault,
    MoneyDistribution,
    NumberDistribution,
    Rate,
    Spec,
    TimeOfDay,
    distribution_words,
)
from marketsim.streams import (
    draw,
    lower_end,
    normal_quantile,
    power_,
    quantile_table,
    tail_quantile_table,
    upper_end,
)
from marketsim.traders.desk import DeskContext, TraderDesk
from marketsim.traders.desk_group import DeskGroupSpec
from marketsim.traders.group import TRADERS, Surroundings, mean_faults, unseen_faults
from marketsim.traders.rule import TABLE, UNLIMITED, GroupRule, GroupTerms, middle_quantiles
from marketsim.units import (
    ATOMS_PER_UNIT,
    NS_PER_DAY,
    NS_PER_SECOND,
    format_duration,
    format_number,
    format_rate,
    format_time_of_day,
)

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


_PROTECTION = 0.005  # how far behind the best price a child may reach
_MOST_CHILDREN = 1_000_000
_SLICES = 30  # where a large order says nothing else


class ChildrenSpec(Spec):
    """The children of a crowd of parents: how many each has (rounded down, at least one), their sizes, how fast.

    gap: mean time between a parent's children, drawn for each parent; the times are exponential. slowing: a parent of n
    children is n^slowing times as slow. shortest_gap: none is faster than that.
    """

    number: NumberDistribution
    size: MoneyDistribution
    gap: DurationDistribution
    slowing: Annotated[Factor, Range("0 to 1", least=0, most=1)] = Decimal(0)
    shortest_gap: Annotated[Duration, ZERO_OR_MORE] = 0

    def faults(self) -> Iterator[Fault]:
        """Laws that give no children, or more than can be."""
        most = upper_end(self.number)
        if lower_end(self.number) < 0 or most is None or not 1 <= most <= _MOST_CHILDREN:
            allowed = (
                f"a law of 1 to {_MOST_CHILDREN:,} children, such as {{pareto: {{min: 2, alpha: 1.5, max: 5000}}}}"
            )
            yield Fault(("number",), "a parent has no such number of children", allowed)
        yield from mean_faults(("size",), self.size)
        yield from mean_faults(("gap",), self.gap)

    def sentence(self) -> str:
        """What a parent is, in words."""
        slowing = f", times its number of children to the power {format_number(self.slowing)}" if self.slowing else ""
        shortest = f", at least {format_duration(self.shortest_gap)}" if self.shortest_gap else ""
        return (
            f"market orders, the first at once. Number of a parent's children: {distribution_words(self.number)}; "
            f"size of each: {distribution_words(self.size)}; a parent's mean time between them: "
            f"{distribution_words(self.gap)}{slowing}{shortest}"
        )


@TRADERS.register
class MetaorderSpec(DeskGroupSpec):
    """Large orders at `rate` per trader and at the times of day `at` (UTC), worked in market orders.

    size: notional at the index when it starts. buy_share: of orders that buy. over, slices: equal market orders, evenly
    spaced, the first at once. With several `markets` each order has one of them, drawn at random.

    Instead of `size` and `over`, `children` makes a crowd of many small parents on one market, at the kernel's speed.
    Of these the share `informed` follows the distance of the latent fundamental from the mid, wrong by `error`
    (standard deviation), and ends once the mid is `stop_past` past it.
    """

    event_words: ClassVar[tuple[str, ...]] = ("metaorder",)

    kind: Literal["metaorder"]
    at: Annotated[tuple[TimeOfDay, ...], ANY] = ()
    size: Annotated[MoneyDistribution | None, OMITTED_AT_DEFAULT] = None
    buy_share: Annotated[Rate, SHARE] = Decimal("0.5")
    over: Annotated[Duration | None, ABOVE_ZERO, OMITTED_AT_DEFAULT] = None
    slices: Annotated[Count | None, SLICES, OMITTED_AT_DEFAULT] = None
    children: Annotated[ChildrenSpec | None, OMITTED_AT_DEFAULT] = None
    informed: Annotated[Rate, SHARE, OMITTED_AT_DEFAULT] = Decimal(0)
    error: Annotated[Rate, SHARE, OMITTED_AT_DEFAULT] = Decimal(0)
    stop_past: Annotated[Rate | None, SHARE, OMITTED_AT_DEFAULT] = None

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the markets there are."""
        yield from super().faults(around)
        if not self.rate and not self.at:
            yield Fault((), "these orders never start", "a rate above zero, or times of day `at`")
        if len(set(self.at)) < len(self.at):
            yield Fault(("at",), "a time of day stands here twice", "each once")
        yield from self._large_order_faults() if self.children is None else self._crowd_faults(self.children)
        if self.informed and self.children is not None:
            yield from unseen_faults(("informed",), self.market, around)

    def _large_order_faults(self) -> Iterator[Fault]:
        """What a large order has to say, and what only a crowd of parents may."""
        for key, value in (("size", self.size), ("over", self.over)):
            if value is None:
                yield Fault(
                    (), f"a large order has no `{key}`", "`size` and `over`, or `children` for a crowd of parents"
                )
        for key, given in (("informed", self.informed), ("error", self.error), ("stop_past", self.stop_past)):
            if given:
                yield Fault((key,), "only parents of a crowd are informed", "left out, or `children`")

    def _crowd_faults(self, children: ChildrenSpec) -> Iterator[Fault]:
        """What is wrong with its children, and keys that only a large order has."""
        yield from (Fault(("children", *fault.path), fault.message, fault.allowed) for fault in children.faults())
        large = (("size", self.size), ("over", self.over), ("slices", self.slices), ("at", self.at))
        for key, value in large:
            if value:
                yield Fault((key,), "a crowd of parents has children instead", "left out, or no `children`")
        if len(self.markets) > 1:
            yield Fault(("markets",), "a crowd of parents trades one market", "a group for each market")
        for key, given in (("error", self.error), ("stop_past", self.stop_past)):
            if given and not self.informed:
                yield Fault((key,), "nobody of the crowd is informed", "left out, or `informed` above 0%")

    def completed(self, volatility: Decimal) -> Self:
        """A large order has its number of slices written in."""
        if self.children is None and self.slices is None:
            return self.model_copy(update={"slices": _SLICES})
        return self

    def has_clock(self) -> bool:
        """The parents of a crowd begin by its clock."""
        return self.children is not None

    def has_desk(self) -> bool:
        """A crowd of parents lives in the kernel."""
        return self.children is None

    def desk(self, context: DeskContext) -> TraderDesk:
        """The desk that starts and works their orders."""
        return MetaorderDesk(self, context)

    def sentence(self) -> str:
        """What each of them does, in words."""
        if self.children is not None:
            return self._crowd_sentence(self.children)
        times = " and at " + ", ".join(format_time_of_day(at) for at in self.at) if self.at else ""
        return (
            f"They send large orders at that rate{times}, {format_rate(self.buy_share)} of them to buy, in "
            f"{self.slices} slices over {format_duration(self.over or 0)}."
        )

    def _crowd_sentence(self, children: ChildrenSpec) -> str:
        text = f"At each wake-up one begins a parent order, {format_rate(self.buy_share)} of these to buy, in "
        text += f"{children.sentence()}."
        if self.informed:
            text += f" {format_rate(self.informed)} of the parents follow the latent fundamental instead"
            text += f", known to within {format_rate(self.error)} (standard deviation)" if self.error else ""
            stop = self.stop_past
            text += f", and end once the mid is {format_rate(stop)} past it." if stop is not None else "."
        return text

    def rule(self, terms: GroupTerms) -> GroupRule:
        """Large orders are the desk's; a crowd of parents acts by the kernel's metaorder rule."""
        children = self.children
        if children is None:
            return super().rule(terms)
        number = np.maximum(1, np.floor(tail_quantile_table(children.number)))
        parameters = {
            "buy_threshold": round(self.buy_share * 65_536),
            "informed_threshold": round(self.informed * 65_536),
            "stop_past": UNLIMITED if self.stop_past is None else float(self.stop_past),
            "shortest_gap_ns": children.shortest_gap,
            "protection": _PROTECTION,
            "number_table": number,
            "slowing_table": power_(number, float(children.slowing)),
            "gap_table": quantile_table(children.gap, TABLE),
            "size_table": quantile_table(children.size, TABLE) * (ATOMS_PER_UNIT / terms.atoms),
            "error_table": float(self.error) * normal_quantile(middle_quantiles()),
        }
        return GroupRule("metaorder", parameters)


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
        assert spec.size is not None
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
        slices, over = self.spec.slices, self.spec.over
        assert slices is not None  # written in when a scenario loads
        assert over is not None
        while order.step < slices:
            at_ns = order.begun_ns + over * order.step // slices
            yield self.env.timeout(max(at_ns - self.now_ns, 0))
            order.step += 1
            wanted = round(Fraction(order.lots * order.step, slices))
            missing = wanted - sum(each.filled_lots if each.is_final else each.lots for each in sent)
            if missing:
                sent.append(self.send(order.trader, order.market, missing, parent=order.parent))
            order.filled_lots = sum(each.filled_lots for each in sent)
