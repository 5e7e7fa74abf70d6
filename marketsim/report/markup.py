"""Pieces of the page: escaped text, tables, sections. Every text of a scenario passes through `text` here."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class Markup(str):
    """HTML that this package made; any other string is text and gets escaped on its way into the page."""

    __slots__ = ()


@dataclass(frozen=True)
class Heading:
    """A table's column: its heading, what it means (shown under the pointer), whether it holds numbers or sentences."""

    heading: str
    meaning: str = ""
    number: bool = True
    wraps: bool = False


def words(heading: str, meaning: str = "") -> Heading:
    """A column that holds words."""
    return Heading(heading, meaning, number=False)


def prose(heading: str, meaning: str = "") -> Heading:
    """A column that holds sentences, which go on in the next line."""
    return Heading(heading, meaning, number=False, wraps=True)


def text(value: object) -> Markup:
    """A value as text of the page: escaped unless it is markup already."""
    return value if isinstance(value, Markup) else Markup(html.escape(str(value), quote=True))


def join(pieces: Iterable[object], between: str = "") -> Markup:
    """Pieces one after the other, each escaped unless it is markup."""
    return Markup(between.join(text(piece) for piece in pieces))


def paragraph(*pieces: object, kind: str = "") -> Markup:
    """A paragraph; `kind` is its class: `note`, `empty`, `alarm`."""
    opening = f'<p class="{kind}">' if kind else "<p>"
    return Markup(f"{opening}{join(pieces)}</p>\n")


def empty(sentence: str) -> Markup:
    """The plain sentence a section says when it has nothing to show."""
    return paragraph(sentence, kind="empty")


def heading(title: str) -> Markup:
    """A heading inside a section."""
    return Markup(f"<h3>{text(title)}</h3>\n")


def fold(summary: str, told: str) -> Markup:
    """Lines of plain text behind a line that opens them."""
    return Markup(f"<details><summary>{text(summary)}</summary><pre>{text(told)}</pre></details>\n")


def section(anchor: str, title: str, *pieces: object) -> Markup:
    """A section of the page with its heading."""
    return Markup(f'<section id="{anchor}">\n<h2>{text(title)}</h2>\n{join(pieces)}</section>\n')


def side_by_side(figures: Iterable[Markup]) -> Markup:
    """Half-width figures in two columns."""
    return Markup(f'<div class="pair">{join(figures)}</div>\n')


def table(
    columns: Sequence[Heading], rows: Iterable[Sequence[object]], *, total: Sequence[object] | None = None
) -> Markup:
    """A table, with a row of totals where there is one."""

    def line(cells: Sequence[object], tag: str = "td") -> str:
        made = (f"<{tag}{_kind(column)}>{text(cell)}</{tag}>" for column, cell in zip(columns, cells, strict=True))
        return f"<tr>{''.join(made)}</tr>\n"

    head = "".join(
        f'<th scope="col"{" class=number" if one.number else ""}'
        f"{f' title={chr(34)}{text(one.meaning)}{chr(34)}' if one.meaning else ''}>{text(one.heading)}</th>"
        for one in columns
    )
    foot = f"<tfoot>{line(total)}</tfoot>" if total is not None else ""
    body = "".join(line(row) for row in rows)
    return Markup(
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody>{foot}</table></div>\n'
    )


def _kind(column: Heading) -> str:
    """The class of a column's cells."""
    return " class=number" if column.number else " class=prose" if column.wraps else ""


def facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    """Names and values in a two-column list."""
    items = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in pairs)
    return Markup(f'<dl class="facts">{items}</dl>\n')


def tiles(pairs: Iterable[tuple[str, object, str]]) -> Markup:
    """Key figures: a name, the figure, and a few words below it."""
    made = "".join(
        f'<div class="tile"><span class="name">{text(name)}</span><span class="value">{text(value)}</span>'
        f'<span class="below">{text(below)}</span></div>'
        for name, value, below in pairs
    )
    return Markup(f'<div class="tiles">{made}</div>\n')


def left_out(shown: int, whole: int, things: str, order: str, *, verb: str = "shown") -> Markup:
    """The note under a table or drawing that does not hold everything, or nothing where it does."""
    if shown >= whole:
        return Markup("")
    return paragraph(f"{shown:,} of {whole:,} {things} {verb}, {order}; {whole - shown:,} left out.", kind="note")
