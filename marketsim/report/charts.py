"""Charts over numbers, drawn once as SVG; with `named_charts` the only file that knows Altair.

Why drawings and not the Vega bundle: the bundle is 0.9 MB of script, and each line carries its data as JSON (80 kB for
2,000 points; 25 kB when drawn). A drawing needs no script, prints as it looks, and its bytes depend on the run alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt
import polars as pl
import vl_convert

from marketsim.report.markup import Markup, join, text
from marketsim.report.series import MOST_POINTS, thin, thin_steps

# Okabe and Ito's palette, told apart with every common colour blindness; yellow is left out, too pale for a thin line.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, BLACK, GREY, PALE = "#56B4E9", "#CC79A7", "#222222", "#8A8A8A", "#B4B4B4"
PALETTE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK, GREY)
FULL_WIDTH, HALF_WIDTH = 985, 440
HALF_POINTS = 800
PIXELS_APART = 7
_NS_PER_MS = 1_000_000
_DAY_MS, _TEN_MINUTES_MS = 86_400_000, 600_000
_SYMBOLS = {
    "stroke": "M0 6H18", "dashed": "M0 6H7M11 6H18", "square": "M4 1H14V11H4Z", "circle": "M9 1A5 5 0 1 1 8.99 1Z",
    "triangle-up": "M9 1L15 11H3Z", "triangle-down": "M9 11L15 1H3Z", "diamond": "M9 0L15 6L9 12L3 6Z",
}  # fmt: skip
_WIDTHS = {"stroke": 3, "dashed": 3}
_LOOK: Mapping[str, object] = {
    "aria": False,
    "background": "white",
    "font": "sans-serif",
    "axis": alt.AxisConfig(
        gridColor="#e6e6e6", domainColor="#888", tickColor="#888", labelColor="#333", titleColor="#333",
        labelFontSize=11, titleFontSize=11, titleFontWeight="normal", titlePadding=8,
    ),
    "axisY": alt.AxisConfig(minExtent=44),
    "view": alt.ViewConfig(stroke="#cccccc"),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A line of a chart: a name for the legend, a frame with `t_ns` and `value`, a colour, and how it is drawn."""

    name: str
    frame: pl.DataFrame
    value: str
    colour: str
    steps: bool = False
    dashed: bool = False
    width: float = 1.4


@dataclass(frozen=True)
class Points:
    """Marks over a chart: a name for the legend, instants and heights, a colour and a Vega symbol."""

    name: str
    t_ns: Sequence[int]
    values: Sequence[float]
    colour: str
    shape: str


@dataclass(frozen=True)
class TimeAxis:
    """The time axis of all charts: where the clock starts [ns since the epoch, None if unknown], how long it runs."""

    start_ns: int | None
    end_ns: int

    def at(self, t_ns: int) -> float:
        """An instant as Vega wants it: milliseconds since the epoch."""
        return ((self.start_ns or 0) + t_ns) / _NS_PER_MS

    def encoding(self, ticks: int) -> alt.X:
        """The horizontal axis of every chart over time."""
        span_ms = self.end_ns / _NS_PER_MS
        form = "%H:%M:%S" if span_ms < _TEN_MINUTES_MS else "%H:%M"
        title = "time since the start" if self.start_ns is None else "time [UTC]"
        domain = [self.at(0), self.at(max(self.end_ns, 1))]
        # Midnight says the day, every other tick the time of day.
        label = f"datum.value % {_DAY_MS} == 0 ? utcFormat(datum.value, '%d %b') : utcFormat(datum.value, '{form}')"
        axis = alt.Axis(title=title, labelExpr=label, tickCount=ticks, labelOverlap="greedy", labelFlush=True)
        return alt.X("t:T", axis=axis, scale=alt.Scale(type="utc", domain=domain, nice=False))


@dataclass(frozen=True)
class ScatterPoint:
    """A mark at (x, y); its kind gives colour and symbol."""

    x: float
    y: float
    kind: str


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
class Step:
    """A bar of a waterfall from `low` to `high`; kind is gain, loss or level."""

    part: str
    low: float
    high: float
    kind: str
    label: str


Datum = Mapping[str, float | str | None]
"""A row of a chart's data, as Vega reads it."""


