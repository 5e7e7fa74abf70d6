"""The response surface: the registered outcome over two varied quantities, a panel for each arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from marketsim.analysis.study_effects.effect_row import EffectRow
from marketsim.figures.estimates import unit_of
from marketsim.figures.picture import Axis, LeftOut, Panel, Picture, Series
from marketsim.figures.study_source import StudySource, pairs_and_interval

MOST_PANELS = 4
_MOST_VALUES = 12


def response_surface(source: StudySource, name: str) -> Picture:
    """The cells of a grid of two paths in colour; raises `LeftOut` for another design or without an outcome."""
    if len(source.paths) != 2:
        raise LeftOut(f"a response surface has two varied paths; the study varies {len(source.paths)}")
    if any(f"{path}:unit" in source.design.columns for path in source.paths):
        raise LeftOut("a response surface is of a grid; the cells are a sample")
    across, up = source.paths
    values = [_values(source, path) for path in source.paths]
    if min(map(len, values)) < 2 or max(map(len, values)) > _MOST_VALUES:
        raise LeftOut(f"a response surface has 2 to {_MOST_VALUES} values a path; there are {len(values[0])} and"
                      f" {len(values[1])}")  # fmt: skip
    rows = source.differences(source.primary) or source.values(source.primary)
    groups: dict[tuple[str, str | None], list[EffectRow]] = {}
    for row in rows:
        groups.setdefault((row.arm, row.market), []).append(row)
    if not groups:
        raise LeftOut(f"the registered outcome, {source.primary}, has no estimate")
    drawn = dict(list(groups.items())[:MOST_PANELS])
    several = len({market for _, market in drawn}) > 1
    panels = [
        Panel(f"{source.primary}{unit_of(own)}", [_surface(source, arm, own, values)],
              heading=(f"{arm}, {market}" if several else arm) if len(drawn) > 1 else "")
        for (arm, market), own in drawn.items()
    ]  # fmt: skip
    axis = Axis(f"{source.short(across)}\n{source.short(up)}", "named")
    against = f" against {source.baseline}" if rows[0].versus is not None else ""
    says = [
        f"Each cell has its estimate{against}; intervals are in effects.parquet and in the figure `outcome`.",
        *([f"{len(drawn)} of {len(groups)} arms and markets are drawn."] if len(drawn) < len(groups) else []),
        pairs_and_interval([row for own in drawn.values() for row in own], drawn=False),
    ]
    return Picture(name, f"{source.primary} over {source.short(across)} and {source.short(up)}", panels, axis,
                   "surface", says)  # fmt: skip


def _values(source: StudySource, path: str) -> list[str]:
    """The values of a path as scenario files write them, quantities in their order."""
    by = f"{path}:value"
    frame = source.design.sort(by) if by in source.design.columns else source.design
    return [str(value) for value in frame[path].unique(maintain_order=True)]


def _surface(source: StudySource, arm: str, rows: Sequence[EffectRow], values: Sequence[Sequence[str]]) -> Series:
    """Every place of the grid, those without an estimate too."""
    across, up = source.paths
    cells: Mapping[tuple[str, str], int] = {
        (str(row[across]), str(row[up])): int(row["cell"])
        for row in source.design.select("cell", pl.col(across), pl.col(up)).iter_rows(named=True)
    }
    estimates = {row.cell: row.estimate for row in rows}
    places = [(x, y) for y in values[1] for x in values[0]]
    found = [estimates.get(cells[place]) if place in cells else None for place in places]
    return Series(arm, "surface", [x for x, _ in places], [y for _, y in places], value=found)
