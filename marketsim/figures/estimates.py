"""Estimates with intervals as series: one for each arm, and for each market where there are several."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from marketsim.analysis.study_effects.effect_row import EffectRow
from marketsim.figures.picture import MOST_SERIES, Number, Series


def by_arm(
    rows: Sequence[EffectRow], place: Callable[[EffectRow], Number | str], beside: Callable[[EffectRow], str],
    *, joined: bool,
) -> list[Series]:  # fmt: skip
    """A series for each arm, market and what `beside` says of a row's cell, at the places that `place` gives."""
    several = len({row.market for row in rows}) > 1

    def name(row: EffectRow) -> str:
        parts = (row.arm, (row.market or "all markets") if several else "", beside(row))
        return ", ".join(part for part in parts if part)

    names = list(dict.fromkeys(name(row) for row in rows))
    made = []
    for look, each in enumerate(names):
        own = [row for row in rows if name(row) == each]
        made.append(
            Series(each, "points", [place(row) for row in own], [row.estimate for row in own],
                   [row.lo for row in own], [row.hi for row in own], look=look, joined=joined)
        )  # fmt: skip
    return made


def told_apart(series: Sequence[Series]) -> tuple[list[Series], list[str]]:
    """As many series as the palette tells apart, and a sentence for a caption that names the others."""
    kept, others = list(series[:MOST_SERIES]), [one.name for one in series[MOST_SERIES:]]
    return kept, [f"Not drawn, for want of colours: {'; '.join(others)}."] if others else []


def unit_of(rows: Sequence[EffectRow]) -> str:
    """The unit of some rows in brackets; nothing for a pure number."""
    unit = rows[0].unit
    return "" if unit in ("", "1", "ratio") else f" [{unit}]"


def spread_out(cells: Sequence[int], most: int) -> list[int]:
    """All of a few cells; of many the first, the last, and others evenly between them."""
    if len(cells) <= most:
        return list(cells)
    return [cells[round(i * (len(cells) - 1) / (most - 1))] for i in range(most)]
