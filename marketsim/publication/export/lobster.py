"""LOBSTER's pair of files of a market: messages, and the book after each (lobsterdata.com/info/DataStructure.php).

A message is: seconds after midnight, type, order id, size, price x 10,000, direction. Types written here: 1 a new limit
order, 3 what is left of one deleted, 4 an execution; markets here have no other. Direction and id are those of the
order that rests, 1 for buy and -1 for sell. A row of the book is, level by level: ask price, ask size, bid price, bid
size; a level that is not there has the price 9999999999 or -9999999999 and the size 0. Sizes are lots, ids those of the
run's tables. A run of several days goes on counting seconds from its first midnight.

Readers of these files take ids, sizes and prices for 32-bit integers, and the second field of the name, fields being
separated by underscores, for the day: what does not fit is refused, and `_` in a market's id is `.` in the name.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl

from marketsim.errors import ResultError
from marketsim.publication.export.exported_market import ExportedMarket
from marketsim.publication.export.order_flow import Book, Message, messages

LEVELS = 10
PRICE_SCALE = 10_000
NO_PRICE = 9_999_999_999
LARGEST = 2**31 - 1


def write_lobster(market: ExportedMarket, folder: Path, levels: int = LEVELS) -> list[Path]:
    """Write the two files; returns where they are.

    Raises `ResultError` where the run did not record every order and trade, the market has no book, the tick is finer
    than 0.0001, or an id, a size or a price takes more than 32 bits.
    """
    _require_order_flow(market)
    tick = _scaled_tick(market)
    since_midnight = market.start_ns - market.midnight_ns
    first, last = since_midnight // 10**6, (since_midnight + market.duration_ns) // 10**6
    stem = f"{market.market.replace('_', '.')}_{market.day()}_{first}_{last}"
    paths = [folder / f"{stem}_{name}_{levels}.csv" for name in ("message", "orderbook")]
    book = Book()
    with paths[0].open("w", encoding="ascii") as told, paths[1].open("w", encoding="ascii") as state:
        for message in messages(market):
            _require_small(market, message, tick)
            book.take(message)
            told.write(_line(message, since_midnight, tick) + "\n")
            state.write(_levels(book, levels, tick) + "\n")
    return paths


def _require_order_flow(market: ExportedMarket) -> None:
    """Raise `ResultError` where the run does not tell of every change of a book."""
    record = market.run.resolved["record"]
    if missing := [what for what in ("orders", "trades") if record[what] == "none"]:
        lacking = " and no ".join(missing)
        raise ResultError(f"{market.run.path} recorded no {lacking}; run it with record: {{orders: all, trades: all}}")
    if market.scan("trades").filter(pl.col("maker_order") < 0).head(1).collect().height:
        raise ResultError(
            f"{market.market} is matched by a formula and has no book; --format trades, klines and csv write it"
        )


def _scaled_tick(market: ExportedMarket) -> int:
    """What a tick is in LOBSTER's prices."""
    scaled = Decimal(repr(float(market.instrument["tick"]))) * PRICE_SCALE
    if scaled != int(scaled):
        raise ResultError(
            f"{market.market}: prices in ticks of {market.instrument['tick']} have no whole LOBSTER price"
        )
    return int(scaled)


def _require_small(market: ExportedMarket, message: Message, tick: int) -> None:
    """Raise `ResultError` where a reader of 32-bit integers could not take the message."""
    values = {"id": message.order, "size in lots": message.lots, "price x 10,000": message.price * tick}
    for name, value in values.items():
        if value > LARGEST:
            raise ResultError(
                f"{market.market}: order {message.order} has the {name} {value}; readers of LOBSTER's files take "
                f"{LARGEST} at most; --format csv writes it"
            )


def _line(message: Message, since_midnight: int, tick: int) -> str:
    """A message as its row; since_midnight: when the run starts [ns]; tick: what one is in LOBSTER's prices."""
    seconds, ns = divmod(since_midnight + message.t_ns, 10**9)
    price, direction = message.price * tick, 1 if message.side == "buy" else -1
    return f"{seconds}.{ns:09d},{message.type.value},{message.order},{message.lots},{price},{direction}"


def _levels(book: Book, levels: int, tick: int) -> str:
    asks, bids = book.best("sell", levels), book.best("buy", levels)
    cells = []
    for level in range(levels):
        ask, ask_lots = (asks[level][0] * tick, asks[level][1]) if level < len(asks) else (NO_PRICE, 0)
        bid, bid_lots = (bids[level][0] * tick, bids[level][1]) if level < len(bids) else (-NO_PRICE, 0)
        cells += [ask, ask_lots, bid, bid_lots]
    return ",".join(map(str, cells))