class Drawing:
    """One chart in the making, its data by name, so that Altair's schema checks the chart and never walks the data."""

    def __init__(self) -> None:
        self.datasets: dict[str, Sequence[Datum]] = {}

    def of(self, rows: Sequence[Datum]) -> alt.Chart:
        """A chart to be, over these rows."""
        name = f"d{len(self.datasets)}"
        self.datasets[name] = rows
        return alt.Chart(alt.NamedData(name=name))

    def finish(self, chart: Any, width: int, height: int, *, fits: bool = False) -> Markup:
        """The chart as inline SVG, its identifiers numbered from 0, its coordinates cut to a tenth of a pixel.

        fits: width and height are of the whole drawing, axes and labels included, and not of the plot in it.
        """
        fit = {"autosize": alt.AutoSizeParams(type="fit", contains="padding")} if fits else {}
        spec = chart.properties(width=width, height=height, **fit).configure(**_LOOK).to_dict()
        # No address is allowed: the data is in the chart, and a drawing must never fetch anything.
        svg = vl_convert.vegalite_to_svg({**spec, "datasets": self.datasets}, allowed_base_urls=[])
        # The renderer numbers its identifiers over the life of the process; equal runs must give equal bytes.
        for number, name in enumerate(dict.fromkeys(re.findall(r' id="(\w+)"', svg))):
            svg = re.sub(rf'(?<= id="){name}(?=")|(?<=url\(#){name}(?=\))', f"part-{number}", svg)
        svg = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d)\d+", r"\1", path.group()), svg)
        svg = re.sub(r' xmlns(:xlink)?="[^"]*"| version="1.1"', "", svg)
        return Markup(svg)


def numbered(page: str) -> str:
    """A page whose drawings share no identifier: each of them puts its number on the page before its own."""
    count = itertools.count(1)

    def prefixed(drawing: re.Match[str]) -> str:
        return re.sub(r'(?<= id=")part-|(?<=url\(#)part-', f"drawing-{next(count)}-", drawing.group())

    return re.sub(r'<svg class="marks".*?</svg>', prefixed, page, flags=re.DOTALL)


def over_time(
    lines: Sequence[Line], axis: TimeAxis, title: str, *, form: str = ",~f", points: Sequence[Points] = (),
    zero: bool = False, height: int = 230, half: bool = False,
) -> Markup:  # fmt: skip
    """Lines over time, marks on top; `title` names the quantity and its unit, `form` is a d3 number format."""
    width, most, ticks = (HALF_WIDTH, HALF_POINTS, 4) if half else (FULL_WIDTH, MOST_POINTS, 10)
    x = axis.encoding(ticks)
    y = alt.Y("v:Q", title=title, axis=alt.Axis(format=form, tickCount=6), scale=alt.Scale(zero=zero, nice=True))
    drawing = Drawing()
    layers = [_line_layer(drawing, line, axis, most).encode(x=x, y=y) for line in lines]
    layers += [_point_layer(drawing, one, axis).encode(x=x, y=y) for one in points]
    keys = [(line.name, line.colour, "dashed" if line.dashed else "stroke") for line in lines]
    keys += [(one.name, one.colour, one.shape) for one in points]
    return join([legend(keys), drawing.finish(alt.layer(*layers), width, height)])


def _line_layer(drawing: Drawing, line: Line, axis: TimeAxis, most: int) -> Any:
    frame = (thin_steps if line.steps else thin)(line.frame, "t_ns", line.value, most)
    rows = [{"t": axis.at(t_ns), "v": value} for t_ns, value in frame.rows()]
    return drawing.of(rows).mark_line(
        color=line.colour, strokeWidth=line.width, clip=True,
        interpolate="step-after" if line.steps else "linear",
        strokeDash=[5, 3] if line.dashed else alt.Undefined,
    )  # fmt: skip


def _point_layer(drawing: Drawing, points: Points, axis: TimeAxis) -> Any:
    rows = [{"t": axis.at(t_ns), "v": value} for t_ns, value in zip(points.t_ns, points.values, strict=True)]
    return drawing.of(rows).mark_point(
        shape=points.shape, color=points.colour, filled=True, size=75, opacity=1, stroke="white", strokeWidth=0.8
    )


