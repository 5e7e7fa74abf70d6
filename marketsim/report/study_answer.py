"""The first sentence of a study's page: what the registered outcome says to its title, or why it says nothing.

The pieces are rows of effects.parquet; figures and units are written as their own sentences write them.
"""

from __future__ import annotations

from collections.abc import Sequence

from marketsim.analysis.inference import intervals
from marketsim.analysis.inference.power import LEVEL
from marketsim.analysis.study_effects.effect_row import EffectRow
from marketsim.analysis.study_effects.sentences import value
from marketsim.report import markup, numbers
from marketsim.report.markup import Markup
from marketsim.report.study_record import StudyRecord
from marketsim.report.study_sensitivity import sensitivity_sentences

PUSH, LEFT = "impact_gap_0s", "impact_gap_30min"
MOST_TOLD = 3
"""Sentences of an answer that has one for each cell and market: the first, the last and one in the middle."""


def answer(record: StudyRecord) -> Markup:
    """The answer, and beneath it what it rests on: replications, interval, test."""
    name, sensitive = record.study.spec.primary, sensitivity_sentences(record)
    if sensitive:
        return markup.join(markup.paragraph(told, kind="lead") for told in sensitive)
    if record.effects is None:
        return markup.paragraph(_waiting(record), kind="lead")
    if name is None:
        return markup.paragraph("No outcome was registered before the runs, so none answers the title.", kind="lead")
    rows = _main_rows(record, name)
    if not rows:
        return markup.paragraph(f"The registered outcome, {name}, has no row to answer with.", kind="lead")
    told = _spread_out(rows)
    lines = [markup.paragraph(_line(record, row, several=len(rows) > 1), kind="lead") for row in told]
    notes = [markup.paragraph(_basis(row), kind="note") for row in told[:1] if row.estimate is not None]
    if len(told) > 1:
        doubts = [(_where(record, row), _doubt(row)) for row in told]
        notes += [markup.paragraph(f"{where}{doubt.strip()}", kind="note") for where, doubt in doubts if doubt]
    left = markup.left_out(len(told), len(rows), "cells and markets", "spread over their order; the others are below")
    return markup.join([*lines, *notes, left])


def _waiting(record: StudyRecord) -> str:
    done = record.runs.filter(status="ok").height
    return f"There is no answer yet: {numbers.count(done)} of {numbers.count(record.runs.height)} runs are done."


def _main_rows(record: StudyRecord, name: str) -> list[EffectRow]:
    """The rows that answer: of the factual arm against the baseline, else of the first arm with any, else values."""
    spec = record.study.spec
    order = [arm for arm in (spec.factual_arm, *(arm.id for arm in spec.arms)) if arm is not None]
    differences, levels = record.differences(name), record.levels(name)
    for rows in (differences, levels):
        for arm in order:
            mine = [row for row in rows if row.arm == arm]
            if mine:
                return mine
    return []


def _spread_out(rows: Sequence[EffectRow]) -> list[EffectRow]:
    """All of a few rows; of many the first, the middle one and the last."""
    if len(rows) <= MOST_TOLD:
        return list(rows)
    return [rows[0], rows[len(rows) // 2], rows[-1]]


def _line(record: StudyRecord, row: EffectRow, *, several: bool) -> str:
    """One row's answer: what was found, what was left of it, what the other arms made of it, what would settle it."""
    if row.estimate is None:
        return f"{_where(record, row) if several else ''}No answer: {row.sentence.rstrip('.')}."
    parts = [_taken_apart(row)[0]]
    if row.measure == PUSH:
        parts += _left(record, row)
    parts += [_made_of_it(record, other) for other in _others(record, row)]
    told = f"{_where(record, row) if several else ''}{'; '.join(parts)}."
    return told if several else f"{told}{_doubt(row)}"


def _where(record: StudyRecord, row: EffectRow) -> str:
    """Which cell, by what it sets."""
    sets = record.settings(row.cell)
    return f"{sets}: " if sets else ""


def _left(record: StudyRecord, row: EffectRow) -> list[str]:
    """What was left half an hour later, where that was measured."""
    later = [each for each in record.differences(LEFT, row.arm) if _same_place(each, row)]
    if not later:
        return []
    (left,) = later
    if left.estimate is None:
        return [f"what was left after 30 min could not be read ({left.sentence.rstrip('.')})"]
    return [f"after 30 min {value(left)} {'was' if abs(left.estimate) == 1 else 'were'} left"]


def _others(record: StudyRecord, row: EffectRow) -> list[EffectRow]:
    """The rows of the other arms against this one, in the order of the arms."""
    rows = record.rows_against(row.measure, row.arm)
    order = [arm.id for arm in record.study.spec.arms]
    mine = [each for each in rows if _same_place(each, row) and each.estimate is not None]
    return sorted(mine, key=lambda each: order.index(each.arm))


def _made_of_it(record: StudyRecord, row: EffectRow) -> str:
    """What another arm took off or added, or that it could be nothing."""
    assert row.estimate is not None
    name = _named(record, row.arm)
    if row.lo is not None and row.hi is not None and row.lo <= 0 <= row.hi:
        return f"{name} may have changed nothing ({value(row)})"
    did = "took {} off" if row.estimate < 0 else "added {}"
    return f"{name} {did.format(value(row, absolute=True))}"


def _named(record: StudyRecord, arm_id: str) -> str:
    arm = next(arm for arm in record.study.spec.arms if arm.id == arm_id)
    settings = [f"{path.rsplit('.', 1)[-1]} {setting}" for path, setting in arm.set.items()]
    return f"{arm_id} ({settings[0]})" if len(settings) == 1 and isinstance(settings[0], str) else arm_id


def _same_place(one: EffectRow, other: EffectRow) -> bool:
    return (one.cell, one.market, one.jump) == (other.cell, other.market, other.jump)


def _doubt(row: EffectRow) -> str:
    """Why the answer is none yet: too few replications for an interval, or how many would find what was seen."""
    told = ""
    if row.method == intervals.TOO_FEW:
        has = "1 replication has" if row.pairs == 1 else f"{row.pairs} replications have"
        told += f" {has} no interval; {intervals.FEWEST} are needed for one."
    if row.p_adjusted is not None and row.p_adjusted > LEVEL:
        told += f" This may be chance (p = {row.p_adjusted:.2g}). {_taken_apart(row)[2]}"
    return told.rstrip()


def _basis(row: EffectRow) -> str:
    """What the answer rests on, in the words of its row."""
    against = f"{row.arm} against {row.versus}" if row.versus is not None else row.arm
    return f"{row.measure} of {against}, the outcome registered before the runs: {_taken_apart(row)[1]}."


def _taken_apart(row: EffectRow) -> tuple[str, str, str]:
    """A row's sentence: what was found, without the names of the arms; what it rests on; what would settle it."""
    begins = f"{row.pairs} replication"
    found, _, rest = row.sentence.partition(f" ({begins}")
    rests_on, _, advice = rest.partition(").")
    return found.partition(f", {row.arm} against ")[0], f"{begins}{rests_on}", advice.strip()
