"""One market's record as the facts read it, from a run or from a file: fills, quotes, depth, bars, interest, funding.

Prices are in the quote currency, sizes in units of the underlying, instants in ns from `start_ns`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.stylised_facts.blocks import Blocks, blocks_for
from marketsim.analysis.stylised_facts.fact import NotMeasurableError
from marketsim.analysis.stylised_facts.taker_orders import Orders, orders_of

SECOND_NS = 10**9
MINUTE_NS, HOUR_NS, DAY_NS = 60 * SECOND_NS, 3_600 * SECOND_NS, 86_400 * SECOND_NS


@dataclass(frozen=True)
class Fills:
    """Trades (n,) in their order; sign: +1 the taker bought, -1 sold, 0 unknown; order: number of the taker's order."""

    t_ns: Integers
    price: Floats
    size: Floats
    sign: NDArray[np.int8]
    order: Integers


@dataclass(frozen=True)
class Quotes:
    """Best bid and ask (n,), each until the next; NaN while a side is empty; every_ns: 0 where each change is there."""

    t_ns: Integers
    bid: Floats
    ask: Floats
    every_ns: int

    @cached_property
    def mid(self) -> Floats:
        """The middle of both (n,); NaN while a side is empty."""
        return (self.bid + self.ask) / 2

    @cached_property
    def spread_bps(self) -> Floats:
        """Ask less bid over the mid (n,) [bps]."""
        return (self.ask - self.bid) / self.mid * 1e4

    @cached_property
    def known(self) -> tuple[Integers, Floats]:
        """Instants and values of the mids that exist."""
        there = np.isfinite(self.mid)
        return self.t_ns[there], self.mid[there]


@dataclass(frozen=True)
class Depth:
    """Sizes that rest within some distances of the mid at instants (n,): {bps: (bids, asks)}; every_ns: how often."""

    t_ns: Integers
    within: Mapping[float, tuple[Floats, Floats]]
    every_ns: int


@dataclass(frozen=True)
class Bars:
    """Bars (n,) by the instants at which they end: opens, closes, volumes [quote currency]; every_ns: their length."""

    t_ns: Integers
    open: Floats
    close: Floats
    volume: Floats | None
    every_ns: int


@dataclass(frozen=True)
class Dated:
    """Values at instants (n,)."""

    t_ns: Integers
    value: Floats


