"""Rows of a data file, whatever it is packed in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from marketsim.errors import DataFileError

Row = Sequence[object]


@dataclass
class Rows:
    """The names of the columns, if the file has them, and its rows, each with its number, read once.

    counted: what the numbers count, `line` or `row`. Cells are text, or a column's own values.
    """

    names: tuple[str, ...] | None
    numbered: Iterator[tuple[int, Row]]
    file: str
    counted: str

    def place(self, number: int) -> str:
        """Where a row stands, as a message says it."""
        return f"{self.file}:{number}" if self.counted == "line" else f"{self.file}, row {number}"

    def sample(self, n: int) -> list[Row]:
        """The first rows, which are still to be read."""
        first = list(islice(self.numbered, n))
        self.numbered = chain(first, self.numbered)
        return [row for _, row in first]

    def cells(self, positions: Sequence[int], width: int) -> Iterator[tuple[int, Row]]:
        """The rows, each with as many cells as there are columns; raises DataFileError for one that has not."""
        last = max(positions, default=0)
        for number, row in self.numbered:
            if len(row) != width and (len(row) <= last or any(cell not in ("", None) for cell in row[width:])):
                message = f"this {self.counted} has {len(row)} values where {width} are due"
                raise DataFileError("path", self.place(number), message, "as many as there are columns")
            yield number, row
