"""A picture drawn at a width: panels under one another, beside one another, in rows by name, or as a surface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from textwrap import wrap

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from marketsim.figures.marks import (
    GREY,
    draw_band,
    draw_bars,
    draw_line,
    draw_points,
    look_of,
    numbers,
)
from marketsim.figures.picture import Axis, Number, Panel, Picture, letter
from marketsim.figures.rendering import DOTS_PER_INCH
from marketsim.units import NS_PER_DAY

_ONE_COLUMN = 5.0
"""Below this width [inch] panels stand in one column."""
_ONE_SCALE = 5.0
"""Panels whose heights differ by more than this factor have a scale of their own."""
_SHADE = "#f0f0f0"
_MOST_TICKS = {True: 5, False: 9}


def draw(picture: Picture, width: float) -> Figure:
    """The figure of a picture, `width` inches wide; within `rendering.style`."""
    is_narrow = width < _ONE_COLUMN
    columns = 1 if picture.layout in ("stacked", "forest") or is_narrow or len(picture.panels) == 1 else 2
    rows = -(-len(picture.panels) // columns)
    figure = Figure(figsize=(width, _height(picture, rows, narrow=is_narrow)), dpi=DOTS_PER_INCH, layout="constrained")
    shares_x, shares_y = _sharing(picture)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=shares_x, sharey=shares_y)
    flat = list(grid.flat)
    for spare in flat[len(picture.panels) :]:
        spare.set_visible(False)
    for place, (axes, panel) in enumerate(zip(flat, picture.panels, strict=False)):
        head = f"({letter(place)})" if len(picture.panels) > 1 else ""
        axes.set_title(" ".join(part for part in (head, panel.heading) if part))
        _PANELS[picture.layout](figure, axes, panel, picture.axis, is_narrow)
        is_below = picture.layout == "beside" or place == len(picture.panels) - 1
        if picture.layout in ("stacked", "beside") and is_below:
            axes.set_xlabel(picture.axis.quantity)
            axes.tick_params(labelbottom=True)
        if picture.layout in ("stacked", "forest"):
            _legend(axes, axes, narrow=is_narrow)
    if picture.layout == "beside":
        _legend(figure, *flat[: len(picture.panels)], narrow=is_narrow)
    if picture.layout == "stacked":
        figure.align_ylabels(flat)
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.execute(figure)  # panels take their places once, for every format
    figure.set_layout_engine("none")
    return figure


def _sharing(picture: Picture) -> tuple[bool, bool]:
    """Which axes panels share: instants under one another; names beside one another, and heights of one order."""
    if picture.layout != "beside":
        return picture.layout in ("stacked", "forest"), False
    if picture.axis.kind != "named" or len({panel.quantity for panel in picture.panels}) > 1:
        return False, False
    heights = [_height_of(panel) for panel in picture.panels]
    return True, max(heights) <= _ONE_SCALE * min(heights)


def _height_of(panel: Panel) -> float:
    """The farthest from 0 that a panel reaches."""
    values = [numbers(side) for series in panel.series for side in (series.y, series.lo, series.hi) if len(side)]
    return float(np.nanmax(np.abs(np.concatenate(values))))


def _height(picture: Picture, rows: int, *, narrow: bool) -> float:
    """Inches, by what the panels hold."""
    if picture.layout == "forest":
        lines = sum(len({name for series in panel.series for name in series.y}) for panel in picture.panels)
        return 0.75 + 0.45 * (len(picture.panels) - 1) + 0.24 * lines
    each = {"stacked": (0.98, 1.15), "beside": (2.0, 2.3), "surface": (2.5, 2.7)}[picture.layout][not narrow]
    return 0.45 + rows * (each if rows > 1 or picture.layout != "stacked" else 1.8)


def _time_panel(_figure: Figure, axes: Axes, panel: Panel, axis: Axis, narrow: bool) -> None:
    """Series over a shared horizontal axis."""
    place = _placing(axis)
    if axis.shaded is not None:
        left, right = place(axis.shaded)
        axes.axvspan(left, right, color=_SHADE, zorder=0)
    if panel.reference is not None:
        axes.axhline(panel.reference, color=GREY, linewidth=0.7)
    dodged = [series for series in panel.series if series.mark == "points"]
    for series in panel.series:
        x = place(series.x)
        if series.mark == "band":
            draw_band(axes, series, x)
        elif series.mark == "bars":
            draw_bars(axes, series, x, place)
        elif series.mark == "points":
            draw_points(axes, series, x, dodged.index(series) - (len(dodged) - 1) / 2)
        else:
            draw_line(axes, series, x)
    _set_axis(axes, axis, place, narrow=narrow)
    axes.set_ylabel(panel.quantity)
    axes.yaxis.set_major_locator(MaxNLocator(4 if narrow else 5))


def _placing(axis: Axis) -> Callable[[Sequence[Number | str]], np.ndarray]:
    """How values of an axis become matplotlib's numbers: instants its days since 1970, names their place."""
    if axis.kind == "utc":
        return lambda values: (numbers(values) + axis.start_ns) / NS_PER_DAY
    if axis.kind == "named":
        places = {name: float(place) for place, name in enumerate(axis.names)}
        return lambda values: np.array([places[str(value)] for value in values])
    return numbers


