"""The rebalances: what each token had to trade, what that cost, and how much of the market's volume it was."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

from marketsim.report import charts, markup, numbers
from marketsim.report.book import book_chart
from marketsim.report.charts import ScatterPoint
from marketsim.report.embedding import figure
from marketsim.report.explanations import explanations
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.record import RunRecord
from marketsim.report.resets import largest_reset

_MOST_ROWS = 40
_MOST_EXPLAINED = 10
_MOST_DRAWN = 2_000
_COLUMNS = (
    words("Decided [UTC]"), words("Token"), words("Trigger"),
    Heading("Order", "signed size wanted"), Heading("Filled"), Heading("Leverage"),
    Heading("Arrival mid"), Heading("Vwap"),
    Heading("Slippage [bps]", "against the arrival mid; + is a cost"),
    Heading("Shortfall [bps]", "slippage with the unfilled part valued at the mid of the last fill"), Heading("Fees"),
    Heading("Participation", "own fills over market volume from the decision to the last fill"),
    Heading("Move, 10 min [bps]", "of the mid, in the order's direction, from arrival to 10 min after the last fill"),
    Heading("Took", "from the decision to the last fill"),
)  # fmt: skip
_OF_PARTIAL = [column for column in _COLUMNS if column.heading in ("Filled", "Shortfall [bps]")]
_STYLES = {"buys": (charts.GREEN, "triangle-up"), "sells": (charts.RED, "triangle-down")}


@dataclass(frozen=True)
class Rebalance:
    """A row of the table `rebalances`, as far as the page shows it."""

    id: int
    token: str
    market: str
    trigger: str
    status: str
    t_decide_ns: int
    t_last_ns: int
    leverage_before: float | None
    leverage_after: float | None
    target_lots: int
    filled_lots: int
    backlog_lots: int
    arrival_mid: float | None
    vwap: float | None
    slippage_bps: float | None
    shortfall_bps: float | None
    fees_atoms: int
    participation: float | None
    mid_10m: float | None

    def notional(self, record: RunRecord) -> float:
        """What was traded, signed, in the market's currency."""
        return record.of(self.market).notional(self.filled_lots, self.vwap) or 0.0


def rebalances(record: RunRecord) -> Markup:
    """Sums per token, slippage against participation, and the largest rebalances one by one."""
    if record.scan("rebalances") is None:
        return markup.section("rebalances", "Rebalances", markup.empty("No token rebalanced."))
    rows = rebalances_of(record)
    pieces = _per_token(record, rows), _scatter(record, rows), _book(record), _each(record, rows)
    return markup.section("rebalances", "Rebalances", *pieces)


def rebalances_of(record: RunRecord) -> list[Rebalance]:
    """The rows of the table `rebalances` in the order of their decisions."""
    frame = record.table("rebalances")
    columns = [field.name for field in fields(Rebalance)]
    return (
        []
        if frame is None
        else [Rebalance(*row) for row in frame.sort("t_decide_ns", "id").select(columns).iter_rows()]
    )


def _book(record: RunRecord) -> Markup:
    """The book around the largest reset, or nothing where its depth was not recorded."""
    reset = largest_reset(record)
    chart = None if reset is None else book_chart(record, reset)
    if reset is None or chart is None:
        return Markup("")
    told = (
        f"{reset.market}: what rests in the book at each distance from the mid around the largest reset, at "
        f"{record.instant(reset.decided_ns)}, against the median before it; dashed: its decision and its last fill."
    )
    return figure(chart, told)


def _per_token(record: RunRecord, rows: list[Rebalance]) -> Markup:
    columns = [
        words("Token"),
        words("Market"),
        Heading("Rebalances"),
        words("Triggers"),
        Heading("Bought"),
        Heading("Sold"),
        Heading("Slippage [bps]", "against the mid at the decision, weighted by notional; + is a cost, fees apart"),
        Heading("Fees"),
        Heading("Participation, largest", "own fills over market volume from the decision to the last fill"),
        Heading("Unfilled"),
    ]
    groups: dict[tuple[str, str], list[Rebalance]] = {}
    for row in rows:
        groups.setdefault((row.token, row.market), []).append(row)
    made = []
    for (token, market), own in groups.items():
        instrument = record.of(market)
        traded = [row.notional(record) for row in own]
        bought, sold = sum(each for each in traded if each > 0), -sum(each for each in traded if each < 0)
        shares = [row.participation for row in own if row.participation is not None]
        made.append(
            (
                token,
                market,
                len(own),
                ", ".join(f"{times} {word}" for word, times in Counter(row.trigger for row in own).most_common()),
                numbers.scaled(bought, instrument.asset),
                numbers.scaled(sold, instrument.asset),
                numbers.short(_weighted_slippage(record, own)),
                numbers.money(sum(row.fees_atoms for row in own), instrument.asset),
                numbers.percent(max(shares, default=None)),
                instrument.size(sum(abs(row.backlog_lots) for row in own)),
            )
        )
    return markup.table(columns, made)


