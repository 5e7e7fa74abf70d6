"""A market's order flow: what happened to resting orders, message by message, and the book that they leave."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import polars as pl

from marketsim.publication.export.exported_market import ExportedMarket

_RESTING = ("limit", "post_only")


class MessageType(IntEnum):
    """What happened to a resting order, by LOBSTER's numbers: it came, was taken out, or traded."""

    NEW = 1
    DELETED = 3
    EXECUTED = 4


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `price` in ticks, `side` and `order` those of the resting order."""

    t_ns: int
    type: MessageType
    order: int
    lots: int
    price: int
    side: str


@dataclass
class Book:
    """The book: lots by price [ticks] and side, prices in order."""

    lots: dict[str, dict[int, int]] = field(default_factory=lambda: {"buy": {}, "sell": {}})
    prices: dict[str, list[int]] = field(default_factory=lambda: {"buy": [], "sell": []})

    def take(self, message: Message) -> None:
        """Change the book as the message says."""
        sizes, prices = self.lots[message.side], self.prices[message.side]
        change = message.lots if message.type is MessageType.NEW else -message.lots
        if message.price not in sizes:
            insort(prices, message.price)
            sizes[message.price] = 0
        sizes[message.price] += change
        if sizes[message.price] <= 0:
            del sizes[message.price]
            del prices[bisect_left(prices, message.price)]

    def best(self, side: str, levels: int) -> list[tuple[int, int]]:
        """The best levels of a side: (price, lots), best first."""
        prices = self.prices[side][-levels:][::-1] if side == "buy" else self.prices[side][:levels]
        return [(price, self.lots[side][price]) for price in prices]


def messages(market: ExportedMarket) -> Iterator[Message]:
    """Every message of the market, in the order in which the venue took them."""
    executions = _Executions(market.scan("trades").sort("seq").collect())
    for row in market.scan("orders").sort("seq").collect().iter_rows(named=True):
        yield from executions.before(row["t_ns"])
        order = row["order_id"], row["remaining_lots"], row["price_ticks"], row["side"]
        rests = row["order_type"] in _RESTING and row["remaining_lots"] > 0
        if row["action"] == "place":
            yield from executions.of(row["order_id"], row["t_ns"])
            if rests and row["reason"] is None:
                yield Message(row["t_ns"], MessageType.NEW, *order)
        elif row["action"] == "cancel" and rests:
            yield Message(row["t_ns"], MessageType.DELETED, *order)
    yield from executions.before(None)


class _Executions:
    """The trades, each told with the order that caused it."""

    def __init__(self, trades: pl.DataFrame) -> None:
        self._rows = trades.select(
            "t_ns", "taker_order", "maker_order", "size_lots", "price_ticks", "taker_side"
        ).rows()
        self._next = 0

    def before(self, t_ns: int | None) -> Iterator[Message]:
        """Trades earlier than an instant that no order's own row has told; all that are left where it is None."""
        while self._next < len(self._rows) and (t_ns is None or self._rows[self._next][0] < t_ns):
            yield self._told()

    def of(self, order: int, t_ns: int) -> Iterator[Message]:
        """The trades that an order made when it came."""
        while self._next < len(self._rows) and self._rows[self._next][:2] == (t_ns, order):
            yield self._told()

    def _told(self) -> Message:
        t_ns, _, maker, lots, price, taker_side = self._rows[self._next]
        self._next += 1
        return Message(t_ns, MessageType.EXECUTED, maker, lots, price, "sell" if taker_side == "buy" else "buy")
