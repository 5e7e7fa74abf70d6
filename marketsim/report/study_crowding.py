"""The crowding of the cells, and measured multipliers against those of theory."""

from __future__ import annotations

from typing import Any

import numpy as np

from marketsim.analysis.crowding.crowding_row import CrowdingRow
from marketsim.analysis.study_effects.effect_row import EffectRow
from marketsim.report import markup, numbers
from marketsim.report.charts import BLUE, GREY, Estimate, intervals
from marketsim.report.embedding import figure
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.study_effects import not_drawn
from marketsim.report.study_record import MOST_ROWS, StudyRecord
from marketsim.scenario.study.horizon import horizon_in_words

_COLUMNS = [
    Heading("Cell"), words("Market"), words("Moved"), words("When"),
    Heading("K", "what funds trade in the market per unit of return of the one that moved [currency]"),
    Heading("lambda, buys", "return of the one that moved per unit of currency bought in the market"),
    Heading("lambda, sells", "the same of selling, + where the price falls"),
    Heading("Lambda", "the crowding number of all markets together"),
    Heading("Response", "return of the market among those that Lambda multiplies"),
    Heading("Resets"), Heading("Bounds", "sides that a probe emptied: lambda is at least this"),
    Heading("G", "liquidation density: notional liquidated per unit of return"),
    Heading("C", "contrarian liquidity: notional that others traded against a unit of return"),
]  # fmt: skip
_POINTS_OF_CURVES = 120


def crowding(record: StudyRecord) -> Markup:
    """The measured multipliers against those of theory, then every crowding number; nothing without probes."""
    title = "Crowding"
    if record.crowding is None:
        return Markup("")
    order = [CrowdingRow(**row) for row in record.crowding.iter_rows(named=True)]
    rows = [_cells(row) for row in order[:MOST_ROWS]]
    about = markup.paragraph(
        "Lambda is what funds would trade per unit of return (K) times the return per unit traded (lambda). Probes are"
        " orders to buy and to sell, of the size and with the schedule of the resets' own, sent at their instants in"
        " the world without them."
    )
    note = markup.left_out(len(rows), len(order), "rows", "in the order of cells")
    return markup.section("crowding", title, about, _multipliers(record), markup.table(_COLUMNS, rows), note)


def _multipliers(record: StudyRecord) -> Markup:
    """A chart for each horizon: the measured multiplier against 1 + Lambda and 1/(1 - Lambda)."""
    figures, drawn = [], set[int]()
    for horizon in _horizons(record):
        pairs = _measured(record, horizon)
        if pairs:
            when = horizon_in_words(horizon)
            caption = f"Measured multiplier against the crowding number {when}, with 95 % intervals"
            told = f"{caption} of both, and the multipliers of theory."
            figures.append(figure(_against_theory(record, pairs), told, half=True))
            drawn |= {number.cell for number, _ in pairs}
    if not figures:
        return markup.empty("No cell has a measured multiplier to compare with its crowding number.")
    return markup.join([markup.side_by_side(figures), not_drawn(sorted(set(record.design["cell"]) - drawn))])


def _horizons(record: StudyRecord) -> list[str]:
    return [] if record.crowding is None else record.crowding["horizon"].unique(maintain_order=True).to_list()


def multipliers_chart(record: StudyRecord) -> Any | None:
    """Measured multipliers against the crowding number at the first horizon that has any, and those of theory."""
    measured = (_measured(record, horizon) for horizon in _horizons(record))
    pairs = next((pairs for pairs in measured if pairs), None)
    return None if pairs is None else _against_theory(record, pairs)


def _measured(record: StudyRecord, horizon: str) -> list[tuple[EffectRow, EffectRow]]:
    """Crowding number and multiplier of the same cell, market and horizon, where both are known."""
    arm = record.study.spec.factual_arm
    numbers_, multipliers = (
        {
            (row.cell, row.market): row
            for row in record.differences(f"{name}_{horizon}", arm)
            if row.estimate is not None
        }
        for name in ("crowding_number", "multiplier")
    )
    return [(numbers_[key], row) for key, row in multipliers.items() if key in numbers_]


def _against_theory(record: StudyRecord, pairs: list[tuple[EffectRow, EffectRow]]) -> Any:
    points = []
    for number, row in pairs:
        assert number.estimate is not None
        assert row.estimate is not None
        series = record.worlds.get(row.cell, "measured")
        points.append(Estimate(number.estimate, row.estimate, row.lo, row.hi, series, number.lo, number.hi))
    most = max(point.x for point in points)
    top = max(1 + most, *(float(point.hi or point.value) for point in points))
    return intervals(points, "crowding number Lambda", "multiplier", theory(most, top))


def theory(most: float, top: float) -> list[tuple[str, list[tuple[float, float]], str]]:
    """The multipliers 1 + Lambda and 1/(1 - Lambda) from 0 to `most`; the latter ends at 1 or where it reaches `top`.

    Source: docs/theory.md#sized-once and docs/theory.md#fixed-point.
    """
    ends = max(most, 1e-6)
    xs = [float(x) for x in np.linspace(0.0, ends, _POINTS_OF_CURVES)]
    below = [float(x) for x in np.linspace(0.0, min(ends, 1 - 1 / max(top, 1 + 1e-6)), _POINTS_OF_CURVES)]
    one_shot = ("1 + Lambda", [(x, 1 + x) for x in xs], GREY)
    return [one_shot, ("1 / (1 - Lambda)", [(x, 1 / (1 - x)) for x in below], BLUE)]


def _cells(row: CrowdingRow) -> list[object]:
    return [
        row.cell, row.market, row.moved, row.horizon, numbers.scaled(row.k_usdt),
        *(
            numbers.ABSENT if slope is None else f"{slope:.2e}"
            for slope in (row.impact_per_usdt_buy, row.impact_per_usdt_sell)
        ),
        numbers.plain(row.crowding_number), numbers.plain(row.response), numbers.count(row.resets),
        numbers.count(row.bounds), numbers.scaled(row.liquidation_density), numbers.scaled(row.contrarian_liquidity),
    ]  # fmt: skip
