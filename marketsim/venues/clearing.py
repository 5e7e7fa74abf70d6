"""Clearing of a market without a book: orders that reach it at one instant are filled together, at one price.

All that is decided at an instant is decided first (phase CLEARING comes after DECISION). Then every order pays the
price before them plus `fill` x the impact of all of them, and the price moves by that impact; mid, last and mark follow
at once. Impacts that fade do so at each step of the market's mark and of its index, and before orders are filled.
docs/venues.md#markets-without-a-book.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

from marketsim.clock import MarketEnvironment, Phase, ProcessGenerator
from marketsim.kernel import clearing as doors
from marketsim.messages import Order
from marketsim.venues.contract import LARGEST_POSITION_ATOMS, MarketSpec
from marketsim.venues.matching.family import FormulaSpec, Traded

LARGEST_PRICE_TICKS = 2**40


@dataclass(frozen=True, slots=True)
class ArrivingOrder:
    """A market order on its way: the sender's position record, kernel flags, unsigned size, when it was decided."""

    order: Order
    position: int
    flags: int
    size_lots: int
    purpose: int
    parent: int
    decided_ns: int


class Clearing:
    """Fills the orders of one market.

    number: the kernel's. index_every_ns: cadence of its underlying's index. outside: record of `outside`'s position.
    """

    def __init__(
        self, env: MarketEnvironment, spec: MarketSpec, number: int, underlying: int, index_every_ns: int, outside: int
    ) -> None:
        assert isinstance(spec.matching, FormulaSpec)
        self.env, self.number, self.underlying, self.outside = env, number, underlying, outside
        self.fill_share, self.lot = float(spec.matching.fill), float(spec.lot.amount)
        self.ticks_per_unit = float(1 / spec.tick.amount)
        self.impacts = spec.matching.impacts()
        self.cadences_ns = (spec.mark.every, index_every_ns)
        self._arriving: dict[int, list[ArrivingOrder]] = {}
        self._fades = False
        env.on_end.append(self._fade_to)

    def take(self, arriving: ArrivingOrder, arrival_ns: int) -> None:
        """Fill an order together with all others that reach the market at its instant."""
        if arrival_ns not in self._arriving:
            wake: Any = self.env.at(arrival_ns, Phase.CLEARING)
            wake.callbacks.append(lambda _: self._clear(arrival_ns))
        self._arriving.setdefault(arrival_ns, []).append(arriving)

    def hear(self, lots: int, t_ns: int) -> None:
        """Remember the impact of an order that the kernel has filled by itself."""
        self._alive(t_ns)
        self._remember(t_ns, [Traded(lots * self.lot, t_ns)], 0.0, 0.0)

    # -- one instant

    def _clear(self, t_ns: int) -> None:
        orders = self._arriving.pop(t_ns)
        alive, index = self._alive(t_ns), float(self.env.world.underlyings[self.underlying]["level"])
        sizes = [self._admitted(each) for each in orders]
        traded = [Traded(size * self.lot, each.decided_ns) for each, size in zip(orders, sizes, strict=True)]
        impact = self.impacts.of(traded, index + alive, index)
        price = self._ticks(index + alive + self.fill_share * impact)
        self.env.on_log()  # room for the rows
        if self._fits(orders, sizes, max(price, self._ticks(index + alive + impact))):
            self._remember(t_ns, traded, index + alive, index)
            alive += impact
            lots = [abs(size) or each.size_lots for each, size in zip(orders, sizes, strict=True)]
        else:
            lots = [0] * len(orders)
        for each, size in zip(orders, lots, strict=True):
            order_id = each.order.order_id
            doors.clear_order(
                self.env.world.address,
                t_ns,
                each.position,
                each.flags,
                price,
                size,
                each.purpose,
                each.parent,
                order_id,
            )
        doors.set_impact(self.env.world.address, t_ns, self.number, alive)
        self.env.deliver_notices()

    def _admitted(self, each: ArrivingOrder) -> int:
        """Lots that the market would let trade, signed; the rest of them, or all, it refuses for its own reason."""
        size = int(doors.admitted_lots(self.env.world.address, each.position, each.flags, each.size_lots))
        return size if each.order.lots > 0 else -size

    def _fits(self, orders: Sequence[ArrivingOrder], sizes: Sequence[int], price: int) -> bool:
        """Whether price and positions stay within 64 bits: a loop without end must not leave them."""
        world = self.env.world
        most = LARGEST_POSITION_ATOMS // (max(price, 1) * world.market_int(self.number, "atoms"))
        after = {self.outside: int(world.positions[self.outside]["lots"]) - sum(sizes)}
        for each, size in zip(orders, sizes, strict=True):
            after[each.position] = after.get(each.position, int(world.positions[each.position]["lots"])) + size
        return price <= LARGEST_PRICE_TICKS and all(abs(lots) <= most for lots in after.values())

    # -- impacts

    def _alive(self, t_ns: int) -> float:
        """The sum of impacts now; what the index has learned since the last time is counted."""
        world, number = self.env.world, self.number
        published, kept = world.market_float(number, "impact"), world.market_float(number, "kept")
        world.set_market(number, kept=1.0)
        return self.impacts.alive(t_ns, published, kept)

    def _remember(self, t_ns: int, traded: Sequence[Traded], price: float, index: float) -> None:
        self.impacts.remember(t_ns, traded, price, index)
        if self.impacts.is_fading and not self._fades:
            self._fades = True
            self.env.process(self._fade())

    def _fade(self) -> ProcessGenerator:
        """From the first impact on, publish what is left of them at each step of mark and index, before it."""
        while True:
            now_ns = int(self.env.now)
            yield self.env.at(min((now_ns // every + 1) * every for every in self.cadences_ns), Phase.FADING)
            self._fade_to(int(self.env.now))

    def _fade_to(self, t_ns: int) -> None:
        if self._fades:
            doors.fade_impact(self.env.world.address, self.number, self._alive(t_ns))

    def _ticks(self, price: float) -> int:
        """A price in quote units as whole ticks, at least one, as the kernel rounds it."""
        return max(1, floor(min(price * self.ticks_per_unit, 2.0**60) + 0.5))
