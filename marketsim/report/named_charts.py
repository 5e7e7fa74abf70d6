"""Charts of estimates that have a name instead of a position: rows on one axis, or one place after another."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt

from marketsim.report.charts import (
    FULL_WIDTH,
    GREY,
    HALF_WIDTH,
    PALETTE,
    PIXELS_APART,
    Datum,
    Drawing,
    legend,
)
from marketsim.report.markup import Markup, join

_MARGIN = 60
"""Width of a drawing beside its plot, for one whose labels take what they need."""
_ROW = 26
_LONGEST_LABEL = 320


@dataclass(frozen=True)
class Named:
    """An estimate with a name, its interval (None = no interval), and the series it belongs to."""

    name: str
    value: float
    lo: float | None
    hi: float | None
    series: str = ""


def intervals_by_name(estimates: Sequence[Named], title: str, *, half: bool = False) -> Markup:
    """A row for each name, in the order given, its estimates on one axis; a line at 0, a colour for each series."""
    names, colours = _names(estimates), _colours(estimates)
    label = alt.Axis(title=None, labelLimit=_LONGEST_LABEL, labelFontSize=12, grid=False, minExtent=0)
    y = alt.Y("name:N", sort=names, axis=label, scale=alt.Scale(padding=0.4))
    x = alt.X("value:Q", title=title, axis=alt.Axis(format=",~r", tickCount=8), scale=alt.Scale(zero=True, padding=12))
    drawing = Drawing()
    layers: list[Any] = [drawing.of([{"value": 0}]).mark_rule(color=GREY, strokeDash=[3, 3]).encode(x=x)]
    for place, (one, colour) in enumerate(colours.items()):
        beside, own = _beside(place, len(colours)), [each for each in estimates if each.series == one]
        rule = drawing.of(_intervals(own)).mark_rule(color=colour, strokeWidth=2, yOffset=beside)
        mark = drawing.of([asdict(each) for each in own]).mark_point(
            color=colour, filled=True, size=70, opacity=1, yOffset=beside
        )
        layers += [rule.encode(y=y, x=x, x2="end:Q"), mark.encode(y=y, x=x)]
    height = 60 + len(names) * max(_ROW, 2 * PIXELS_APART * len(colours) + 10)
    return _drawn(drawing, layers, colours, height, half=half)


def intervals_in_order(estimates: Sequence[Named], x_title: str, y_title: str, *, half: bool = False) -> Markup:
    """A place for each name from left to right, the estimates of a series joined by a line; a line at 0."""
    names, colours = _names(estimates), _colours(estimates)
    x = alt.X("name:N", sort=names, title=x_title, axis=alt.Axis(labelAngle=0, grid=False, labelFontSize=12))
    y = alt.Y("value:Q", title=y_title, axis=alt.Axis(format=",~r", tickCount=6), scale=alt.Scale(zero=True, padding=8))
    drawing = Drawing()
    layers: list[Any] = [drawing.of([{"value": 0}]).mark_rule(color=GREY, strokeDash=[3, 3]).encode(y=y)]
    for place, (one, colour) in enumerate(colours.items()):
        beside, own = _beside(place, len(colours)), [each for each in estimates if each.series == one]
        rows = [asdict(each) for each in own]
        line = drawing.of(rows).mark_line(color=colour, strokeWidth=1, opacity=0.5, xOffset=beside)
        rule = drawing.of(_intervals(own)).mark_rule(color=colour, strokeWidth=2, xOffset=beside)
        mark = drawing.of(rows).mark_point(color=colour, filled=True, size=70, opacity=1, xOffset=beside)
        layers += [line.encode(x=x, y=y), rule.encode(x=x, y=y, y2="end:Q"), mark.encode(x=x, y=y)]
    return _drawn(drawing, layers, colours, 280, half=half)


def _names(estimates: Sequence[Named]) -> list[str]:
    return list(dict.fromkeys(each.name for each in estimates))


def _colours(estimates: Sequence[Named]) -> Mapping[str, str]:
    series = dict.fromkeys(each.series for each in estimates)
    return dict(zip(series, itertools.cycle(PALETTE), strict=False))


def _beside(place: int, series: int) -> float:
    """How far the marks of a series stand from the middle, so that none hides another [pixels]."""
    return 2 * PIXELS_APART * (place - (series - 1) / 2)


def _intervals(estimates: Sequence[Named]) -> list[Datum]:
    return [
        {"name": each.name, "value": each.lo, "end": each.hi}
        for each in estimates
        if each.lo is not None and each.hi is not None
    ]


def _drawn(
    drawing: Drawing, layers: Sequence[Any], colours: Mapping[str, str], height: int, *, half: bool
) -> Markup:  # fmt: skip
    width = (HALF_WIDTH if half else FULL_WIDTH) + _MARGIN
    made = drawing.finish(alt.layer(*layers), width, height, fits=True)
    keys = [(one, colour, "circle") for one, colour in colours.items() if one]
    return join([legend(keys), made] if keys else [made])
