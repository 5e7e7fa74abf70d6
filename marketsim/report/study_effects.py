"""The effects of the arms: the registered outcome first, then every measure with its intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import polars as pl

from marketsim.analysis.study_effects.effect_row import EffectRow
from marketsim.report import markup, numbers
from marketsim.report.charts import PALETTE, Estimate, intervals
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.study_record import MOST_ROWS, StudyRecord, rows_of

_COLUMNS = [
    Heading("Cell"), words("Arm"), words("Versus", "a dash: the arm by itself, not a difference"), Heading("Estimate"),
    Heading("Low", "of the 95 % interval"), Heading("High", "of the 95 % interval"),
    Heading("p", "adjusted over all cells and arms: Holm for the registered outcome, else Benjamini and Hochberg"),
    Heading("Pairs"), Heading("Pair correlation", "of the outcome between the arms, or of the mids' returns"),
    Heading("Variance ratio", "variance without over variance with common random numbers"),
    Heading("Failed", "pairs with a failed run; estimates are of the rest"),
    Heading("Collapsed", "pairs in which a market was destroyed; estimates are of the rest"), words("In words"),
]  # fmt: skip


def primary(record: StudyRecord) -> Markup:
    """The outcome registered before the runs: its chart over the cells, and its figures."""
    name, title = record.study.spec.primary, "Primary outcome"
    if name is None:
        return markup.section("primary", title, markup.empty("No outcome was registered before the runs."))
    said = markup.paragraph("Registered before the runs: ", Markup(f"<strong>{markup.text(name)}</strong>"), ".")
    rows = record.differences(name)
    if not rows:
        return markup.section("primary", title, said, markup.empty("It has not been computed yet."))
    return markup.section("primary", title, said, _drawn(record, name, rows), *effect_rows(rows))


def _drawn(record: StudyRecord, name: str, rows: Sequence[EffectRow]) -> Markup:
    places, many = record.axis.places, len({row.arm for row in rows}) * len(set(record.worlds.values()))
    known = {row.cell for row in rows if row.estimate is not None and row.cell in places}
    if not known:
        return markup.empty("No cell has an estimate to draw.")
    # More series than the palette distinguishes cannot be read: then colours tell arms only.
    worlds = record.worlds if many <= len(PALETTE) else {}
    points = [
        Estimate(
            places[row.cell], row.estimate, row.lo, row.hi,
            series=", ".join(part for part in (row.arm, worlds.get(row.cell)) if part),
        )
        for row in rows
        if row.estimate is not None and row.cell in places
    ]  # fmt: skip
    lost = sorted({row.cell for row in rows} - known)
    caption = f"{name} of each arm against {rows[0].versus}, with 95 % intervals, over {record.axis.title}."
    return markup.join([markup.figure(intervals(points, record.axis.title, name), caption), not_drawn(lost)])


def not_drawn(cells: Sequence[int]) -> Markup:
    """The note that names cells a chart over cells had to leave out, or nothing."""
    if not cells:
        return Markup("")
    named = ", ".join(str(cell) for cell in cells[:12]) + (", ..." if len(cells) > 12 else "")
    one = len(cells) == 1
    return markup.paragraph(
        f"Not drawn, for lack of an estimate or a position on the axis: cell{'' if one else 's'} {named}.", kind="note"
    )


def effects(record: StudyRecord) -> Markup:
    """Every measure of the study: differences between arms, and levels of arms."""
    title = "Effects"
    if record.effects is None:
        return markup.section(
            "effects", title, markup.empty("Effects are computed when every run is done or has failed.")
        )
    pieces: list[object] = [
        markup.paragraph(
            "Estimates are ratios of sums over all pairs of a cell; the unit is the replication, never a tick, a day or"
            " a fork. Estimates leave out pairs with a failed run or a destroyed market, which are counted. Differences"
            " of the registered outcome are shown above.",
            kind="note",
        )
    ]
    shown_above = (pl.col("measure") == pl.lit(record.study.spec.primary)) & pl.col("versus").is_not_null()
    others = record.effects.filter(~shown_above.fill_null(False)).sort("measure", "cell", "arm", maintain_order=True)
    for measure, group in groupby(rows_of(others), key=lambda row: row.measure):
        pieces += [markup.heading(measure), *effect_rows(group)]
    return markup.section("effects", title, *pieces)


def effect_rows(rows: Iterable[EffectRow]) -> tuple[Markup, Markup]:
    """The table of some effects, and the note of how many it leaves out."""
    every = list(rows)
    shown = [_effect_row(row) for row in every[:MOST_ROWS]]
    return markup.table(_COLUMNS, shown), markup.left_out(len(shown), len(every), "rows", "in the order of cells")


def _effect_row(row: EffectRow) -> list[object]:
    width = None if row.lo is None or row.hi is None else row.hi - row.lo
    return [
        row.cell, row.arm, row.versus or numbers.ABSENT,
        *(numbers.resolved(value, width) for value in (row.estimate, row.lo, row.hi)),
        numbers.plain(row.p_adjusted, 2), numbers.count(row.pairs), numbers.plain(row.pair_correlation),
        numbers.plain(row.variance_ratio), numbers.count(row.failed), numbers.count(row.collapsed), row.sentence,
    ]  # fmt: skip
