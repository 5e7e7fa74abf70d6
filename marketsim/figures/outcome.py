"""The registered outcome: of each arm over what the cells vary, or of each arm in a row."""

from __future__ import annotations

from collections.abc import Sequence

from marketsim.analysis.study_effects.effect_row import EffectRow
from marketsim.figures.estimates import by_arm, unit_of
from marketsim.figures.marks import LOOKS
from marketsim.figures.picture import Axis, LeftOut, Panel, Picture, Series
from marketsim.figures.study_source import StudySource, pairs_and_interval

_MOST_ROWS = 40


def outcome(source: StudySource, name: str) -> Picture:
    """The registered outcome of every arm; raises `LeftOut` where none was registered or none has an estimate."""
    measure = source.primary
    rows = source.differences(measure) or source.values(measure)
    if not rows:
        raise LeftOut(f"the registered outcome, {measure}, has no estimate")
    if source.study.spec.sensitivity is not None:
        raise LeftOut("the cells of a study of sensitivity are points of a sample")
    against = f" against {source.baseline}" if rows[0].versus is not None else ""
    title = f"The registered outcome, {measure}, of each arm{against}"
    path = source.widest
    drawn = _over(source, path, rows) if path is not None else None
    panel, axis, told = drawn or _in_rows(source, rows)
    says = [*told, pairs_and_interval(rows)]
    return Picture(name, title, [panel], axis, "stacked" if drawn else "forest", says)


def _over(source: StudySource, path: str, rows: Sequence[EffectRow]) -> tuple[Panel, Axis, list[str]] | None:
    """Over the varied quantity, a series for each arm and what else a cell sets; None where these are too many."""
    axis, places = source.axis_of(path)
    beside = [each for each in source.paths if each != path]
    known = [row for row in rows if row.cell in places]
    series = by_arm(known, lambda row: places[row.cell], lambda row: source.settings(row.cell, beside), joined=True)
    if not known or len(series) > len(LOOKS):
        return None
    panel = Panel(f"{rows[0].measure}{unit_of(rows)}", series, reference=_none(rows[0]))
    lost = sorted({row.cell for row in rows} - set(places))
    return panel, axis, [f"Cells without a place on the axis: {', '.join(map(str, lost))}."] if lost else []


def _in_rows(source: StudySource, rows: Sequence[EffectRow]) -> tuple[Panel, Axis, list[str]]:
    """A row for each cell, a series for each arm."""
    cells = list(dict.fromkeys(row.cell for row in rows))
    drawn = [row for row in rows if row.cell in cells[:_MOST_ROWS]]
    if len(cells) == 1:
        points = by_arm(drawn, lambda row: _label(row, rows), lambda _: "", joined=False)
        points = [_turned(series, look=0, name="") for series in points]
    else:
        points = by_arm(drawn, lambda row: source.settings(row.cell) or f"cell {row.cell}", lambda _: "", joined=False)
        points = [_turned(series, look=series.look, name=series.name) for series in points]
    told = [f"Only the first {_MOST_ROWS} of {len(cells)} cells are drawn."] if len(cells) > _MOST_ROWS else []
    panel = Panel(f"{rows[0].measure}{unit_of(rows)}", points, reference=_none(rows[0]))
    return panel, Axis(panel.quantity), told


def _label(row: EffectRow, rows: Sequence[EffectRow]) -> str:
    return f"{row.arm}, {row.market}" if len({each.market for each in rows}) > 1 else row.arm


def _turned(series: Series, *, look: int | None, name: str) -> Series:
    """A series by name in rows: names upwards, estimates sideways."""
    return Series(name, "points", series.y, series.x, series.lo, series.hi, look=look)


def _none(row: EffectRow) -> float | None:
    """The value of no effect: 1 of a ratio of arms, 0 of a difference; an arm by itself has none."""
    return None if row.versus is None else 1.0 if row.unit == "ratio" else 0.0
