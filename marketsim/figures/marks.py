"""How series are drawn on an axis: colours that the colour-blind tell apart, and a dash and a marker of their own each.

Colours are Okabe and Ito's (2008); what differs in colour differs in dash or marker too, so that a figure can be read
in grey.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation, Transform

from marketsim.figures.picture import MOST_SERIES, Number, Series

GREY = "#8A8A8A"
_POINTS_APART = 4.0
_POINTS_PER_INCH = 72.0


@dataclass(frozen=True)
class Look:
    """Colour, dash, marker and hatch of one place in the palette."""

    colour: str
    dash: object
    marker: str
    hatch: str | None = None


LOOKS = (
    Look("#0072B2", "-", "o"), Look("#D55E00", (0, (4, 1.5)), "s", "////"), Look("#009E73", (0, (5, 1.5, 1, 1.5)), "^"),
    Look("#CC79A7", (0, (1.2, 1.2)), "D"), Look("#222222", (0, (7, 2)), "v"), Look("#56B4E9", (0, (3, 1, 1, 1)), "P"),
    Look("#E69F00", (0, (2, 2)), "X"),
)  # fmt: skip
REFERENCE = Look(GREY, "-", ".")


def look_of(series: Series) -> Look:
    """The look of a series; one beyond the palette begins again from its first."""
    return REFERENCE if series.look is None else LOOKS[series.look % MOST_SERIES]


def numbers(values: Sequence[Number | str]) -> np.ndarray:
    """Numbers (n,) with NaN for a gap."""
    return np.array([np.nan if value is None else float(value) for value in values])


def beside(axes: Axes, place: float) -> Transform:
    """The axes' data coordinates, moved sideways by some places, so that no series hides another."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    moved = ScaledTranslation(place * _POINTS_APART / _POINTS_PER_INCH, 0, figure.dpi_scale_trans)
    return axes.transData + moved


def draw_line(axes: Axes, series: Series, x: np.ndarray) -> None:
    """y joined; a reference wide and pale, so that what lies on it can be seen."""
    look, is_reference = look_of(series), series.look is None
    style = "steps-post" if series.mark == "steps" else "default"
    dash: object = (0, (3, 2)) if series.mark == "curve" else look.dash
    axes.plot(x, numbers(series.y), color=look.colour, linestyle=dash, drawstyle=style, label=series.name or None,
              linewidth=2.2 if is_reference and series.mark == "line" else 1.0,
              alpha=0.55 if is_reference and series.mark == "line" else 1.0)  # fmt: skip


def draw_band(axes: Axes, series: Series, x: np.ndarray) -> None:
    """The span from lo to hi, its edge drawn, so that a narrow one is a line; every other one pale, for grey."""
    look, lo, hi = look_of(series), numbers(series.lo), numbers(series.hi)
    is_reference, is_pale = series.look is None, series.look is not None and series.look % 2 == 1
    axes.fill_between(
        x, lo, hi, facecolor=look.colour, edgecolor=look.colour, label=series.name or None,
        linewidth=2.0 if is_reference else 0.7, alpha=0.45 if is_reference or is_pale else 0.9,
    )  # fmt: skip


def draw_bars(axes: Axes, series: Series, _x: np.ndarray, place: Callable[[Sequence[Number]], np.ndarray]) -> None:
    """Bars from 0 to y between x_lo and x_hi."""
    look, left, right = look_of(series), place(series.x_lo), place(series.x_hi)
    axes.bar(left, numbers(series.y), width=right - left, align="edge", color=look.colour, edgecolor=look.colour,
             linewidth=0.6, hatch=look.hatch, fill=look.hatch is None, label=series.name or None)  # fmt: skip


def draw_points(axes: Axes, series: Series, x: np.ndarray, place: float) -> None:
    """Estimates with their intervals; of those that could have one, a hollow marker has none."""
    look, y, where = look_of(series), numbers(series.y), beside(axes, place)
    lo, hi = (numbers(side) if len(side) else y for side in (series.lo, series.hi))
    if series.joined:
        axes.plot(x, y, color=look.colour, linestyle=look.dash, linewidth=0.7, alpha=0.6, transform=where)
    known = np.isfinite(lo) & np.isfinite(hi)
    if len(series.lo):
        _intervals(axes, x[known], lo[known], hi[known], look.colour, where)
    if len(series.x_lo):
        ends = numbers(series.x_lo), numbers(series.x_hi)
        flat = np.isfinite(ends[0]) & np.isfinite(ends[1])
        axes.hlines(y[flat], ends[0][flat], ends[1][flat], color=look.colour, linewidth=0.9, transform=where)
    for chosen, fill in ((known, look.colour), (~known, "white")):
        axes.plot(x[chosen], y[chosen], linestyle="none", marker=look.marker, color=look.colour, transform=where,
                  markerfacecolor=fill, markeredgewidth=0.8)  # fmt: skip
    axes.plot([], [], linestyle="none", marker=look.marker, color=look.colour, label=series.name or None,
              markerfacecolor=look.colour if known.any() else "white", markeredgewidth=0.8)  # fmt: skip
    _make_room(axes, series, x)


def _make_room(axes: Axes, series: Series, x: np.ndarray) -> None:
    """Widen the limits to hold estimates and intervals: matplotlib leaves out what is moved sideways."""
    sides = [x, *(numbers(side) for side in (series.x_lo, series.x_hi) if len(side))]
    heights = [numbers(side) for side in (series.y, series.lo, series.hi) if len(side)]
    corners = np.array([(a, b) for one in sides for other in heights for a, b in zip(one, other, strict=True)])
    axes.update_datalim(corners[np.isfinite(corners).all(axis=1)])
    axes.autoscale_view()


def _intervals(axes: Axes, x: np.ndarray, lo: np.ndarray, hi: np.ndarray, colour: str, where: Transform) -> None:
    """Intervals as they stand: an estimate need not lie within its own, which is longer on the side of a skew."""
    if len(x):
        axes.vlines(x, lo, hi, color=colour, linewidth=1.0, transform=where)
        for ends in (lo, hi):
            axes.plot(x, ends, linestyle="none", marker="_", markersize=3, color=colour, transform=where)