def _weighted_slippage(record: RunRecord, rows: list[Rebalance]) -> float | None:
    """Sum of slippage times notional over the sum of notional: a ratio of sums, never a mean of ratios."""
    paid = [(row.slippage_bps, abs(row.notional(record))) for row in rows if row.slippage_bps is not None]
    whole = math.fsum(weight for _, weight in paid)
    return math.fsum(bps * weight for bps, weight in paid) / whole if whole else None


def _scatter(record: RunRecord, rows: list[Rebalance]) -> Markup:
    chart = slippage_chart(record, rows)
    if chart is None:
        return markup.empty("No rebalance was filled in an order book, so there is no slippage to draw.")
    told = markup.left_out(min(len(rows), _MOST_DRAWN), len(rows), "rebalances", "the largest", verb="drawn")
    drawn = figure(chart, "Slippage against participation, one mark per rebalance; above zero is a cost.")
    return markup.join([drawn, told])


def slippage_chart(record: RunRecord, rows: list[Rebalance]) -> Any | None:
    """Slippage against participation, a mark for each of the largest 2,000 rebalances.

    None where none was filled in a book.
    """
    largest = sorted(rows, key=lambda row: -abs(row.notional(record)))[:_MOST_DRAWN]
    points = [
        ScatterPoint(
            row.participation * 100, row.slippage_bps, "buys" if row.target_lots > 0 else "sells",
            f"{row.token}, {record.instant(row.t_decide_ns)}",
        )
        for row in largest
        if row.participation is not None and row.slippage_bps is not None
    ]  # fmt: skip
    if not points:
        return None
    present = {kind: style for kind, style in _STYLES.items() if any(point.kind == kind for point in points)}
    return charts.scatter(points, "participation [% of market volume]", "slippage [bps]", present)


def _each(record: RunRecord, rows: list[Rebalance]) -> Markup:
    largest = sorted(rows, key=lambda row: (-abs(row.notional(record)), row.t_decide_ns))[:_MOST_ROWS]
    whole = all(row.filled_lots == row.target_lots for row in rows)
    made = [_row(record, row) for row in largest]
    columns = [column for column in _COLUMNS if not (whole and column in _OF_PARTIAL)]
    cells = [[cell for column, cell in zip(_COLUMNS, row, strict=True) if column in columns] for row in made]
    filled = markup.paragraph("All orders were filled in full, so shortfall equals slippage.", kind="note")
    return markup.join(
        [
            markup.heading("One by one, the largest first"),
            markup.table(columns, cells),
            markup.left_out(len(largest), len(rows), "rebalances", "the largest filled notional first"),
            filled if whole else "",
            explanations(record, "rebalances", [row.id for row in largest[:_MOST_EXPLAINED]]),
        ]
    )


def _row(record: RunRecord, row: Rebalance) -> tuple[object, ...]:
    """The cells of one rebalance, one for each of `_COLUMNS`."""
    instrument = record.of(row.market)
    took = None if row.t_last_ns < 0 else row.t_last_ns - row.t_decide_ns
    shadow = "shadow " if row.status == "shadow" else ""
    before, after = numbers.multiple(row.leverage_before), numbers.multiple(row.leverage_after)
    return (
        record.instant(row.t_decide_ns), row.token, shadow + row.trigger,
        instrument.size(row.target_lots, sign=True),
        numbers.percent(row.filled_lots / row.target_lots if row.target_lots else None), f"{before} → {after}",
        numbers.price(row.arrival_mid, instrument.tick), numbers.price(row.vwap, instrument.tick),
        numbers.short(row.slippage_bps), numbers.short(row.shortfall_bps),
        numbers.money(row.fees_atoms, instrument.asset), numbers.percent(row.participation),
        numbers.short(_move_bps(row)), numbers.duration(took),
    )  # fmt: skip


def _move_bps(row: Rebalance) -> float | None:
    later, arrival = row.mid_10m, row.arrival_mid
    if not later or not arrival:
        return None
    return math.copysign(1e4, row.target_lots) * math.log(later / arrival)
