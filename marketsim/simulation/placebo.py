"""Placebos: the factual arm's orders once more, at another time, with another sign, from an account of the ledger.

What belongs together stays together (decision D25): orders of rebalances whose windows overlap are moved, or turned
round, as one, so that a placebo has the factual flow's size and concentration and lacks only what it is to test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from marketsim.clock import ProcessGenerator
from marketsim.errors import UsageError
from marketsim.kernel import codes
from marketsim.messages import Order, Purpose
from marketsim.scenario.study.arm import ArmSpec
from marketsim.simulation.ports import ModelPort
from marketsim.streams import Stream
from marketsim.units import NS_PER_DAY, NS_PER_SECOND

PLACEBO_COHORT = "placebo"
PLACEBO_ACCOUNT = 1_299_999_999
"""Public id of the placebo account, the last of the ledger's range, so that nobody else's moves."""

CLEAR_NS = 3_600 * NS_PER_SECOND
"""How far from any reset a placebo in time stays (docs/contract.md#arms)."""


@dataclass(frozen=True, slots=True)
class PlaceboOrder:
    """One child order once more. offset: its limit less the mid, over the mid; None for a market order.

    lasts_ns: how long a resting order is left in the book; 0 for orders that end at once. parent, child, token: those
    of the factual order.
    """

    t_ns: int
    market: str
    lots: int
    offset: float | None
    lasts_ns: int
    parent: int
    child: int
    token: str


def placebo_orders(model: ModelPort, arm: ArmSpec, children: Sequence[Mapping[str, Any]]) -> list[PlaceboOrder]:
    """The factual children (rows of table `children`) as an arm sends them, in time.

    Raises UsageError where no instant of a day is an hour from every reset.
    """
    sent = [row for row in children if row["purpose"] == "rebalance" and row["order_type"] != "off_book"]
    stream = Stream(model.root_seed, model.replication, PLACEBO_COHORT)
    clusters = _clusters(sent)
    orders: list[PlaceboOrder] = []
    for cluster in clusters:
        number = min(row["parent"] for row in cluster)
        shift, sign = 0, 1
        if arm.arm == "placebo_time":
            shift = _shift(cluster, clusters, model, float(stream.uniform(number, 0)))
        elif arm.arm == "contrarian" or (arm.arm == "placebo_sign" and float(stream.uniform(number, 1)) < 0.5):
            sign = -1
        orders += [_again(row, shift, sign) for row in cluster]
    return sorted(orders, key=lambda order: (order.t_ns, order.parent))


def _clusters(rows: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Children in time, together where the windows of their rebalances overlap."""
    ends: dict[int, int] = {}
    for row in rows:
        ends[row["parent"]] = max(ends.get(row["parent"], 0), row["t_end_ns"])
    clusters: list[list[Mapping[str, Any]]] = []
    last_ns = -1
    for row in sorted(rows, key=lambda row: (row["t_ns"], row["parent"], row["child"])):
        if row["t_ns"] > last_ns:
            clusters.append([])
        clusters[-1].append(row)
        last_ns = max(last_ns, ends[row["parent"]])
    return clusters


def _window(cluster: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    return cluster[0]["t_ns"], max(row["t_end_ns"] for row in cluster)


def _shift(
    cluster: Sequence[Mapping[str, Any]],
    clusters: Sequence[Sequence[Mapping[str, Any]]],
    model: ModelPort,
    u: float,
) -> int:
    """How far the orders of one window move: to a start uniform over its UTC day, an hour or more from any reset."""
    first, last = _window(cluster)
    length = last - first
    start_ns = model.scenario.clock.start
    day = (first + start_ns) // NS_PER_DAY * NS_PER_DAY - start_ns
    low, high = max(day, 0), min(day + NS_PER_DAY, model.env.end_ns) - length
    taken = sorted((a - CLEAR_NS - length, b + CLEAR_NS) for a, b in map(_window, clusters))
    free: list[tuple[int, int]] = []
    for a, b in [*taken, (high, high)]:
        if min(a, high) > low:
            free.append((low, min(a, high)))
        low = max(low, b)
    room = sum(b - a for a, b in free)
    if room <= 0:
        raise UsageError(
            f"placebo_time: no instant of the day of the rebalance at {first} ns is an hour from every reset; "
            "give the run whole days"
        )
    at = int(u * room)
    for a, b in free:
        if at < b - a:
            return a + at - first
        at -= b - a
    return free[-1][1] - 1 - first


def _again(row: Mapping[str, Any], shift_ns: int, sign: int) -> PlaceboOrder:
    limit, mid = row["limit_price"], row["mid_price"]
    offset = None if limit is None or not mid else sign * (limit - mid) / mid
    is_resting = row["order_type"] == "resting"
    lasts_ns = row["t_end_ns"] - row["t_ns"] if is_resting else 0
    return PlaceboOrder(
        t_ns=row["t_ns"] + shift_ns,
        market=row["market"],
        lots=sign * row["size_lots"],
        offset=offset,
        lasts_ns=lasts_ns,
        parent=row["parent"],
        child=row["child"],
        token=row["token"],
    )


class PlaceboDesk:
    """Sends placebo orders from one account without margin; its final position stays open."""

    def __init__(self, model: ModelPort, orders: Sequence[PlaceboOrder]) -> None:
        self.model, self.orders = model, [order for order in orders if order.t_ns >= model.env.now]
        self.accounts: dict[tuple[str, str], int] = {}

    def start(self) -> None:
        """Open the account and set the clock."""
        if not self.orders:
            return
        markets = {market.id: market for market in self.model.wired.market_specs}
        bits = codes.ACC_WATCHED | codes.ACC_NO_MARGIN | codes.ACC_LEDGER
        for name in dict.fromkeys(order.market for order in self.orders):
            market = markets[name]
            place = market.venue, market.currency
            if place not in self.accounts:
                public = PLACEBO_ACCOUNT - len(self.accounts)
                self.accounts[place] = self.model.add_participant(
                    PLACEBO_COHORT, "ledger", 0, bits, market, public=public
                )
        self.ticks = {name: float(market.tick.amount) for name, market in markets.items()}
        self.places = {name: (market.venue, market.currency) for name, market in markets.items()}
        self.model.env.process(self._send_all())

    def _send_all(self) -> ProcessGenerator:
        for order in self.orders:
            if order.t_ns > self.model.env.now:
                yield self.model.env.at(order.t_ns)
            mid, limit = self.model.view.mid(order.market), self._limit_ticks(order)
            sent = self._send(order, limit)
            self.model.env.process(self._write_down(order, sent, mid, limit))
            if order.lasts_ns:
                self.model.env.process(self._take_back(sent, order.lasts_ns))

    def _limit_ticks(self, order: PlaceboOrder) -> int | None:
        """The worst price it may trade at: as far from the present mid as the factual order's from that of its time."""
        view = self.model.view
        if order.offset is None or not view.has_book(order.market):
            return None
        mid = view.mid(order.market)
        at = (view.mark_ticks(order.market) if mid is None else mid) * (1 + order.offset)
        return max(floor(at) if order.lots > 0 else ceil(at), 1)

    def _send(self, order: PlaceboOrder, price: int | None) -> Order:
        return self.model.gateway.send(
            self.accounts[self.places[order.market]],
            order.market,
            order.lots,
            order_type="market" if price is None else "limit",
            price_ticks=price,
            tif="gtc" if order.lasts_ns or price is None else "ioc",
            purpose=Purpose.PLACEBO,
            parent=order.parent,
        )

    def _write_down(self, order: PlaceboOrder, sent: Order, mid: float | None, limit: int | None) -> ProcessGenerator:
        """Write the order's row of table `children` once it is final."""
        sent_ns, tick = int(self.model.env.now), self.ticks[order.market]
        yield sent.done
        self.model.journal.add(
            "children",
            t_ns=sent_ns,
            t_end_ns=int(self.model.env.now),
            purpose=codes.PURPOSES[Purpose.PLACEBO],
            parent=order.parent,
            child=order.child,
            token=order.token,
            market=order.market,
            order_type="resting" if order.lasts_ns else "market" if order.offset is None else "ioc",
            size_lots=order.lots,
            filled_lots=sent.filled_lots,
            limit_price=None if limit is None else limit * tick,
            mid_price=None if mid is None else mid * tick,
            reason=sent.reason,
        )

    def _take_back(self, order: Order, after_ns: int) -> ProcessGenerator:
        yield self.model.env.timeout(after_ns)
        if not order.is_final:
            self.model.gateway.cancel(order)