def _set_axis(axes: Axes, axis: Axis, place: Callable[[Sequence[Number | str]], np.ndarray], *, narrow: bool) -> None:
    if axis.kind == "utc":
        locator = AutoDateLocator(tz=UTC, minticks=3, maxticks=_MOST_TICKS[narrow])  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    elif axis.kind == "named":
        axes.set_xticks(range(len(axis.names)), list(axis.names))
        axes.set_xlim(-0.5, len(axis.names) - 0.5)
    elif axis.kind == "log":
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(_MOST_TICKS[narrow]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    if axis.limits is not None:
        axes.set_xlim(*place(axis.limits))


def _legend(place: Axes | Figure, *panels: Axes, narrow: bool) -> None:
    """The names of the series of some panels, above a panel or the figure, where they hide nothing."""
    named: dict[str, Artist] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(name, handle)
    if not named:
        return
    room = 46 if narrow else 110
    is_one_row = sum(len(name) + 6 for name in named) <= room
    columns = len(named) if is_one_row else max(1, room // (max(map(len, named)) + 5))
    if isinstance(place, Figure):
        place.legend(list(named.values()), list(named), loc="outside upper right", ncols=columns)
    else:
        place.legend(list(named.values()), list(named), loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns)


def _forest_panel(_figure: Figure, axes: Axes, panel: Panel, axis: Axis, narrow: bool) -> None:
    """Rows by name, estimates on a shared horizontal axis: the thick line is the 90 % interval, where there is one."""
    names = list(dict.fromkeys(str(name) for series in panel.series for name in series.y))
    rows = {name: len(names) - 1 - place for place, name in enumerate(names)}
    if panel.reference is not None:
        axes.axvline(panel.reference, color=GREY, linewidth=0.7)
    dodged = [series for series in panel.series if series.mark == "points"]
    for series in panel.series:
        y = np.array([rows[str(name)] for name in series.y], float)
        look, x = look_of(series), numbers(series.x)
        if series.mark == "bars":  # a margin
            axes.barh(y, numbers(series.hi) - numbers(series.lo), left=numbers(series.lo), height=0.7, color="#dcdcdc",
                      label=series.name or None, zorder=0.5)  # fmt: skip
            continue
        y = y - 0.18 * (dodged.index(series) - (len(dodged) - 1) / 2)
        for lo, hi, thick in ((series.lo, series.hi, 1.0), (series.lo_90, series.hi_90, 2.6)):
            if len(lo):
                axes.hlines(y, numbers(lo), numbers(hi), color=look.colour, linewidth=thick)
        known = np.isfinite(numbers(series.lo)) if len(series.lo) else np.zeros(len(x), bool)
        for chosen, fill in ((known, look.colour), (~known, "white")):
            axes.plot(x[chosen], y[chosen], linestyle="none", marker=look.marker, color=look.colour,
                      markerfacecolor=fill, markeredgewidth=0.8)  # fmt: skip
        axes.plot([], [], linestyle="none", marker=look.marker, color=look.colour, label=series.name or None)
    labels = ["\n".join(wrap(name, 30 if narrow else 60)) for name in rows]
    axes.set_yticks(list(rows.values()), labels)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(_MOST_TICKS[narrow]))
    axes.set_xlabel(panel.quantity)


def _surface_panel(figure: Figure, axes: Axes, panel: Panel, axis: Axis, narrow: bool) -> None:
    """Cells of a grid in colour, each with its number; a pale scale of one direction, so that grey tells them too."""
    (series,) = panel.series
    value = numbers(series.value)
    columns, rows = (list(dict.fromkeys(map(str, side))) for side in (series.x, series.y))
    cells = np.full((len(rows), len(columns)), np.nan)
    cells[[rows.index(str(y)) for y in series.y], [columns.index(str(x)) for x in series.x]] = value
    mesh = axes.pcolormesh(np.ma.masked_invalid(cells), cmap="cividis", edgecolors="white", linewidth=0.6)
    middle = (np.nanmin(value) + np.nanmax(value)) / 2
    for (row, column), one in np.ndenumerate(cells):
        known = np.isfinite(one)
        colour = "white" if known and one <= middle else "black"
        axes.text(column + 0.5, row + 0.5, short(one) if known else "none", color=colour, ha="center", va="center",
                  fontsize="small")  # fmt: skip
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=30 if narrow and len(columns) > 4 else 0)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    quantity, _, height = axis.quantity.partition("\n")
    axes.set_xlabel(quantity)
    axes.set_ylabel(height)
    figure.colorbar(mesh, ax=axes, label=panel.quantity, pad=0.02)


def short(value: float) -> str:
    """A number for an axis: three digits, thousands as k, M and G."""
    for scale, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= scale * (10 if sign == "k" else 1):
            return f"{value / scale:.3g} {sign}".replace("-", "−")
    return f"{value:.3g}".replace("-", "−")


_PANELS = {"stacked": _time_panel, "beside": _time_panel, "forest": _forest_panel, "surface": _surface_panel}
