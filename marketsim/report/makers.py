"""What market makers earned in calm and in crashes."""

from __future__ import annotations

from marketsim.analysis.liquidity.maker_profit import AFTERMATH_MINUTES, CRASH_MINUTES, CRASH_MOVE, maker_profits
from marketsim.errors import ResultError
from marketsim.report import markup, numbers
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.record import RunRecord


def makers(record: RunRecord) -> Markup:
    """A table by group and regime; nothing where there are no makers, or their fills or the mids were not recorded."""
    try:
        found = [row for row in maker_profits(record.run) if row.minutes]
    except ResultError:
        return Markup("")
    if not found:
        return Markup("")
    columns = [
        words("Makers"), words("Market"), words("Regime"), Heading("Minutes"), Heading("Volume"),
        Heading("Profit before fees"), Heading("[bp of volume]"), Heading("With their fees or rebate [bp]"),
    ]  # fmt: skip
    rows = [
        (row.cohort, row.market, row.regime, numbers.count(row.minutes),
         *(numbers.scaled(amount, record.of(row.market).asset) for amount in (row.volume, row.profit)),
         _bps(row.profit_bps), _bps(row.net_bps))
        for row in found
    ]  # fmt: skip
    explained = (
        "Fills and inventory valued at the mid, minute by minute. Crash: the minutes around a move of "
        f"{CRASH_MOVE:.0%} or more within {CRASH_MINUTES} minutes, and {AFTERMATH_MINUTES} minutes after it; "
        "calm: all other minutes."
    )
    return markup.join([markup.heading("Makers' profit"), markup.table(columns, rows), markup.paragraph(explained)])


def _bps(value: float | None) -> str:
    return numbers.ABSENT if value is None else f"{value:+.2f}"
