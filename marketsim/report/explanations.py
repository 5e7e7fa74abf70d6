"""Why single rebalances and liquidations happened as they did, each behind a line that opens it."""

from __future__ import annotations

from collections.abc import Iterable

from marketsim.errors import DamagedResultError, ResultError
from marketsim.report import markup
from marketsim.report.markup import Markup
from marketsim.report.record import RunRecord


def explanations(record: RunRecord, table: str, numbers: Iterable[int]) -> Markup:
    """The explanations of some rows of a table; a sentence where this installation cannot read the run's rules."""
    try:
        found = [record.run.explain(table, number) for number in numbers]
    except DamagedResultError:
        raise
    except ResultError as error:
        return markup.paragraph(f"Why they happened cannot be said here: {error}.", kind="note")
    if not found:
        return Markup("")
    more = f"`marketsim explain RUN {table} ID` says the same of every one."
    folds = (markup.fold(each.title, str(each)) for each in found)
    return markup.join([markup.heading("Why, the largest"), *folds, markup.paragraph(more, kind="note")])
