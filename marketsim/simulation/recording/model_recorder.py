"""When a run is written down: the kernel's logs as they fill, the journal every hour, snapshots at their cadences.

A snapshot at t is after everything at t; there is one at 0 and one at `duration`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from marketsim.clock import Phase, ProcessGenerator
from marketsim.datasets.recorder import Recorder
from marketsim.simulation.holding import PrimaryDeals, holder_rows
from marketsim.simulation.model import MarketModel
from marketsim.simulation.recording import accounts, snapshots
from marketsim.simulation.recording.logs import LogRecorder
from marketsim.units import NS_PER_SECOND

FLUSH_NS = 3_600 * NS_PER_SECOND  # how often the journal is handed over, so that it stays short


class ModelRecorder:
    """Writes one model's run into its tables; call `start` before the run and `finish` at its end."""

    def __init__(self, model: MarketModel, tables: Recorder) -> None:
        self.model = model
        self.tables = tables
        self.env = model.env
        self._logs = LogRecorder(model, tables)
        self._written: dict[str, int] = {}
        self._primary_deals = PrimaryDeals()
        self.env.on_log = self._logs.take

    def start(self) -> None:
        """Write what stands at the beginning and set the clock for every cadence."""
        if self.env.now:
            self._forget_the_past()
        self.tables.rows("instruments", accounts.instruments(self.model))
        self.tables.rows("ledger", accounts.opening_flows(self.model))
        for table, every in self._cadences():
            self.env.process(self._repeat(every, partial(self._snapshot, table)))
        self.env.process(self._repeat(FLUSH_NS, lambda t_ns: self.flush()))

    def finish(self) -> None:
        """Write the closing rows at the end of the run."""
        t_ns = self.env.end_ns
        for desk in self.model.desks:
            desk.finish(t_ns)
        for table, _ in self._cadences():
            self._snapshot(table, t_ns)
        if self.model.scenario.record.cohorts is None:
            self._write_flows(t_ns)
        self.flush()
        self.tables.rows("holders", holder_rows(self.model.wired, self.model.desks, self._primary_deals))
        self.tables.append("accounts", accounts.account_columns(self.model))

    def flush(self) -> None:
        """Hand over logs and journal."""
        self._logs.take()
        self.take_journal()

    def _cadences(self) -> Iterator[tuple[str, int]]:
        """The tables that are written at an interval, with it [ns], in the order in which one instant writes them."""
        record = self.model.scenario.record
        wanted = {
            "quotes": record.quotes if isinstance(record.quotes, int) else None,
            "depth": record.depth.every if record.depth else None,
            "book": record.book.every if record.book else None,
            "marks": record.marks,
            "tokens": record.tokens,
            "cohorts": record.cohorts,
            "positions": record.positions,
        }
        return ((table, every) for table, every in wanted.items() if every is not None)

    def _repeat(self, every: int, write: Callable[[int], None]) -> ProcessGenerator:
        due = self.env.now
        while True:
            yield self.env.at(due, Phase.RECORD)
            write(self.env.now)
            due = (self.env.now // every + 1) * every

    def _snapshot(self, table: str, t_ns: int) -> None:
        """Write one table at one instant, once: the run's end may lie on a cadence."""
        if self._written.get(table) == t_ns:
            return
        self._written[table] = t_ns
        if table == "tokens":
            rows, legs = snapshots.tokens(self.model, t_ns)
            self.tables.rows("tokens", rows)
            self.tables.rows("token_legs", legs)
            return
        self.tables.rows(table, SNAPSHOTS[table](self.model, t_ns))
        if table == "cohorts":
            self._write_flows(t_ns)

    def _write_flows(self, t_ns: int) -> None:
        """Write the flows since the last cut, after the journal's: those are older."""
        flows = accounts.take_flows(self.model, t_ns)
        self.take_journal()
        self.tables.rows("ledger", flows)

    def take_journal(self) -> None:
        """Hand over the journal; when it is handed over moves no row of any table."""
        for table, rows in self.model.journal.take().items():
            self.tables.rows(table, rows)
            if table == "primary":
                self._primary_deals.note(rows)

    def _forget_the_past(self) -> None:
        """Begin within a run, at a fork: rows of before are not written, what sums need from then is kept."""
        self.model.drop_logs()
        for desk in self.model.desks:
            desk.begin_interval()
        past = self.model.journal.take()
        self._primary_deals.note(past.get("primary", ()))
        self.tables.rows("ledger", past.get("ledger", ()))


SNAPSHOTS: dict[str, Callable[[MarketModel, int], list[dict[str, Any]]]] = {
    "quotes": snapshots.quotes,
    "depth": snapshots.depth,
    "book": snapshots.book,
    "marks": snapshots.marks,
    "cohorts": accounts.cohorts,
    "positions": accounts.positions,
}
