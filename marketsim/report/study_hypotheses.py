"""The registered hypotheses of a study: what was predicted, what was found, and the verdict."""

from __future__ import annotations

from typing import Any

from marketsim.report import markup, numbers
from marketsim.report.markup import Heading, Markup, prose, words
from marketsim.report.study_record import StudyRecord

_COLUMNS = [
    words("Hypothesis"), words("Funds"), prose("It says"), Heading("Predicted"), Heading("Margin"), Heading("Found"),
    Heading("95 % interval"), Heading("p", "of tests that a curve is one"),
    Heading("Misfit", "weighted squares a cell, of a curve without a free number"), words("Verdict"),
]  # fmt: skip


def hypotheses(record: StudyRecord) -> Markup:
    """A row for each hypothesis; nothing for a study whose registration asks for none."""
    if record.hypotheses is None:
        return Markup("")
    rows = [_cells(row) for row in record.hypotheses.iter_rows(named=True)]
    about = markup.paragraph(
        "Predictions have no free number. Equivalent: the 90 % interval lies within the margin that was registered;"
        " differs: the 95 % interval does not hold what was predicted. Replications are the unit, and probes and"
        " predictions are computed again without each of them."
    )
    return markup.section("hypotheses", "Registered hypotheses", about, markup.table(_COLUMNS, rows))


def _cells(row: dict[str, Any]) -> list[object]:
    interval = numbers.ABSENT if row["lo"] is None else f"{row['lo']:.3f} to {row['hi']:.3f}"
    told = [numbers.ABSENT if row[key] is None else f"{row[key]:.3g}" for key in ("p", "statistic")]
    tells = row["p"] is None or row["statistic"] is None
    return [
        row["hypothesis"], row["rule"], row["statement"], _number(row["predicted"]), _number(row["margin"]),
        _number(row["estimate"]), interval, told[0], told[1] if tells else numbers.ABSENT,
        row["verdict"] or numbers.ABSENT,
    ]  # fmt: skip


def _number(value: float | None) -> str:
    return numbers.ABSENT if value is None else f"{value:.3f}"
