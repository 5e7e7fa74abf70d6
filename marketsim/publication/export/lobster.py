"""LOBSTER's pair of files of a market: messages, and the book after each (lobsterdata.com/info/DataStructure.php).

A message is: seconds after midnight, type, order id, size, price x 10,000, direction. Types written here: 1 a new limit
order, 2 a part of one cancelled, 3 the rest of one deleted, 4 and 5 an execution of a visible and of a hidden one;
direction and id are those of the order that rests, 1 for buy and -1 for sell. A row of the book is, level by level: ask
price, ask size, bid price, bid size; a level that is not there has the price 9999999999 or -9999999999 and the size 0.
Sizes are lots. A run of several days goes on counting seconds from its first midnight.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import polars as pl

from marketsim.errors import ResultError
from marketsim.publication.export.exported_market import ExportedMarket

LEVELS = 10
PRICE_SCALE = 10_000
NO_PRICE = 9_999_999_999
NEW, PARTLY_CANCELLED, DELETED, EXECUTED, EXECUTED_HIDDEN = 1, 2, 3, 4, 5
_RESTING = ("limit", "post_only")
_HIDDEN = ("hidden",)


@dataclass(frozen=True)
class Message:
    """One row of the message file; `price` in ticks, `side` that of the resting order."""

    t_ns: int
    type: int
    order: int
    lots: int
    price: int
    side: str


@dataclass
class Book:
    """The visible book: lots by price [ticks] and side, prices in order."""

    lots: dict[str, dict[int, int]] = field(default_factory=lambda: {"buy": {}, "sell": {}})
    prices: dict[str, list[int]] = field(default_factory=lambda: {"buy": [], "sell": []})

    def take(self, message: Message) -> None:
        """Change the book as the message says."""
        if message.type == EXECUTED_HIDDEN:
            return
        sizes, prices = self.lots[message.side], self.prices[message.side]
        change = message.lots if message.type == NEW else -message.lots
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
    """Every message of the market, in the order in which the venue took them.

    Raises `ResultError` where the run recorded no orders or not every trade.
    """
    orders = market.scan("orders").sort("seq").collect()
    if orders.is_empty():
        raise ResultError(f"{market.run.path} recorded no orders; run it with record: {{orders: all, trades: all}}")
    resting = {
        row["order_id"]: (row["side"], row["order_type"])
        for row in orders.filter(action="place").select("order_id", "side", "order_type").iter_rows(named=True)
    }
    trades = market.scan("trades").sort("seq").collect()
    waiting = _Executions(trades, resting)
    for row in orders.iter_rows(named=True):
        yield from waiting.before(row["t_ns"])
        if row["action"] == "place":
            yield from waiting.of(row["order_id"], row["t_ns"])
            if row["order_type"] in _RESTING and row["remaining_lots"] > 0 and row["reason"] is None:
                yield Message(row["t_ns"], NEW, row["order_id"], row["remaining_lots"], row["price_ticks"], row["side"])
        elif row["action"] == "cancel" and row["order_type"] in _RESTING and row["remaining_lots"] > 0:
            yield Message(row["t_ns"], DELETED, row["order_id"], row["remaining_lots"], row["price_ticks"], row["side"])
    yield from waiting.before(None)


class _Executions:
    """The trades, each told with the order that caused it; those of orders that waited for a trigger at their time."""

    def __init__(self, trades: pl.DataFrame, resting: dict[int, tuple[str, str]]) -> None:
        self._rows = trades.select(
            "t_ns", "taker_order", "maker_order", "size_lots", "price_ticks", "taker_side"
        ).rows()
        self._resting = resting
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
        side, kind = self._resting.get(maker, ("sell" if taker_side == "buy" else "buy", "limit"))
        return Message(t_ns, EXECUTED_HIDDEN if kind in _HIDDEN else EXECUTED, maker, lots, price, side)


def write_lobster(market: ExportedMarket, folder: Path, levels: int = LEVELS) -> list[Path]:
    """Write the two files; returns where they are. Raises `ResultError` where the tick is finer than 0.0001."""
    scaled = Decimal(repr(float(market.instrument["tick"]))) * PRICE_SCALE
    if scaled != int(scaled):
        raise ResultError(
            f"{market.market}: prices in ticks of {market.instrument['tick']} have no whole LOBSTER price"
        )
    since_midnight = market.start_ns - market.midnight_ns
    first, last = since_midnight // 10**6, (since_midnight + market.duration_ns) // 10**6
    stem = f"{market.market}_{market.day()}_{first}_{last}"
    paths = [folder / f"{stem}_{name}_{levels}.csv" for name in ("message", "orderbook")]
    book, tick = Book(), int(scaled)
    with paths[0].open("w", encoding="ascii") as told, paths[1].open("w", encoding="ascii") as state:
        for message in messages(market):
            book.take(message)
            seconds, ns = divmod(since_midnight + message.t_ns, 10**9)
            direction = 1 if message.side == "buy" else -1
            told.write(
                f"{seconds}.{ns:09d},{message.type},{message.order},{message.lots},{message.price * tick},{direction}\n"
            )
            state.write(_levels(book, levels, tick) + "\n")
    return paths


def _levels(book: Book, levels: int, tick: int) -> str:
    asks, bids = book.best("sell", levels), book.best("buy", levels)
    cells = []
    for level in range(levels):
        ask, ask_lots = (asks[level][0] * tick, asks[level][1]) if level < len(asks) else (NO_PRICE, 0)
        bid, bid_lots = (bids[level][0] * tick, bids[level][1]) if level < len(bids) else (-NO_PRICE, 0)
        cells += [ask, ask_lots, bid, bid_lots]
    return ",".join(map(str, cells))
