"""LOBSTER keeps the times of an order book in another file: row for row that of the messages which made it.

Source: lobsterdata.com/info/DataStructure.php; times are seconds after midnight, prices in 1/10,000 of a dollar.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from marketsim.errors import DataFileError
from marketsim.market_data.rows import Row, Rows

BOOK_WITHOUT_TIMES = "lobster_orderbook"
"""The format whose times stand in another file."""


def message_file(book: Path) -> Path:
    """The file of messages beside an order book: `.._message_10.csv` beside `.._orderbook_10.csv`."""
    if "orderbook" not in book.name:
        message = "a LOBSTER order book has no times, and this name does not lead to its messages"
        raise DataFileError("path", book.name, message, "`.._orderbook_N.csv` with `.._message_N.csv` beside it")
    return book.with_name(book.name.replace("orderbook", "message"))


def with_times(book: Rows, messages: Rows) -> Rows:
    """The rows of an order book, each with the time of its message in front."""
    return Rows(None, _timed(book, messages), book.file, book.counted)


def _timed(book: Rows, messages: Rows) -> Iterator[tuple[int, Row]]:
    for number, row in book.numbered:
        message = next(messages.numbered, None)
        if message is None:
            text = "the file of messages is shorter than the order book"
            raise DataFileError("path", book.place(number), text, "two files of one download")
        yield number, (message[1][0], *row)
