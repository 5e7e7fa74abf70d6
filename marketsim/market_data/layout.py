"""What a file's content and what a scenario says of it come to: where its times and values are, and what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from marketsim.errors import DataFileError
from marketsim.market_data.content import opened
from marketsim.market_data.formats import ASSETS, FORMATS, MID, Format, of_header, of_rows
from marketsim.market_data.lobster import BOOK_WITHOUT_TIMES, message_file, with_times
from marketsim.market_data.numbers import exact
from marketsim.market_data.rows import Row, Rows
from marketsim.market_data.spec import DataFileSpec
from marketsim.market_data.text_rows import text_rows

Known = Literal["open", "close"]
"""When the value of a bar is known."""

_SAMPLE = 20  # rows by whose shape a file without header is known
_NOBODY = Decimal(9_999_999_999)  # LOBSTER's price of a side on which nobody is


@dataclass(frozen=True)
class Layout:
    """Positions of the columns that are read, and what they mean.

    width: how many columns there are. sides: positions of ask and bid, where the value is their middle. conditions:
    positions and the texts that may stand there. is_bare: whether the file has no header line.
    """

    format: Format
    names: tuple[str, ...]
    time: int
    value: int
    sides: tuple[int, int] | None
    conditions: tuple[tuple[int, tuple[str, ...]], ...]
    assets: int | None
    is_bare: bool

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.names)

    def known(self, said: Known | None) -> Known:
        """When a value is known: as is said, or of a bar at its close, but for its open."""
        is_bar = self.format.sort == "bars" and self.value_name.lower() != "open"
        return said or ("close" if is_bar else "open")

    @property
    def called(self) -> str:
        """What the file was taken for."""
        return f"{self.format.name} without a header line" if self.is_bare else self.format.name

    @property
    def value_name(self) -> str:
        """What the value's column is called; `mid` for the middle of two."""
        return MID if self.sides is not None else self.names[self.value]

    def chosen(self, row: Row) -> bool:
        """Whether a row meets the conditions."""
        return all(_text(row[i]) in allowed for i, allowed in self.conditions)

    def value_of(self, row: Row) -> Decimal | None:
        """The value in a row, exactly; None where a side of the book is empty. Raises UnitError for no number."""
        scale = self.format.scale
        if self.sides is None:
            return exact(row[self.value]) if scale == 1 else exact(row[self.value]) / scale
        ask, bid = (row[i] for i in self.sides)
        return None if _is_empty(ask) or _is_empty(bid) else (exact(ask) + exact(bid)) / (2 * scale)


def _text(cell: object) -> str:
    return cell.strip() if isinstance(cell, str) else str(cell)


def _is_empty(cell: object) -> bool:
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return True
    value = exact(cell)
    return value <= 0 or value >= _NOBODY


@dataclass(frozen=True)
class Wanted:
    """What is to be read besides instants: the key of the Spec that names its column, and the name, if it does.

    columns, times: names that are looked for where none is given, instead of those of the format. is_positive: whether
    a value has to be above zero.
    """

    key: str
    column: str | None
    columns: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    is_positive: bool = False


@contextmanager
def laid_out(path: Path, name: str, said: DataFileSpec, wanted: Wanted) -> Iterator[tuple[Layout, Rows]]:
    """A file open at its first row, and its layout.

    Raises DataFileError for what cannot be read and for what the file has not.
    """
    with opened(path, name) as content:
        if content.kind == "text":
            rows = text_rows(content, said.header)
        else:
            from marketsim.market_data.columnar import columnar_rows

            rows = columnar_rows(content)
        known = _format(rows, said)
        if known.name != BOOK_WITHOUT_TIMES:
            yield _layout(rows, known, said, wanted), rows
            return
        with opened(message_file(path), message_file(Path(name)).as_posix()) as messages:
            timed = with_times(rows, text_rows(messages, False))
            yield _layout(timed, known, said, wanted), timed


def _layout(rows: Rows, known: Format, said: DataFileSpec, wanted: Wanted) -> Layout:
    if known.is_of_a_day and said.date is None:
        allowed = "the file's day, such as `date: 2012-06-21`"
        raise DataFileError("date", f"{rows.file}, {known.name}", "times of LOBSTER are seconds of a day", allowed)
    names = _names(rows, said, known)
    time = _position(names, said.time or _first_of(wanted.times or known.time, names), "time", rows)
    value = wanted.column or _first_of(wanted.columns or (known.price,), names)
    sides = None
    if value == MID and known.sides is not None and MID not in names:
        ask, bid = (_position(names, side, wanted.key, rows) for side in known.sides)
        sides = ask, bid
    conditions: list[tuple[int, tuple[str, ...]]] = [
        (_position(names, column, "where", rows), (text,)) for column, text in said.where.items()
    ]
    conditions += [(names.index(column), texts) for column, texts in known.only.items() if column in names]
    at = sides[0] if sides is not None else _position(names, value, wanted.key, rows)
    assets = next((i for i, each in enumerate(names) if each.lower() in ASSETS), None)
    return Layout(known, names, time, at, sides, tuple(conditions), assets, rows.names is None)


def _format(rows: Rows, said: DataFileSpec) -> Format:
    if said.format != "auto":
        return FORMATS[said.format]
    names = said.columns or rows.names
    found = of_header(names) if names else of_rows(rows.sample(_SAMPLE))
    return found or FORMATS["plain"]


def _names(rows: Rows, said: DataFileSpec, known: Format) -> tuple[str, ...]:
    """What the columns are called: as the scenario says, as the file says, or as the format has it."""
    width = len(rows.names) if rows.names is not None else len(next(iter(rows.sample(1)), ()))
    if said.columns:
        if width and len(said.columns) != width:
            message = f"the file has {width} columns, and {len(said.columns)} are named"
            raise DataFileError("columns", rows.file, message, f"{width} names, in the file's order")
        return said.columns
    if rows.names is not None:
        return rows.names
    if not width:
        raise DataFileError("path", rows.file, "the file has no rows", "a file with prices")
    if not known.bare:
        sample = ", ".join(str(cell) for cell in rows.sample(1)[0])[:80]
        message = f"the file has no header line; it begins with {sample}"
        raise DataFileError("columns", rows.file, message, f"`columns`, which names its {width} columns by place")
    if len(known.bare) < width and known.name != BOOK_WITHOUT_TIMES:
        message = f"the file has {width} columns, {known.name} has {len(known.bare)}"
        raise DataFileError("format", rows.file, message, "another format, or `columns`")
    return known.bare[:width] + tuple(f"column {i + 1}" for i in range(len(known.bare), width))


def _first_of(candidates: Sequence[str], names: Sequence[str]) -> str:
    """The first candidate that is there, as the file spells it; the first of all where none is."""
    lower = {name.lower(): name for name in names}
    return next((lower[each] for each in candidates if each in lower), candidates[0])


def _position(names: Sequence[str], wanted: str, key: str, rows: Rows) -> int:
    """Where a column is; raises DataFileError where it is not, or is twice."""
    exactly = [i for i, name in enumerate(names) if name == wanted]
    found = exactly or [i for i, name in enumerate(names) if name.lower() == wanted.lower()]
    if len(found) == 1:
        return found[0]
    has = ", ".join(names)[:200]
    if found:
        message = f"{len(found)} columns of the file are called {wanted!r}"
        raise DataFileError(key, rows.file, message, "each name once; `columns` gives them others by place")
    near = get_close_matches(wanted, names, 1)
    message = f"the file has no column {wanted!r}"
    raise DataFileError(key, rows.file, message, f"its columns are {has}", near[0] if near else "")
