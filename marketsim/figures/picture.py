"""A picture before it is drawn: panels of named series on one kind of axis, a caption, and the table of its numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Number = float | int | None
Mark = Literal["line", "band", "steps", "bars", "points", "curve", "surface"]
Layout = Literal["stacked", "beside", "forest", "surface"]

MOST_SERIES = 7
"""As many as the palette tells apart."""

_COLUMNS = ("x", "x_lo", "x_hi", "y", "lo", "hi", "lo_90", "hi_90", "value")


class LeftOut(Exception):  # noqa: N818 - no error: the rest is drawn, and this is listed
    """A figure or a panel that has nothing to show; its words say why."""


@dataclass(frozen=True)
class Series:
    """Numbers that are drawn alike, all sequences of one length (n,); None is a gap.

    mark: `line`, `steps` and `curve` (of theory) join y; `band` fills from lo to hi; `bars` reach from 0 to y between
    x_lo and x_hi; `points` are y with the interval lo to hi, in x with x_lo to x_hi, and of 90 % in lo_90 to hi_90;
    `surface` colours (x, y) by value. look: its place in the palette, None for a grey reference. joined: points with a
    thin line between them.
    """

    name: str
    mark: Mark
    x: Sequence[Number | str]
    y: Sequence[Number | str] = ()
    lo: Sequence[Number] = ()
    hi: Sequence[Number] = ()
    x_lo: Sequence[Number] = ()
    x_hi: Sequence[Number] = ()
    lo_90: Sequence[Number] = ()
    hi_90: Sequence[Number] = ()
    value: Sequence[Number] = ()
    look: int | None = 0
    joined: bool = False


@dataclass(frozen=True)
class Panel:
    """Series over one height. quantity: what the height is, with its unit; heading: what tells it from its neighbours.

    reference: where a thin line stands, None for none.
    """

    quantity: str
    series: Sequence[Series]
    heading: str = ""
    reference: float | None = None


@dataclass(frozen=True)
class Axis:
    """What panels share. kind: `utc` (x in ns since `start_ns`), `number`, `log`, or `named` by `names` in their order.

    limits: first and last x, None for those of the data. shaded: a span without a measurement, as the warm-up.
    """

    quantity: str
    kind: Literal["utc", "number", "log", "named"] = "number"
    names: Sequence[str] = ()
    start_ns: int = 0
    limits: tuple[float, float] | None = None
    shaded: tuple[float, float] | None = None


@dataclass(frozen=True)
class Picture:
    """A figure: the name of its files, what it shows in a sentence, its panels, and the sentences of its caption."""

    name: str
    title: str
    panels: Sequence[Panel]
    axis: Axis
    layout: Layout = "stacked"
    caption: Sequence[str] = field(default_factory=tuple)

    def table(self) -> str:
        """The numbers drawn, as CSV: a row a point, columns that no series fills left out."""
        rows = [(place, panel, series) for place, panel in enumerate(self.panels) for series in panel.series]
        used = [name for name in _COLUMNS if any(len(getattr(series, name)) for *_, series in rows)]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        x = "t_ns" if self.axis.kind == "utc" else "x"
        writer.writerow(["panel", "x_quantity", "quantity", "series", "mark", *(x if n == "x" else n for n in used)])
        for place, panel, series in rows:
            fixed = [": ".join(part for part in (letter(place), panel.heading) if part), plain(self.axis.quantity)]
            fixed += [plain(panel.quantity), series.name, series.mark]
            columns = [getattr(series, name) or [None] * len(series.x) for name in used]
            writer.writerows([*fixed, *map(_written, row)] for row in zip(*columns, strict=True))
        return text.getvalue()


def letter(place: int) -> str:
    """The letter a panel is called by: a, b, c, .."""
    return "abcdefghijklmnopqrstuvwxyz"[place]


def plain(quantity: str) -> str:
    """A quantity in one line."""
    return quantity.replace("\n", " ")


def _written(value: Number | str) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
