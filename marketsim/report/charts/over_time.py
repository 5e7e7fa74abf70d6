"""Charts over the time of a run: lines with marks and spans, bars, circles.

Each can be read at a point: the mark nearest to the pointer says its values. The time axis pans by dragging and zooms
by Ctrl + wheel, and a click on a name in the legend takes its series out. Text of a scenario (ids) stands in the data
and in titles, never in a field's name, and in an expression only as a quoted literal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from marketsim.report.charts.look import GREY
from marketsim.report.series import thin, thin_steps

MOST_ROWS = 4_000
"""Rows of all lines of a chart together; Altair takes 5,000 with what is drawn over them."""

MOST_POINTS = 2_000
"""Rows of one line."""

_NS_PER_MS = 1_000_000
_DAY_MS, _TEN_MINUTES_MS = 86_400_000, 600_000
_ZOOM = "wheel![event.ctrlKey || event.metaKey]"


@dataclass(frozen=True)
class Line:
    """A line of a chart: a name for the legend, a frame with `t_ns` and `value`, a colour, and how it is drawn.

    panel: of small multiples, the one it is drawn in.
    """

    name: str
    frame: pl.DataFrame
    value: str
    colour: str
    steps: bool = False
    dashed: bool = False
    width: float = 1.4
    panel: str = ""


@dataclass(frozen=True)
class Points:
    """Marks over a chart: a name for the legend, instants and heights, a colour and a Vega symbol, their panel."""

    name: str
    t_ns: Sequence[int]
    values: Sequence[float]
    colour: str
    shape: str
    panel: str = ""


@dataclass(frozen=True)
class Span:
    """A stretch of time in which something was so: what, of whom, from when to when, and its colour."""

    state: str
    subject: str
    from_ns: int
    until_ns: int
    colour: str


@dataclass(frozen=True)
class TimeAxis:
    """The time axis of all charts: where the clock starts [ns since the epoch, None if unknown], how long it runs."""

    start_ns: int | None
    end_ns: int

    def at(self, t_ns: int) -> float:
        """An instant as Vega wants it: milliseconds since the epoch."""
        return ((self.start_ns or 0) + t_ns) / _NS_PER_MS

    def of(self, column: str) -> pl.Expr:
        """A column of instants [ns] as Vega wants them."""
        return ((self.start_ns or 0) + pl.col(column)) / _NS_PER_MS

    def encoding(self, span_ns: tuple[int, int] | None = None) -> alt.X:
        """The horizontal axis of a chart over time; of the whole run unless a span of it is given."""
        first, last = span_ns or (0, max(self.end_ns, 1))
        short = last - first < _TEN_MINUTES_MS * _NS_PER_MS
        title = "time since the start" if self.start_ns is None else "time [UTC]"
        # Midnight says the day, every other tick the time of day.
        form = "%H:%M:%S" if short else "%H:%M"
        label = f"datum.value % {_DAY_MS} == 0 ? utcFormat(datum.value, '%d %b') : utcFormat(datum.value, '{form}')"
        axis = alt.Axis(title=title, labelExpr=label, labelOverlap="greedy", labelFlush=True, labelSeparation=8)
        # An expression and no pair of numbers: Vega-Lite loses the numbers where several layers state them.
        domain = alt.ExprRef(f"[{self.at(first)!r}, {self.at(last)!r}]")
        scale = alt.Scale(type="utc", domain=domain, nice=False)
        return alt.X("t:T", axis=axis, scale=scale)


def over_time(
    lines: Sequence[Line], axis: TimeAxis, title: str, *, form: str = ",~f", points: Sequence[Points] = (),
    spans: Sequence[Span] = (), zero: bool = False, height: int = 230, shared: bool = True,
) -> Any:  # fmt: skip
    """Lines over time, marks on top, spans behind; `title` names the quantity and its unit, `form` is a d3 format.

    Lines with different panels make small multiples, which have no spans; `shared`: their heights have one scale.
    """
    x, y = axis.encoding(), _height(title, form, zero=zero)
    layers = [*_lines(lines, x, y), *_points(points, x, y), _reading(x, y, title, form)]
    whole = alt.layer(*layers, data=_rows(lines, points, axis))
    if spans:
        return (
            alt.layer(_spans(spans, axis), whole)
            .resolve_scale(fill="independent", shape="independent")
            .properties(height=height)
        )
    panels = list(dict.fromkeys(line.panel for line in lines))
    if len(panels) == 1:
        return whole.properties(height=height)
    made = whole.properties(height=height).facet(alt.Facet("panel:N", sort=panels, title=None), columns=3)
    return made if shared else made.resolve_scale(y="independent")


def _height(title: str, form: str, *, zero: bool) -> alt.Y:
    axis = alt.Axis(format=form, tickCount=6)
    return alt.Y("v:Q", title=title, axis=axis, scale=alt.Scale(zero=zero, nice=True))


def _rows(lines: Sequence[Line], points: Sequence[Points], axis: TimeAxis) -> pl.DataFrame:
    """All data of a chart in one frame: t [ms], v, series, panel, and how it is drawn."""
    most = min(MOST_POINTS, MOST_ROWS // max(1, len(lines)))
    made = [
        (thin_steps if line.steps else thin)(line.frame, "t_ns", line.value, most).select(
            axis.of("t_ns").alias("t"), pl.col(line.value).alias("v"), pl.lit(line.name).alias("series"),
            pl.lit(line.panel).alias("panel"), pl.lit("steps" if line.steps else "line").alias("drawn"),
        )
        for line in lines
    ]  # fmt: skip
    made += [
        pl.DataFrame({"t": [axis.at(t_ns) for t_ns in one.t_ns], "v": [float(value) for value in one.values]})
        .with_columns(series=pl.lit(one.name), panel=pl.lit(one.panel), drawn=pl.lit("mark"))
        for one in points
    ]  # fmt: skip
    return pl.concat(made)


def _lines(lines: Sequence[Line], x: alt.X, y: alt.Y) -> list[Any]:
    """A layer for straight lines, one for steps; the legend takes series out."""
    styles = {line.name: line for line in lines}
    names = list(styles)
    several = len(names) > 1
    key = alt.Legend(title=None) if several else None
    colours = alt.Scale(domain=names, range=[line.colour for line in styles.values()])
    colour = alt.Color("series:N", scale=colours, legend=key)
    dashes: dict[str, Any] = {}
    if any(line.dashed for line in lines):
        dash = alt.Scale(domain=names, range=[[5, 3] if line.dashed else [1, 0] for line in styles.values()])
        dashes = {"strokeDash": alt.StrokeDash("series:N", scale=dash, legend=key)}
    layers: list[Any] = []
    shown = alt.selection_point("shown", fields=["series"], bind="legend", toggle="true",
                                value=[{"series": name} for name in names])  # fmt: skip
    shapes: dict[str, Any] = {"line": "linear", "steps": "step-after"}
    for drawn, how in shapes.items():
        if any(line.steps == (drawn == "steps") for line in lines):
            width = max(line.width for line in lines if line.steps == (drawn == "steps"))
            layer = alt.Chart().mark_line(clip=True, interpolate=how, strokeWidth=width)
            layer = layer.encode(x=x, y=y, color=colour, **dashes)
            if several and not layers:
                layer = layer.add_params(shown)
            layer = layer.transform_filter(alt.FieldEqualPredicate(field="drawn", equal=drawn))
            layers.append(layer.transform_filter(shown) if several else layer)
    return layers


def _points(points: Sequence[Points], x: alt.X, y: alt.Y) -> list[Any]:
    if not points:
        return []
    styles = {one.name: one for one in points}
    names, key = list(styles), alt.Legend(title=None, symbolStrokeWidth=0)
    fill = alt.Scale(domain=names, range=[one.colour for one in styles.values()])
    shape = alt.Scale(domain=names, range=[one.shape for one in styles.values()])
    marks = alt.Chart().mark_point(filled=True, size=75, opacity=1, stroke="white", strokeWidth=0.8, clip=True)
    marks = marks.encode(
        x=x, y=y, fill=alt.Fill("series:N", scale=fill, legend=key),
        shape=alt.Shape("series:N", scale=shape, legend=key),
    )  # fmt: skip
    return [marks.transform_filter(alt.FieldEqualPredicate(field="drawn", equal="mark"))]


def _reading(x: alt.X, y: alt.Y, title: str, form: str) -> Any:
    """The mark nearest to the pointer, with its values; it carries panning and zooming too."""
    near = alt.selection_point("near", on="pointermove", nearest=True, empty=False, clear="pointerout")
    marks = alt.Chart().mark_point(size=70, color=GREY, filled=False, strokeWidth=2, clip=True)
    # Written out: Vega-Lite's own tooltip of the nearest mark loses words (it asks the mark for them, not its datum).
    row = "(datum.datum || datum)"
    said = f"{{series: {row}.series, time: utcFormat({row}.t, '%d %b %H:%M:%S'), "
    said += f"{json.dumps(title)}: format({row}.v, {json.dumps(form)})}}"
    shown = alt.condition(near, alt.value(1), alt.value(0))
    return marks.encode(x=x, y=y, opacity=shown, tooltip=alt.value(alt.ExprRef(said))).add_params(near, _zoom())


def _zoom() -> Any:
    return alt.selection_interval("view", encodings=["x"], bind="scales", zoom=_ZOOM)


def _spans(spans: Sequence[Span], axis: TimeAxis) -> Any:
    """Spans as bands behind the lines, a colour for each state."""
    colours = {span.state: span.colour for span in spans}
    rows = [
        {"t": axis.at(span.from_ns), "t2": axis.at(span.until_ns), "state": span.state, "subject": span.subject}
        for span in spans
    ]
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    band = alt.Chart(alt.InlineData(values=rows)).mark_rect(opacity=0.3, clip=True, minBandSize=2)
    return band.encode(
        x=alt.X("t:T"), x2="t2:T", fill=alt.Fill("state:N", scale=scale, legend=alt.Legend(title=None)),
        tooltip=[alt.Tooltip("subject:N"), alt.Tooltip("state:N")],
    )  # fmt: skip


def bars_over_time(
    frame: pl.DataFrame, axis: TimeAxis, title: str, colours: Mapping[str, str], *, form: str = "~s", height: int = 120
) -> Any:
    """Stacked bars from a frame with `t0_ns`, `t1_ns`, `kind`, `value`; `colours` gives the kinds their order."""
    order = {kind: place for place, kind in enumerate(colours)}
    tops: dict[tuple[int, bool], float] = {}
    rows = []
    for t0_ns, t1_ns, kind, value in sorted(
        frame.select("t0_ns", "t1_ns", "kind", "value").rows(), key=lambda row: (row[0], order[row[2]])
    ):
        low = tops.get((t0_ns, value < 0), 0.0)
        tops[t0_ns, value < 0] = low + value
        rows.append((axis.at(t0_ns), axis.at(t1_ns), low, low + value, value, kind))
    data = pl.DataFrame(rows, schema=["t", "t2", "v", "v2", "value", "series"], orient="row")
    y = alt.Y("v:Q", title=title, axis=alt.Axis(format=form, tickCount=4), scale=alt.Scale(zero=True, nice=True))
    bars = alt.Chart(data).mark_rect(clip=True, strokeWidth=0.4)
    return (
        bars.transform_calculate(at="utcFormat(datum.t2, '%d %b %H:%M:%S')")
        .encode(
            x=axis.encoding(), x2="t2:T", y=y, y2="v2:Q", color=_hue(colours),
            tooltip=[
                alt.Tooltip("series:N", title="what"), alt.Tooltip("at:N", title="until"),
                alt.Tooltip("value:Q", title=title, format=form),
            ],
        )
        .add_params(_zoom())
        .properties(height=height)
    )  # fmt: skip


def bubbles_over_time(
    frame: pl.DataFrame, axis: TimeAxis, title: str, colours: Mapping[str, str], *, form: str = "~s", height: int = 190
) -> Any:
    """Circles from a frame with `t_ns`, `kind` and a positive `value`, on a logarithmic height."""
    data = frame.filter(pl.col("value") > 0).select(
        axis.of("t_ns").alias("t"), pl.col("value").alias("v"), pl.col("kind").alias("series")
    )
    y = alt.Y("v:Q", title=title, axis=alt.Axis(format=form, tickCount=5), scale=alt.Scale(type="log"))
    circles = alt.Chart(data).mark_circle(size=34, opacity=0.65, clip=True)
    return (
        circles.transform_calculate(at="utcFormat(datum.t, '%d %b %H:%M:%S')")
        .encode(
            x=axis.encoding(), y=y, color=_hue(colours),
            tooltip=[
                alt.Tooltip("series:N", title="cohort"), alt.Tooltip("at:N", title="time"),
                alt.Tooltip("v:Q", title=title, format=form),
            ],
        )
        .add_params(_zoom())
        .properties(height=height)
    )  # fmt: skip


def _hue(colours: Mapping[str, str]) -> alt.Color:
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color("series:N", scale=scale, legend=alt.Legend(title=None) if len(colours) > 1 else None)
