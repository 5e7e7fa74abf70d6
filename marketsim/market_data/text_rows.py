"""Rows of a text file: delimiter, comment lines on top and a header line are told by its first lines."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from marketsim.errors import DataFileError
from marketsim.market_data.content import Content
from marketsim.market_data.formats import is_data
from marketsim.market_data.rows import Rows

_DELIMITERS = ",;\t|"
_LONGEST_LINE = 1 << 20
_HEAD = 60  # lines that are looked at
_TEXT = "CSV in UTF-8, one row a line"


def text_rows(content: Content, has_header: bool | None) -> Rows:
    """The rows of a text file; has_header: whether its first line names the columns, None to tell by the line."""
    head = content.stream.peek(4)[:4]  # type: ignore[attr-defined]
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    lines = _lines(io.TextIOWrapper(content.stream, encoding, newline=""), content.name)
    first = list(islice(lines, _HEAD))
    delimiter, width = _dialect(first)
    comments = _comments(first, delimiter, width)
    rows = _cells(_after(first, lines, comments), delimiter, content.name, comments)
    top = next(rows, None)
    names: tuple[str, ...] | None = None
    if top is not None and (not is_data(top[1]) if has_header is None else has_header):
        names = tuple(name.strip() for name in top[1])
    elif top is not None:
        rows = _with(top, rows)
    return Rows(names, rows, content.name, "line")


def _lines(text: io.TextIOBase, name: str) -> Iterator[str]:
    """The lines of a file, none of them endless."""
    number = 0
    while True:
        number += 1
        try:
            line = text.readline(_LONGEST_LINE)
        except UnicodeDecodeError as error:
            message = f"this is no UTF-8 text (byte {error.object[error.start]:#04x})"
            raise DataFileError("path", f"{name}, after line {number - 1}", message, _TEXT) from error
        if not line:
            return
        if len(line) >= _LONGEST_LINE:
            raise DataFileError("path", f"{name}:{number}", "this line does not end", _TEXT)
        yield line


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(("#", "//"))


def _dialect(first: list[str]) -> tuple[str, int]:
    """The delimiter that cuts most lines into equally many cells, and how many these are."""
    lines = [line for line in first if line.strip() and not _is_comment(line)]
    best = (0, ",", 1)
    for delimiter in _DELIMITERS:
        counts = Counter(len(_split(line, delimiter)) for line in lines)
        width, n = max(counts.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        if width > 1:
            best = max(best, (n, delimiter, width), key=lambda each: (each[0], each[2]))
    return best[1], best[2]


def _comments(first: list[str], delimiter: str, width: int) -> int:
    """How many lines stand above the table."""
    for number, line in enumerate(first):
        if line.strip() and not _is_comment(line) and len(_split(line, delimiter)) == width:
            return number
    return 0


def _after(first: list[str], lines: Iterator[str], comments: int) -> Iterator[str]:
    yield from first[comments:]
    yield from lines


def _cells(lines: Iterator[str], delimiter: str, name: str, above: int) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row; empty lines are none."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            place = f"{name}:{above + reader.line_num}"
            raise DataFileError("path", place, f"this line is not CSV ({error})", _TEXT) from error
        if row is None:
            return
        if row:
            yield above + reader.line_num, row


def _with(first: tuple[int, list[str]], rest: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    yield first
    yield from rest
