"""The first sentence of a study's page: what the registered outcome says to its title, or why it says nothing.

The pieces are rows of effects.parquet; figures and units are written as their own sentences write them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Answer:
    """What a study says to its title: sentences of cells and markets, what they rest on, how many there are."""

    sentences: Sequence[str]
    notes: Sequence[str] = ()
    rows: int = 0


def answer(record: StudyRecord) -> Markup:
    """The answer as the page begins with it, and beneath it what it rests on: replications, interval, test."""
    said = answer_of(record)
    lines = [markup.paragraph(each, kind="lead") for each in said.sentences]
    notes = [markup.paragraph(each, kind="note") for each in said.notes]
    things, order = "cells and markets", "spread over those that can be answered; all are below"
    return markup.join([*lines, *notes, markup.left_out(len(lines), said.rows, things, order)])


def answer_of(record: StudyRecord) -> Answer:
    """The answer in words; for a study of sensitivity what matters most, else of the registered outcome."""
    name, sensitive = record.study.spec.primary, sensitivity_sentences(record)
    if sensitive:
        return Answer(sensitive)
    if record.effects is None:
        return Answer([_waiting(record)])
    if name is None:
        return Answer(["No outcome was registered before the runs, so none answers the title."])
    rows = _main_rows(record, name)
    if not rows:
        return Answer([f"The registered outcome, {name}, has no row to answer with."])
    told, several = _spread_out(rows), len(rows) > 1
    notes = [_basis(row) for row in told[:1] if row.estimate is not None]
    if several:
        notes += [f"{_where(record, row)}{_doubt(row).strip()}" for row in told if _doubt(row)]
    return Answer([_line(record, row, several=several) for row in told], notes, len(rows))


def cells_told(record: StudyRecord) -> list[int]:
    """The cells that the answer has a sentence of, in order: those whose push is drawn over time."""
    name = record.study.spec.primary
    return list(dict.fromkeys(row.cell for row in _spread_out(_main_rows(record, name)))) if name is not None else []


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
    """All of a few rows; of many the first, the middle one and the last of those that say most: with an interval."""
    if len(rows) <= MOST_TOLD:
        return list(rows)
    with_interval = [row for row in rows if row.lo is not None]
    most = with_interval or [row for row in rows if row.estimate is not None] or rows
    return list(most) if len(most) <= MOST_TOLD else [most[0], most[len(most) // 2], most[-1]]


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
    """Which cell, by what it sets, and which fork, by the jump of the index it began with."""
    jump = [] if row.jump is None else [f"jump {numbers.percent(row.jump)}"]
    sets = [settings] if (settings := record.settings(row.cell)) else []
    return f"{', '.join([*sets, *jump])}: " if sets or jump else ""


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
