"""Charts of estimates and their intervals: over a quantity, by name on one axis, by name from left to right."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt

from marketsim.report.charts.look import GREY, PALETTE

_PIXELS_APART = 7
_ROW = 26


@dataclass(frozen=True)
class ScatterPoint:
    """A mark at (x, y); its kind gives colour and symbol; `of` says what it is."""

    x: float
    y: float
    kind: str
    of: str = ""


@dataclass(frozen=True)
class Estimate:
    """An estimate at x with its interval, and perhaps an interval of x; None = no interval."""

    x: float
    value: float
    lo: float | None
    hi: float | None
    series: str
    x_lo: float | None = None
    x_hi: float | None = None


@dataclass(frozen=True)
class Named:
    """An estimate with a name, its interval (None = no interval), and the series it belongs to."""

    name: str
    value: float
    lo: float | None
    hi: float | None
    series: str = ""


def scatter(
    points: Sequence[ScatterPoint], x_title: str, y_title: str, styles: Mapping[str, tuple[str, str]], *,
    height: int = 230,
) -> Any:  # fmt: skip
    """Marks whose colour and symbol `styles` gives by their kind; a line at y = 0."""
    widest = 1.06 * max(point.x for point in points) or 1.0  # no mark on the frame
    x = alt.X("x:Q", title=x_title, axis=alt.Axis(format=",~r"), scale=alt.Scale(domain=[0, widest]))
    scale = alt.Scale(zero=True, nice=True, padding=10)
    y = alt.Y("y:Q", title=y_title, axis=alt.Axis(format=",~r", tickCount=6), scale=scale)
    key = alt.Legend(title=None)
    colour = alt.Scale(domain=list(styles), range=[each for each, _ in styles.values()])
    shape = alt.Scale(domain=list(styles), range=[each for _, each in styles.values()])
    marks = _chart([asdict(point) for point in points]).mark_point(filled=True, size=70, opacity=0.85)
    marks = marks.encode(
        x=x, y=y, color=alt.Color("kind:N", scale=colour, legend=key),
        shape=alt.Shape("kind:N", scale=shape, legend=key),
        tooltip=[
            alt.Tooltip("of:N", title="rebalance"), alt.Tooltip("kind:N", title="side"),
            alt.Tooltip("x:Q", title=x_title, format=".3~r"), alt.Tooltip("y:Q", title=y_title, format=".3~r"),
        ],
    )  # fmt: skip
    return alt.layer(_nothing("y", y), marks).properties(height=height)


def intervals(
    estimates: Sequence[Estimate], x_title: str, y_title: str,
    curves: Sequence[tuple[str, Sequence[tuple[float, float]], str]] = (),
) -> Any:  # fmt: skip
    """Estimates with their intervals, a colour for each series.

    curves: for theory, each a name, its points (x, height) and a colour. The x-axis is logarithmic where the estimates
    lie above zero and far apart, and there are no curves.
    """
    colours = _colours([each.series for each in estimates])
    x = _axis_of_cells([each.x for each in estimates], x_title, from_zero=bool(curves))
    y = alt.Y("value:Q", title=y_title, axis=alt.Axis(tickCount=6), scale=alt.Scale(zero=False, nice=True, padding=8))
    together = len({(each.x, each.series) for each in estimates}) > len({each.x for each in estimates})
    layers = _curves(curves, x, y) if curves else []
    for place, name in enumerate(colours):
        # Series that share an x are drawn side by side, or the last would hide the others.
        beside = _beside(place, len(colours), _PIXELS_APART) if together else 0.0
        own = [each for each in estimates if each.series == name]
        flat = [
            {"x": each.x_lo, "end": each.x_hi, "value": each.value}
            for each in own
            if each.x_lo is not None and each.x_hi is not None
        ]
        if flat:
            layers.append(_chart(flat).mark_rule(color=colours[name], strokeWidth=1).encode(x=x, x2="end:Q", y=y))
        layers += _upright(own, "x", x, y, colours, beside, _told("series", "x:Q", x_title, y_title))
    return alt.layer(*layers).properties(height=260)


def intervals_by_name(estimates: Sequence[Named], title: str) -> Any:
    """A row for each name, in the order given, its estimates on one axis; a line at 0, a colour for each series."""
    names, colours = _names(estimates), _colours([each.series for each in estimates])
    label = alt.Axis(title=None, labelFontSize=12, grid=False, minExtent=0)
    y = alt.Y("name:N", sort=names, axis=label, scale=alt.Scale(padding=0.4))
    x = alt.X("value:Q", title=title, axis=alt.Axis(format=",~r"), scale=alt.Scale(zero=True, padding=12))
    layers: list[Any] = [_nothing("x", x)]
    for place, (one, colour) in enumerate(colours.items()):
        beside = _beside(place, len(colours), 2 * _PIXELS_APART)
        own = [each for each in estimates if each.series == one]
        if ends := _ends(own, "name"):
            rule = _chart(ends).mark_rule(color=colour, strokeWidth=2, yOffset=beside)
            layers.append(rule.encode(y=y, x=x, x2="end:Q"))
        mark = _chart([asdict(each) for each in own]).mark_point(filled=True, size=70, opacity=1, yOffset=beside)
        told = _told("series", "name:N", "what", title)
        layers.append(mark.encode(y=y, x=x, color=_hue(colours), tooltip=told))
    height = 10 + len(names) * max(_ROW, 2 * _PIXELS_APART * len(colours) + 10)
    return alt.layer(*layers).properties(height=height)


def intervals_in_order(estimates: Sequence[Named], x_title: str, y_title: str) -> Any:
    """A place for each name from left to right, the estimates of a series joined by a line; a line at 0."""
    names, colours = _names(estimates), _colours([each.series for each in estimates])
    x = alt.X("name:N", sort=names, title=x_title, axis=alt.Axis(labelAngle=0, grid=False, labelFontSize=12))
    y = alt.Y("value:Q", title=y_title, axis=alt.Axis(format=",~r", tickCount=6), scale=alt.Scale(zero=True, padding=8))
    layers: list[Any] = [_nothing("y", y)]
    for place, (one, colour) in enumerate(colours.items()):
        beside = _beside(place, len(colours), 2 * _PIXELS_APART)
        own = [each for each in estimates if each.series == one]
        line = _chart([asdict(each) for each in own]).mark_line(
            color=colour, strokeWidth=1, opacity=0.5, xOffset=beside
        )
        told = _told("series", "name:N", x_title, y_title)
        layers += [line.encode(x=x, y=y), *_upright(own, "name", x, y, colours, beside, told)]
    return alt.layer(*layers).properties(height=240)


def _upright(
    estimates: Sequence[Estimate] | Sequence[Named], key: str, x: alt.X, y: alt.Y, colours: Mapping[str, str],
    beside: float, told: list[alt.Tooltip],
) -> list[Any]:  # fmt: skip
    """The rules of upright intervals of one series, and its marks, shifted sideways by `beside` pixels."""
    colour = colours[estimates[0].series]
    mark = _chart([asdict(each) for each in estimates]).mark_point(filled=True, size=65, opacity=1, xOffset=beside)
    marks = mark.encode(x=x, y=y, color=_hue(colours), tooltip=told)
    ends = _ends(estimates, key)
    if not ends:  # nothing to draw is a warning to Vega
        return [marks]
    rule = _chart(ends).mark_rule(color=colour, strokeWidth=2, xOffset=beside)
    return [rule.encode(x=x, y=y, y2="end:Q"), marks]


def _ends(estimates: Sequence[Estimate] | Sequence[Named], key: str) -> list[dict[str, Any]]:
    return [
        {key: getattr(each, key), "value": each.lo, "end": each.hi}
        for each in estimates
        if each.lo is not None and each.hi is not None
    ]


def _curves(curves: Sequence[tuple[str, Sequence[tuple[float, float]], str]], x: alt.X, y: alt.Y) -> list[Any]:
    """Curves of theory as dashed lines with a legend of their own."""
    rows = [{"x": at, "value": height, "curve": name} for name, points, _ in curves for at, height in points]
    names, key = [name for name, _, _ in curves], alt.Legend(title=None, symbolType="stroke")
    hue = alt.Scale(domain=names, range=[colour for _, _, colour in curves])
    line = (
        _chart(rows).mark_line(strokeDash=[5, 3]).encode(x=x, y=y, stroke=alt.Stroke("curve:N", scale=hue, legend=key))
    )
    return [line]


def _chart(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=[dict(row) for row in rows]))


def _nothing(channel: str, encoding: alt.X | alt.Y) -> Any:
    """A dashed line where the axis is 0."""
    line = _chart([{"x": 0, "y": 0, "value": 0}]).mark_rule(color=GREY, strokeDash=[3, 3])
    return line.encode(**{channel: encoding})


def _told(series: str, place: str, place_title: str, value_title: str) -> list[alt.Tooltip]:
    """What a mark says: its series, where it stands, its estimate and interval."""
    return [
        alt.Tooltip(f"{series}:N"), alt.Tooltip(place, title=place_title),
        alt.Tooltip("value:Q", title=value_title, format=".4~r"),
        alt.Tooltip("lo:Q", title="from", format=".4~r"), alt.Tooltip("hi:Q", title="to", format=".4~r"),
    ]  # fmt: skip


def _hue(colours: Mapping[str, str]) -> alt.Color:
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    named = any(colours)
    return alt.Color("series:N", scale=scale, legend=alt.Legend(title=None) if named else None)


def _names(estimates: Sequence[Named]) -> list[str]:
    return list(dict.fromkeys(each.name for each in estimates))


def _colours(series: Sequence[str]) -> Mapping[str, str]:
    return dict(zip(dict.fromkeys(series), itertools.cycle(PALETTE), strict=False))


def _beside(place: int, series: int, apart: float) -> float:
    """How far the marks of a series stand from the middle, so that none hides another [pixels]."""
    return apart * (place - (series - 1) / 2)


def _axis_of_cells(values: Sequence[float], title: str, *, from_zero: bool) -> alt.X:
    scale = alt.Scale(zero=True, nice=True) if from_zero else alt.Scale(zero=False, nice=True, padding=12)
    if not from_zero and min(values) > 0 and max(values) > 20 * min(values):
        scale = alt.Scale(type="log", nice=False, padding=12)
    form = "~s" if max(values) >= 10_000 else ",~r"
    return alt.X("x:Q", title=title, axis=alt.Axis(format=form), scale=scale)
