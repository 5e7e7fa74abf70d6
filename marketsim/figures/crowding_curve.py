"""The crowding curve: measured multipliers against Lambda, beside the multipliers of theory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketsim.analysis.crowding.loop_theory import move_worked_out, multiplier_sized_once
from marketsim.analysis.study_effects.effect_row import EffectRow
from marketsim.figures.picture import MOST_SERIES, Axis, LeftOut, Panel, Picture, Series
from marketsim.figures.study_source import StudySource, pairs_and_interval
from marketsim.scenario.study.horizon import horizon_in_words

MOST_HORIZONS = 4
_NUMBER, _MULTIPLIER = "crowding_number_", "multiplier_"
_POINTS = 60

Pair = tuple[EffectRow, EffectRow]
"""Lambda and the multiplier of one cell, market and arm."""


def crowding_curve(source: StudySource, name: str) -> Picture:
    """A panel for each horizon at which both were measured; raises `LeftOut` where that is none."""
    horizons = dict.fromkeys(
        row.measure.removeprefix(_NUMBER) for row in source.effects if row.measure.startswith(_NUMBER)
    )
    if not horizons:
        raise LeftOut("no crowding number was measured (study.measures: [crowding_number, multiplier])")
    found = {horizon: pairs for horizon in horizons if (pairs := _pairs(source, horizon))}
    if not found:
        raise LeftOut("no cell has both a crowding number and a multiplier")
    drawn = dict(list(found.items())[:MOST_HORIZONS])
    panels = [
        _panel(source, horizon, pairs, heading=horizon_in_words(horizon) if len(drawn) > 1 else "")
        for horizon, pairs in drawn.items()
    ]
    every = [row for pairs in drawn.values() for pair in pairs for row in pair]
    says = [
        "Multiplier: the whole move over the move that the funds answered. Lambda: what funds trade per unit of return"
        " times what that moves the price, from probes of the orders' own size and schedule.",
        f"Read {horizon_in_words(next(iter(drawn)))}." if len(drawn) == 1 else "",
        "Dashed: 1 + Lambda (orders sized once) and 1 / (1 - Lambda) (worked until nothing is wanted; impact linear and"
        " permanent), without a free number.",
        pairs_and_interval(every),
    ]
    title = "Measured multipliers against the crowding number"
    return Picture(name, title, panels, Axis("crowding number Λ"), "beside", [each for each in says if each])


def _pairs(source: StudySource, horizon: str) -> list[Pair]:
    factual = source.study.spec.factual_arm
    numbers, multipliers = (
        {(row.cell, row.market): row for row in source.differences(f"{word}{horizon}") if row.arm == factual}
        for word in (_NUMBER, _MULTIPLIER)
    )
    return [(numbers[key], row) for key, row in multipliers.items() if key in numbers]


def _panel(source: StudySource, horizon: str, pairs: Sequence[Pair], *, heading: str) -> Panel:
    lambdas = [number.estimate or 0.0 for number, _ in pairs]
    highest = max(row.hi if row.hi is not None else row.estimate or 0.0 for _, row in pairs)
    return Panel("multiplier", [*_curves(max(lambdas), highest), *_measured(source, pairs)], heading=heading)


def _measured(source: StudySource, pairs: Sequence[Pair]) -> list[Series]:
    """A series for each setting beside the widest path, where the palette tells them apart."""
    beside = [path for path in source.paths if path != source.widest]
    worlds = [source.settings(number.cell, beside) for number, _ in pairs]
    names = list(dict.fromkeys(worlds))
    if len(names) > MOST_SERIES:
        worlds, names = ["measured"] * len(pairs), ["measured"]
    made = []
    for look, name in enumerate(names):
        numbers, rows = zip(*(pair for pair, world in zip(pairs, worlds, strict=True) if world == name), strict=True)
        made.append(
            Series(name or "measured", "points", [each.estimate for each in numbers], [each.estimate for each in rows],
                   [each.lo for each in rows], [each.hi for each in rows], [each.lo for each in numbers],
                   [each.hi for each in numbers], look=look)
        )  # fmt: skip
    return made


def _curves(most: float, top: float) -> list[Series]:
    """1 + Lambda and 1 / (1 - Lambda) from 0 to the largest Lambda, the latter up to the highest estimate.

    Source: docs/theory.md#sized-once and docs/theory.md#fixed-point.
    """
    xs = [float(x) for x in np.linspace(0.0, max(most, 0.05), _POINTS)]
    worked = [(x, move) for x in xs if (move := _worked_out(x)) is not None and move <= max(1.1 * top, 1.05)]
    once = Series("1 + Λ", "curve", xs, [multiplier_sized_once(x) for x in xs], look=4)
    return [once, Series("1 / (1 − Λ)", "curve", [x for x, _ in worked], [m for _, m in worked], look=None)]


def _worked_out(crowding: float) -> float | None:
    return None if crowding >= 1 else move_worked_out(1.0, crowding, lambda order: order)
