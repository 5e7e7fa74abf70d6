"""Stylised facts: each market's beside what real markets show."""

from __future__ import annotations

from marketsim.analysis.run_data.recording import underlying_markets
from marketsim.analysis.stylised_facts import Fact, FactsTable, facts_of_run
from marketsim.report import markup, numbers
from marketsim.report.markup import Heading, Markup, prose, words
from marketsim.report.record import RunRecord

_MOST_MARKETS = 3

_COLUMNS = [
    prose("Fact"), Heading("Value"), Heading("95 % interval"), words("Real markets"), words("Verdict"),
    prose("Source"), prose("Remark", "how the interval was made; why there is no value"),
]  # fmt: skip


def facts(record: RunRecord) -> Markup:
    """The facts of the markets of underlyings; what was not recorded is told row by row."""
    title = "Stylised facts"
    if "record" not in record.resolved or not record.instruments:
        return markup.section("facts", title, markup.empty("What was recorded is not known."))
    markets = underlying_markets(record.run)
    pieces = [_of_market(facts_of_run(record.run, market)) for market in markets[:_MOST_MARKETS]]
    note = markup.left_out(len(pieces), len(markets), "markets", "the first ones; `marketsim facts` shows any")
    return markup.section("facts", title, *pieces, note)


def _of_market(found: FactsTable) -> Markup:
    """One market's sentence and table."""
    measured = [_row(row) for row in found.rows if row.value is not None]
    others = [f"{row.fact}: {row.note}" for row in found.rows if row.value is None]
    return markup.join(
        [
            markup.heading(found.market),
            markup.paragraph(found.sentence),
            markup.table(_COLUMNS, measured) if measured else markup.empty("Nothing was measurable."),
            markup.fold("What was not measurable, and why", "\n".join(others)) if others else "",
        ]
    )


def _row(row: Fact) -> tuple[object, ...]:
    interval = "" if row.lo is None else f"[{numbers.plain(row.lo, 2)}, {numbers.plain(row.hi, 2)}]"
    unit, remark = f" {row.unit}" if row.unit else "", "; ".join(filter(None, (row.note, row.interval)))
    reference = f"{row.reference}{unit}" if row.reference else numbers.ABSENT
    return row.fact, f"{numbers.plain(row.value)}{unit}", interval, reference, row.verdict, row.source, remark