def bars_over_time(
    frame: pl.DataFrame, axis: TimeAxis, title: str, colours: Mapping[str, str], *, form: str = "~s", height: int = 120
) -> Markup:
    """Stacked bars from a frame with `t0_ns`, `t1_ns`, `kind`, `value`; `colours` gives the kinds their order."""
    order = {kind: place for place, kind in enumerate(colours)}
    tops: dict[tuple[int, bool], float] = {}
    rows = []
    for t0_ns, t1_ns, kind, value in sorted(
        frame.select("t0_ns", "t1_ns", "kind", "value").rows(), key=lambda row: (row[0], order[row[2]])
    ):
        low = tops.get((t0_ns, value < 0), 0.0)
        tops[t0_ns, value < 0] = low + value
        rows.append({"t": axis.at(t0_ns), "t2": axis.at(t1_ns), "v": low, "v2": low + value, "s": kind})
    y = alt.Y("v:Q", title=title, axis=alt.Axis(format=form, tickCount=4), scale=alt.Scale(zero=True, nice=True))
    drawing = Drawing()
    bars = drawing.of(rows).mark_rect(clip=True, stroke="white", strokeWidth=0.4)
    bars = bars.encode(x=axis.encoding(10), x2="t2:T", y=y, y2="v2:Q", color=_hue("s", colours))
    keys = [(kind, colour, "square") for kind, colour in colours.items()]
    return join([legend(keys), drawing.finish(bars, FULL_WIDTH, height)])


def bubbles_over_time(
    frame: pl.DataFrame, axis: TimeAxis, title: str, colours: Mapping[str, str], *, form: str = "~s", height: int = 190
) -> Markup:
    """Circles from a frame with `t_ns`, `kind` and a positive `value`, on a logarithmic height."""
    rows = [
        {"t": axis.at(t_ns), "v": value, "s": kind}
        for t_ns, kind, value in frame.select("t_ns", "kind", "value").rows()
        if value > 0
    ]
    y = alt.Y("v:Q", title=title, axis=alt.Axis(format=form, tickCount=5), scale=alt.Scale(type="log"))
    drawing = Drawing()
    circles = drawing.of(rows).mark_circle(size=34, opacity=0.65, clip=True)
    circles = circles.encode(x=axis.encoding(10), y=y, color=_hue("s", colours))
    keys = [(kind, colour, "circle") for kind, colour in colours.items()]
    return join([legend(keys), drawing.finish(circles, FULL_WIDTH, height)])


def scatter(
    points: Sequence[ScatterPoint],
    x_title: str,
    y_title: str,
    styles: Mapping[str, tuple[str, str]],
    *,
    height: int = 230,
) -> Markup:
    """Marks whose colour and symbol `styles` gives by their kind; a line at y = 0."""
    widest = 1.06 * max(point.x for point in points) or 1.0  # no mark on the frame
    y_of = alt.Scale(zero=True, nice=True, padding=10)
    x = alt.X("x:Q", title=x_title, axis=alt.Axis(format=",~r", tickCount=8), scale=alt.Scale(domain=[0, widest]))
    y = alt.Y("y:Q", title=y_title, axis=alt.Axis(format=",~r", tickCount=6), scale=y_of)
    drawing = Drawing()
    layers: list[Any] = [drawing.of([{"y": 0}]).mark_rule(color=GREY, strokeDash=[3, 3]).encode(y=y)]
    for kind, (colour, shape) in styles.items():
        own = [point for point in points if point.kind == kind]
        marks = drawing.of([asdict(point) for point in own]).mark_point(
            shape=shape, color=colour, filled=True, size=70, opacity=0.85
        )
        layers.append(marks.encode(x=x, y=y))
    keys = [(kind, colour, shape) for kind, (colour, shape) in styles.items()]
    return join([legend(keys), drawing.finish(alt.layer(*layers), FULL_WIDTH, height)])


def intervals(
    estimates: Sequence[Estimate], x_title: str, y_title: str,
    curves: Sequence[tuple[str, Sequence[tuple[float, float]], str]] = (), *, half: bool = False,
) -> Markup:  # fmt: skip
    """Estimates with their intervals, a colour for each series.

    curves: for theory, each a name, its points (x, height) and a colour. The x-axis is logarithmic where the estimates
    lie above zero and far apart, and there are no curves.
    """
    names = list(dict.fromkeys(each.series for each in estimates))
    colours = dict(zip(names, itertools.cycle(PALETTE), strict=False))
    x = _axis_of_cells([each.x for each in estimates], x_title, from_zero=bool(curves))
    y = alt.Y("value:Q", title=y_title, axis=alt.Axis(tickCount=6), scale=alt.Scale(zero=False, nice=True, padding=8))
    drawing, layers = Drawing(), []
    for _, points, colour in curves:
        line = [{"x": at, "value": height} for at, height in points]
        layers.append(drawing.of(line).mark_line(color=colour, strokeDash=[5, 3]).encode(x=x, y=y))
    together = len({(each.x, each.series) for each in estimates}) > len({each.x for each in estimates})
    for place, name in enumerate(names):
        # Series that share an x are drawn side by side, or the last would hide the others.
        beside = PIXELS_APART * (place - (len(names) - 1) / 2) if together else 0.0
        own = [each for each in estimates if each.series == name]
        layers += _interval_layers(drawing, own, x, y, colours[name], beside)
    keys = [(name, colours[name], "circle") for name in names]
    keys += [(name, colour, "dashed") for name, _, colour in curves]
    return join([legend(keys), drawing.finish(alt.layer(*layers), HALF_WIDTH if half else FULL_WIDTH, 260)])


