"""The effects of the arms: the registered outcome in pictures and figures, then every other measure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from marketsim.analysis.inference import intervals as inference
from marketsim.analysis.inference.p_values import FLIPS, MOST_EXACT
from marketsim.analysis.measures.reset_gaps import TAUS
from marketsim.analysis.study_effects.effect_row import EffectRow
from marketsim.report import markup, numbers
from marketsim.report.charts import (
    PALETTE,
    Estimate,
    Named,
    intervals,
    intervals_by_name,
    intervals_in_order,
)
from marketsim.report.embedding import figure
from marketsim.report.markup import Heading, Markup, prose, words
from marketsim.report.study_answer import cells_told
from marketsim.report.study_record import MOST_ROWS, StudyRecord, rows_of

MOST_EFFECTS = 200
_MOST_CHARTS = 4
_TIMES = {"0s": "0", "1min": "1 min", "5min": "5 min", "30min": "30 min", "2h": "2 h", "H": "half-way"}
_METHODS = {
    inference.STUDENT_T: "Student's t, skew", inference.JACKKNIFE_T: "jackknife, t, skew",
    inference.CLOPPER_PEARSON: "Clopper-Pearson", inference.BONETT_PRICE: "Bonett-Price",
    inference.NO_SPREAD: "all the same", inference.TOO_FEW: f"under {inference.FEWEST} replications",
}  # fmt: skip


def primary(record: StudyRecord) -> Markup:
    """The outcome registered before the runs: pushes over time, the arms on an axis, and the figures."""
    name = record.study.spec.primary
    rows = [] if name is None else told_rows(record, name)
    pictures = over_time(record)
    if name is None or not rows:
        return markup.section("primary", "Answer", markup.side_by_side(pictures)) if pictures else Markup("")
    one_cell = record.design.height == 1
    pictures += [picture for picture in [_arms(name, rows)] if picture and one_cell]
    drawn = markup.side_by_side(pictures) if pictures else Markup("")
    over_cells = Markup("") if one_cell else _over_cells(record, name, rows)
    tests = markup.paragraph(_tests(rows, "Holm, over the rows of the registered outcome"), kind="note")
    return markup.section("primary", "Answer", drawn, over_cells, *effect_rows(rows, MOST_ROWS), tests)


def over_time(record: StudyRecord) -> list[Markup]:
    """The push of resets against the time after their last fill, a picture for each cell that the answer tells of.

    None for a study of sensitivity, whose cells are points of a sample.
    """
    cells = [] if record.study.spec.sensitivity is not None else list(record.design["cell"])
    chosen = cells if len(cells) <= _MOST_CHARTS else cells_told(record)
    return [picture for picture in (_over_time(record, cell) for cell in chosen) if picture]


def _over_time(record: StudyRecord, cell: int) -> Markup:
    found = _gaps(record, cell)
    if len({each.name for each in found}) < 2:
        return Markup("")
    baseline, sets = record.study.spec.baseline_arm, record.settings(cell)
    place = f" ({sets})" if sets else ""
    caption = f"Impact gap{place}: what orders of resets pushed the market by against {baseline}{_with(found)}."
    return figure(gaps_chart(record, cell), caption, half=True)


def _gaps(record: StudyRecord, cell: int) -> list[Named]:
    found = []
    for tau in TAUS:
        rows = [row for row in record.differences(f"impact_gap_{tau}") if row.cell == cell and row.jump is None]
        several = len({row.market for row in rows}) > 1
        found += [
            Named(_TIMES[tau], row.estimate, row.lo, row.hi, f"{row.arm}, {row.market}" if several else row.arm)
            for row in rows
            if row.estimate is not None
        ]
    return found


def gaps_chart(record: StudyRecord, cell: int) -> Any | None:
    """The push of resets against the time after their last fill, in one cell; None where it was not measured."""
    found = _gaps(record, cell)
    title = "time after the last fill of a reset"
    return intervals_in_order(found, title, "impact gap [bps]") if found else None


def _with(drawn: Sequence[Named] | Sequence[Estimate]) -> str:
    """What a caption says of intervals."""
    if any(each.lo is not None for each in drawn):
        return ", with 95 % intervals"
    return f", without intervals, which take {inference.FEWEST} replications"


def _arms(name: str, rows: Sequence[EffectRow]) -> Markup:
    """The arms on an axis, by what they are compared with; nothing without an estimate."""
    chart = arms_chart(name, rows)
    if chart is None:
        return Markup("")
    return figure(chart, f"{name} of the arms{_with(_estimates(rows))}; 0 is no effect.", half=True)


def _estimates(rows: Sequence[EffectRow]) -> list[Named]:
    several = len({row.market for row in rows}) > 1
    return [
        Named(
            f"{row.arm}, {row.market}" if several else row.arm, row.estimate, row.lo, row.hi,
            f"against {row.versus}" if row.versus else "by itself",
        )
        for row in rows
        if row.estimate is not None
    ]  # fmt: skip


def arms_chart(name: str, rows: Sequence[EffectRow]) -> Any | None:
    """A measure of the arms on an axis, by what they are compared with; None without an estimate."""
    drawn = _estimates(rows)
    return intervals_by_name(drawn, f"{name} [{rows[0].unit}]") if drawn else None


def told_rows(record: StudyRecord, name: str) -> list[EffectRow]:
    """The rows of the registered outcome: against the baseline, against the factual arm; else values."""
    spec = record.study.spec
    against = record.differences(name)
    if spec.factual_arm not in (None, spec.baseline_arm):
        against += record.rows_against(name, spec.factual_arm)
    return against or record.levels(name)


def _over_cells(record: StudyRecord, name: str, rows: Sequence[EffectRow]) -> Markup:
    """The outcome of each arm over the cells."""
    points, baseline = _points_of_cells(record, rows), record.study.spec.baseline_arm
    if not points:
        return markup.empty("No cell has an estimate to draw.")
    lost = sorted({row.cell for row in rows} - _known_cells(record, rows))
    caption = f"{name} of each arm against {baseline}{_with(points)}, over {record.axis.title}."
    return markup.join([figure(cells_chart(record, name, rows), caption), not_drawn(lost)])


def _known_cells(record: StudyRecord, rows: Sequence[EffectRow]) -> set[int]:
    return {row.cell for row in rows if row.estimate is not None and row.cell in record.axis.places}


def _points_of_cells(record: StudyRecord, rows: Sequence[EffectRow]) -> list[Estimate]:
    places, baseline = record.axis.places, record.study.spec.baseline_arm
    arms = {
        (row.arm, row.versus): row.arm if row.versus in (None, baseline) else f"{row.arm} against {row.versus}"
        for row in rows
    }
    # More series than the palette distinguishes cannot be read: then colours tell arms only.
    worlds = record.worlds if len(arms) * len(set(record.worlds.values())) <= len(PALETTE) else {}
    return [
        Estimate(
            places[row.cell], row.estimate, row.lo, row.hi,
            series=", ".join(part for part in (arms[row.arm, row.versus], worlds.get(row.cell)) if part),
        )
        for row in rows
        if row.estimate is not None and row.cell in places
    ]  # fmt: skip


def cells_chart(record: StudyRecord, name: str, rows: Sequence[EffectRow]) -> Any | None:
    """A measure of each arm over the cells, with intervals; None without an estimate."""
    points = _points_of_cells(record, rows)
    return intervals(points, record.axis.title, name) if points else None


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
    """Every other measure of the study: differences between arms, and values of arms; nothing before there are any."""
    if record.effects is None:
        return Markup("")
    shown_above = {
        (row.measure, row.arm, row.versus, row.cell) for row in told_rows(record, record.study.spec.primary or "")
    }
    every = rows_of(record.effects)
    places = {name: place for place, name in enumerate(dict.fromkeys(row.measure for row in every))}
    order = sorted(every, key=lambda row: (places[row.measure], row.cell))
    others = [row for row in order if (row.measure, row.arm, row.versus, row.cell) not in shown_above]
    if not others:
        return Markup("")
    about = (
        "A difference says what the arm has that the other has not (arm − versus, ratios arm / versus); a row without"
        " another arm is of the arm by itself. Estimates are of all replications together, never of ticks, days or"
        " forks, and leave out pairs with a failed run or a destroyed market, which are counted."
    )
    tests = _tests(others, "Benjamini and Hochberg, over all rows but those of the registered outcome")
    return markup.section(
        "effects", "Other measures",
        markup.paragraph(about, kind="note"), *effect_rows(others, MOST_EFFECTS), markup.paragraph(tests, kind="note"),
    )  # fmt: skip


def _tests(rows: Sequence[EffectRow], adjusted_by: str) -> str:
    """How the p-values of some rows were made, and from how many pairs; nothing where none has one."""
    pairs = sorted({row.pairs for row in rows if row.p is not None})
    if not pairs:
        return ""
    named = str(pairs[0]) if len(pairs) == 1 else f"{pairs[0]} to {pairs[-1]}"
    exact = f"all {2 ** pairs[0]:,} of them" if len(pairs) == 1 else "all of them"
    flips = exact if pairs[-1] <= MOST_EXACT else f"all of them up to {MOST_EXACT} pairs, of more {FLIPS:,} drawn"
    return f"p: two-sided, by sign flips of {named} pairs, {flips}. Adjusted: by {adjusted_by}."


def effect_rows(rows: Iterable[EffectRow], most: int) -> tuple[Markup, Markup]:
    """The table of some effects, with the columns that any of them fills, and the note of how many it leaves out."""
    every = list(rows)
    shown = every[:most]
    cells = [_cells(row) for row in shown]
    kept = [i for i, column in enumerate(_COLUMNS) if column.heading in _ALWAYS or len({line[i] for line in cells}) > 1]
    kept = [i for i in kept if any(line[i] not in ("", numbers.ABSENT) for line in cells)]
    table = markup.table([_COLUMNS[i] for i in kept], [[line[i] for i in kept] for line in cells])
    return table, markup.left_out(len(shown), len(every), "rows", "in the order of measures and cells")


_ALWAYS = ("Measure", "Arm", "Versus", "Estimate", "95 % interval", "By", "Pairs", "p", "Adjusted", "Note")
_COLUMNS = [
    words("Measure"), Heading("Cell"), words("Market"), Heading("Jump", "of the index at the fork's start"),
    words("Arm"), words("Versus", "a dash: the arm by itself"), Heading("Estimate"), Heading("95 % interval"),
    words("By", "how the interval was made; skew: it is longer on the side of the replications' skew"),
    Heading("Pairs", "replications the estimate is of"),
    Heading("p", "two-sided, by sign flips of replications"), Heading("Adjusted", "for the number of tests"),
    Heading("Pair correlation", "of the value between the arms, or of the mids' returns"),
    Heading("Variance ratio", "variance without over variance with common random numbers; from ten pairs on"),
    Heading("With collapsed", "the estimate when collapsed runs are kept"),
    Heading("Failed", "pairs with a failed run"), Heading("Collapsed", "pairs in which a market was destroyed"),
    Heading("Runaway", "pairs in which the push grew after the reset"),
    Heading("Unread", "resets and sides that could not be read"), prose("Note"),
]  # fmt: skip


def _cells(row: EffectRow) -> list[object]:
    width = None if row.lo is None or row.hi is None else row.hi - row.lo
    known = row.estimate is not None
    unit = {"ratio": "", "1": "", "share": ""}.get(row.unit, f" {row.unit}") if known else ""
    lo, hi = (numbers.resolved(end, width) for end in (row.lo, row.hi))
    note = row.sentence if not known else ""
    if row.coverage is not None:
        note = f"from so few pairs the interval covers {100 * row.coverage:.0f} %"
    differs = row.estimate_all is not None and known and row.estimate_all != row.estimate
    return [
        row.measure, row.cell, row.market or numbers.ABSENT, numbers.percent(row.jump), row.arm,
        row.versus or numbers.ABSENT, f"{numbers.resolved(row.estimate, width)}{unit}",
        numbers.ABSENT if width is None else f"[{lo}, {hi}]",
        _METHODS.get(row.method.removesuffix(inference.SMALL_N), ""),
        numbers.count(row.pairs), numbers.plain(row.p, 2), numbers.plain(row.p_adjusted, 2),
        numbers.plain(row.pair_correlation), numbers.plain(row.variance_ratio),
        numbers.resolved(row.estimate_all, width) if differs else "",
        *(numbers.count(n) if n else "" for n in (row.failed, row.collapsed, row.runaway, row.dropped)), note,
    ]  # fmt: skip
