"""The crowding of the cells, and measured amplification against the multipliers of theory."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import polars as pl

from marketsim.analysis.crowding.crowding_row import CrowdingRow
from marketsim.report import markup, numbers
from marketsim.report.charts import BLACK, GREY, Estimate, intervals
from marketsim.report.markup import Column, Markup, words
from marketsim.report.study_effects import not_drawn
from marketsim.report.study_record import MOST_ROWS, StudyRecord
from marketsim.units import NS_PER_SECOND

_COLUMNS = [
    Column("Cell"), words("Market"), Column("Horizon"), words("Method"),
    Column("K", "what funds would trade per unit of return [currency]"),
    Column("lambda", "return per unit of currency traded"), Column("Lambda", "the crowding number of all markets"),
    Column("Low", "of the 95 % interval"), Column("High", "of the 95 % interval"), Column("Pairs"),
    Column("1 + Lambda", "the one-shot multiplier"), Column("1 / (1 - Lambda)", "the fixed point, below 1 only"),
    Column("Measured", "amplification against the first frictionless arm"),
    Column("G", "liquidation density: notional liquidated per unit of return"),
    Column("C", "contrarian liquidity: notional that others traded against a unit of return"),
]  # fmt: skip
_POINTS_OF_CURVES = 120


def crowding(record: StudyRecord) -> Markup:
    """The measured multipliers against those of theory, then every crowding number."""
    title = "Crowding"
    if record.crowding is None:
        return markup.section("crowding", title, markup.empty("This study has no crowding numbers."))
    order = [*_rows_of(record.crowding.sort("cell", "market", "method", "horizon_s"))]
    rows = [_cells(row) for row in order[:MOST_ROWS]]
    about = markup.paragraph(
        "Lambda is what funds would trade per unit of return (K) times the return per unit traded (lambda). Probes are"
        " pairs of orders +Q and -Q sent from one state; the regression on a run's own trades is shown to compare with:"
        " it is biased, because it attributes moves to flow that follows them."
    )
    note = markup.left_out(len(rows), len(order), "rows", "in the order of cells")
    return markup.section("crowding", title, about, _multipliers(record), markup.table(_COLUMNS, rows), note)


def _multipliers(record: StudyRecord) -> Markup:
    """A chart for each horizon of the probes: measured amplification against 1 + Lambda and 1/(1 - Lambda)."""
    found = [] if record.probes is None else _rows_of(record.probes.sort("horizon_s", "cell"))
    measured = [row for row in found if row.amplification is not None]
    if not measured:
        return markup.empty("No cell has a measured amplification to compare with its crowding number.")
    spread = _intervals_of_amplification(record)
    charts = [
        _against_theory(record, seconds, list(group), spread)
        for seconds, group in groupby(measured, key=lambda row: row.horizon_s)
    ]
    lost = sorted(set(record.design["cell"]) - {row.cell for row in measured})
    return markup.join([markup.side_by_side(charts), not_drawn(lost)])


def _intervals_of_amplification(record: StudyRecord) -> dict[int, tuple[float | None, float | None]]:
    arm = next((arm.id for arm in record.study.spec.arms if arm.arm == "frictionless"), None)
    rows = [] if arm is None else record.differences("amplification", arm)
    return {row.cell: (row.lo, row.hi) for row in rows}


def _against_theory(
    record: StudyRecord, seconds: float, rows: list[CrowdingRow],
    spread: dict[int, tuple[float | None, float | None]],
) -> Markup:  # fmt: skip
    points = []
    for row in rows:
        assert row.crowding_number is not None  # probes without a number are left out
        assert row.amplification is not None
        lo, hi = spread.get(row.cell, (None, None))
        series = record.worlds.get(row.cell, "measured")
        points.append(Estimate(row.crowding_number, row.amplification, lo, hi, series, row.lo, row.hi))
    most = max(point.x for point in points)
    top = max(1 + most, *(float(point.hi or point.value) for point in points))
    curves = theory(most, top)
    drawing = intervals(points, "crowding number Lambda", "amplification", curves, half=True)
    caption = (
        f"Measured amplification against the crowding number {_span(seconds)} after the probe, with 95 % intervals"
    )
    return markup.figure(drawing, f"{caption} of both, and the multipliers of theory.", half=True)


def theory(most: float, top: float) -> list[tuple[str, list[tuple[float, float]], str]]:
    """The multipliers 1 + Lambda and 1/(1 - Lambda) from 0 to `most`; the latter ends at 1 or where it reaches `top`.

    Source: docs/theory.md#sized-once and docs/theory.md#fixed-point.
    """
    ends = max(most, 1e-6)
    xs = [float(x) for x in np.linspace(0.0, ends, _POINTS_OF_CURVES)]
    below = [float(x) for x in np.linspace(0.0, min(ends, 1 - 1 / max(top, 1 + 1e-6)), _POINTS_OF_CURVES)]
    one_shot = ("1 + Lambda", [(x, 1 + x) for x in xs], BLACK)
    return [one_shot, ("1 / (1 - Lambda)", [(x, 1 / (1 - x)) for x in below], GREY)]


def _span(seconds: float) -> str:
    return numbers.duration(round(seconds * NS_PER_SECOND))


def _rows_of(crowding: pl.DataFrame) -> list[CrowdingRow]:
    return [CrowdingRow(**row) for row in crowding.iter_rows(named=True)]


def _cells(row: CrowdingRow) -> list[object]:
    slope = row.impact_per_usdt
    return [
        row.cell, row.market, _span(row.horizon_s), row.method, numbers.scaled(row.k_usdt),
        numbers.ABSENT if slope is None else f"{slope:.2e}",
        *(numbers.plain(value) for value in (row.crowding_number, row.lo, row.hi)), numbers.count(row.pairs),
        *(numbers.plain(value, 4) for value in (row.one_shot, row.fixed_point, row.amplification)),
        numbers.scaled(row.liquidation_density), numbers.scaled(row.contrarian_liquidity),
    ]  # fmt: skip