def _interval_layers(
    drawing: Drawing, estimates: Sequence[Estimate], x: alt.X, y: alt.Y, colour: str, beside: float
) -> list[Any]:
    """The marks of one series and the rules of its intervals, shifted sideways by `beside` pixels."""
    upright = [
        {"x": each.x, "value": each.lo, "end": each.hi}
        for each in estimates
        if each.lo is not None and each.hi is not None
    ]
    flat = [
        {"x": each.x_lo, "end": each.x_hi, "value": each.value}
        for each in estimates
        if each.x_lo is not None and each.x_hi is not None
    ]
    rows = [asdict(each) for each in estimates]
    return [
        drawing.of(upright).mark_rule(color=colour, strokeWidth=1.5, xOffset=beside).encode(x=x, y=y, y2="end:Q"),
        drawing.of(flat).mark_rule(color=colour, strokeWidth=1).encode(x=x, x2="end:Q", y=y),
        drawing.of(rows).mark_point(color=colour, filled=True, size=60, opacity=1, xOffset=beside).encode(x=x, y=y),
    ]


def _axis_of_cells(values: Sequence[float], title: str, *, from_zero: bool) -> alt.X:
    scale = alt.Scale(zero=True, nice=True) if from_zero else alt.Scale(zero=False, nice=True, padding=12)
    if not from_zero and _spans_decades(values):
        scale = alt.Scale(type="log", nice=False, padding=12)
    form = "~s" if max(values) >= 10_000 else ",~r"
    return alt.X("x:Q", title=title, axis=alt.Axis(format=form, tickCount=8), scale=scale)


def _spans_decades(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) > 20 * min(values)


def waterfall(steps: Sequence[Step], y_title: str, *, height: int = 230) -> Markup:
    """Bars in the order given, each with its label above."""
    bottom, top = min(step.low for step in steps), max(step.high for step in steps)
    spread = top - bottom or 1.0
    height_of = alt.Scale(domain=[bottom, top + 0.09 * spread], nice=False, zero=False)
    made = [{**asdict(step), "above": step.high + 0.02 * spread} for step in steps]
    order = [step.part for step in steps]
    x = alt.X("part:N", sort=order, title=None, axis=alt.Axis(labelAngle=-35, labelLimit=120, labelOverlap=False))
    y = alt.Y("low:Q", title=y_title, axis=alt.Axis(format=",~r", tickCount=6), scale=height_of)
    drawing = Drawing()
    base = drawing.of(made)
    hue = _hue("kind", {"gain": BLUE, "loss": ORANGE, "level": GREY})
    bars = base.mark_bar(size=28).encode(x=x, y=y, y2="high:Q", color=hue)
    labels = base.mark_text(baseline="bottom", fontSize=9, color=BLACK).encode(x=x, y="above:Q", text="label:N")
    return drawing.finish(alt.layer(bars, labels), HALF_WIDTH, height)


def _hue(field: str, colours: Mapping[str, str]) -> alt.Color:
    return alt.Color(f"{field}:N", legend=None, scale=alt.Scale(domain=list(colours), range=list(colours.values())))


def legend(keys: Sequence[tuple[str, str, str]]) -> Markup:
    """The names of a chart's colours and symbols, as text of the page, so that no name is ever cut or overlaps."""
    made = (
        f'<span><svg width="18" height="12" viewBox="0 0 18 12" aria-hidden="true">'
        f'<path d="{_SYMBOLS[symbol]}" fill="{colour}" stroke="{colour}" stroke-width="{_WIDTHS.get(symbol, 0)}"/>'
        f"</svg>{text(name)}</span>"
        for name, colour, symbol in keys
    )
    return Markup(f'<div class="legend">{"".join(made)}</div>')
