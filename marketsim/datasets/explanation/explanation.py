"""An explanation: a rule in words, what went in, the formula with numbers in place, what was sent, what was left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HEAD, TAIL = 15, 5
"""Rows of a long list that its text shows: the first and the last."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that went in: its name, its value, and the value as people read it."""

    name: str
    value: float | int | str | None
    text: str


@dataclass(frozen=True)
class Explanation:
    """Why one row of a table is as it is.

    rule: sentences. numbers: what went in. formula: lines, the last with the numbers in place. parts_are: what `parts`
    are called. parts: what was sent or done, in time, by column. outcome: sentences, what was left included.
    """

    table: str
    id: int
    title: str
    rule: tuple[str, ...]
    numbers: tuple[Figure, ...]
    formula: tuple[str, ...]
    parts_are: str
    parts: tuple[Mapping[str, Any], ...]
    outcome: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for JSON; the parts under what they are called."""
        return {
            "table": self.table,
            "id": self.id,
            "title": self.title,
            "rule": list(self.rule),
            "numbers": {each.name: {"value": each.value, "text": each.text} for each in self.numbers},
            "formula": list(self.formula),
            self.parts_are: [dict(part) for part in self.parts],
            "outcome": list(self.outcome),
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self.title
        yield from _block("Rule", self.rule)
        width = max((len(each.name) for each in self.numbers), default=0)
        yield from _block("What went in", [f"{each.name:<{width}}  {each.text}" for each in self.numbers])
        yield from _block("Formula", self.formula)
        yield from _block(self.parts_are.capitalize(), as_columns(self.parts))
        yield from _block("Outcome", self.outcome)


def _block(name: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield name
        yield from (f"  {line}" for line in lines)


def as_columns(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows as lines of text in columns, the first and the last of many."""
    if not parts:
        return []
    shown = list(parts) if len(parts) <= HEAD + TAIL else [*parts[:HEAD], *parts[-TAIL:]]
    names = list(parts[0])
    cells = [names, *([_cell(part[name]) for name in names] for part in shown)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    if len(shown) < len(parts):
        lines.insert(1 + HEAD, f"... and {len(parts) - len(shown):,} more ...")
    return lines


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,.10g}" if isinstance(value, float) else str(value)