@dataclass(frozen=True, eq=False)
class Tape:
    """A market's record in [begin_ns, end_ns); parts that are None are explained in `missing`, by their name.

    interest: open interest [quote currency]. funding: rates per 8 h [bps] of settlements, predicted: of each snapshot,
    interest_rate: what a settlement without premium would be. liquidations: notional [quote currency].
    is_of_index: whether prices follow an index that trades do not move.
    """

    title: str
    market: str
    underlying: str
    start_ns: int
    begin_ns: int
    end_ns: int
    tick: float | None = None
    fills: Fills | None = None
    quotes: Quotes | None = None
    depth: Depth | None = None
    bars: Bars | None = None
    interest: Dated | None = None
    funding: Dated | None = None
    predicted: Dated | None = None
    interest_rate: float | None = None
    liquidations: Dated | None = None
    is_of_index: bool = False
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def days(self) -> float:
        """How long it is [days]."""
        return (self.end_ns - self.begin_ns) / DAY_NS

    def lack(self, part: str) -> NotMeasurableError:
        """Why a part is not there."""
        return NotMeasurableError(self.missing.get(part, f"there is no record of {part}"))

    def blocks(self, span_ns: float) -> Blocks | None:
        """Blocks for a number whose longest lag or window is `span_ns`."""
        return blocks_for(self.begin_ns, self.end_ns, span_ns)

    def hour_of_day(self, t_ns: Integers) -> Floats:
        """The time of day in UTC (n,) [hours]."""
        hours: Floats = ((np.asarray(t_ns) + self.start_ns) % DAY_NS) / HOUR_NS
        return hours

    def edges(self, step_ns: int) -> Integers:
        """The whole steps of UTC in the record, both ends included."""
        first = -(-(self.start_ns + self.begin_ns) // step_ns) * step_ns - self.start_ns
        return np.arange(first, self.end_ns + 1, step_ns)

    @cached_property
    def orders(self) -> Orders:
        """The takers' orders that the fills are of; raises `NotMeasurableError` where there are no fills."""
        if self.fills is None or not len(self.fills.t_ns):
            raise self.lack("fills") if self.fills is None else NotMeasurableError("nothing was traded")
        return orders_of(self.fills.t_ns, self.fills.price, self.fills.size, self.fills.sign, self.fills.order)

    @property
    def signed_orders(self) -> Orders:
        """The same where sides are known."""
        orders = self.orders
        if not orders.sign.all():
            raise NotMeasurableError("the file does not say which side took")
        return orders

    @cached_property
    def prices(self) -> tuple[Integers, Floats]:
        """Instants and prices: mids, else closes of bars, else prices of trades."""
        if self.quotes is not None and len(self.quotes.known[0]):
            return self.quotes.known
        if self.bars is not None:
            first = self.bars.t_ns[0] - self.bars.every_ns
            return np.append(first, self.bars.t_ns), np.append(self.bars.open[0], self.bars.close)
        if self.fills is not None and len(self.fills.t_ns):
            return self.fills.t_ns, self.fills.price
        raise self.lack("prices")

    @property
    def price_note(self) -> str:
        """What prices are of, where they are no mids."""
        return "" if self.quotes is not None else "of closes" if self.bars is not None else "of trade prices"

    def price_at(self, t_ns: Integers, step_ns: int) -> Floats:
        """The last price at or before each instant (n,), NaN before the first.

        Raises `NotMeasurableError` where prices are rarer than each `step_ns`.
        """
        every = self.bars.every_ns if self.quotes is None and self.bars is not None else 0
        every = self.quotes.every_ns if self.quotes is not None else every
        if every > step_ns:
            raise NotMeasurableError(f"prices are {every / SECOND_NS:g} s apart; {step_ns / SECOND_NS:g} s are needed")
        times, prices = self.prices
        place = np.searchsorted(times, t_ns, side="right") - 1
        return np.where(place >= 0, prices[np.maximum(place, 0)], np.nan)

    def volume_between(self, edges: Integers) -> Floats:
        """Notional traded in each of the n steps between n + 1 edges [quote currency], each edge of the step before."""
        if self.fills is not None:
            times, notional = self.fills.t_ns, self.fills.price * self.fills.size
        elif self.bars is not None and self.bars.volume is not None:
            if len(edges) > 1 and self.bars.every_ns > edges[1] - edges[0]:
                raise NotMeasurableError(f"bars are {self.bars.every_ns / MINUTE_NS:g} min long")
            times, notional = self.bars.t_ns, self.bars.volume
        else:
            raise self.lack("fills")
        running = np.append(0.0, np.cumsum(notional))
        return np.diff(running[np.searchsorted(times, edges, side="right")])

    @cached_property
    def minutes(self) -> Integers:
        """The whole minutes of UTC in the record (n + 1,)."""
        return self.edges(MINUTE_NS)

    @cached_property
    def minute_returns(self) -> Floats:
        """Log returns of the n minutes; raises `NotMeasurableError` below ten, and where prices are rarer."""
        return self.returns(MINUTE_NS)

    def returns(self, step_ns: int) -> Floats:
        """Log returns of the whole steps of UTC in the record (n,), 0 before the first price."""
        prices = self.price_at(self.edges(step_ns), step_ns)
        if np.isfinite(prices).sum() < 10:
            raise NotMeasurableError(f"there are not ten returns over {step_ns / SECOND_NS:g} s")
        return np.nan_to_num(np.diff(np.log(prices)))

    @cached_property
    def daily_volume(self) -> float:
        """Notional a day [quote currency], scaled from the length of the record."""
        volume = float(self.volume_between(np.array([self.begin_ns - 1, self.end_ns]))[0])
        if volume <= 0:
            raise NotMeasurableError("nothing was traded")
        return volume / self.days
