"""The registered outcome: of each arm over what the cells vary, or of each arm in a row."""

from __future__ import annotations

from collections.abc import Sequence

from marketsim.analysis.study_effects.effect_row import EffectRow
from marketsim.figures.estimates import by_arm, told_apart, unit_of
from marketsim.figures.picture import MOST_SERIES, Axis, LeftOut, Panel, Picture, Series
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
    if not known or len(series) > MOST_SERIES:
        return None
    panel = Panel(f"{rows[0].measure}{unit_of(rows)}", series, reference=_none(rows[0]))
    lost = sorted({row.cell for row in rows} - set(places))
    return panel, axis, [f"Cells without a place on the axis: {', '.join(map(str, lost))}."] if lost else []


def _in_rows(source: StudySource, rows: Sequence[EffectRow]) -> tuple[Panel, Axis, list[str]]:
    """A row for each arm of a single cell; a row for each of several cells, and a series for each arm."""
    cells = list(dict.fromkeys(row.cell for row in rows))
    quantity, told = f"{rows[0].measure}{unit_of(rows)}", []
    if len(cells) == 1:
        several = len({row.market for row in rows}) > 1
        names = [f"{row.arm}, {row.market or 'all markets'}" if several else row.arm for row in rows]
        lo, hi = [row.lo for row in rows], [row.hi for row in rows]
        series = [Series("", "points", [row.estimate for row in rows], names, lo, hi)]
    else:
        told = [f"Only the first {_MOST_ROWS} of {len(cells)} cells are drawn."] if len(cells) > _MOST_ROWS else []
        drawn = [row for row in rows if row.cell in cells[:_MOST_ROWS]]
        upright = by_arm(drawn, lambda row: source.settings(row.cell) or f"cell {row.cell}", lambda _: "", joined=False)
        upright, others = told_apart(upright)
        series = [Series(one.name, "points", one.y, one.x, one.lo, one.hi, look=one.look) for one in upright]
        told += others
    return Panel(quantity, series, reference=_none(rows[0])), Axis(quantity), told


def _none(row: EffectRow) -> float | None:
    """The value of no effect: 1 of a ratio of arms, 0 of a difference; an arm by itself has none."""
    return None if row.versus is None else 1.0 if row.unit == "ratio" else 0.0
