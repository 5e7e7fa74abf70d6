"""How far a long run or a sweep is: a bar on a terminal, a plain line every ten seconds otherwise, always on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from marketsim.datasets.provenance import peak_rss_mb

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

PLAIN_EVERY_S = 10.0
HOUR_S = 3600


class RunProgress:
    """Called with (simulated_ns, duration_ns, micro_events); shows simulated time, events/s, peak memory, time left."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Bar | None = None
        self._started_s = self._last_s = self._said_s = time.monotonic()
        self._last_events = 0
        self._from_ns: int | None = None

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._bar = _terminal_bar()
            self._bar.add_task("simulating", total=None, note="preparing")
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, simulated_ns: int, duration_ns: int, micro_events: int) -> None:
        """Show where the run is."""
        now_s = time.monotonic()
        if self._from_ns is None:  # what came before, compiling above all, says nothing of what is left
            self._started_s = self._last_s = self._said_s = now_s
            self._from_ns, self._last_events = simulated_ns, micro_events
            return
        if self._quiet or (self._bar is None and now_s - self._said_s < PLAIN_EVERY_S):
            return
        note = self._note(simulated_ns, micro_events, now_s)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=simulated_ns, total=duration_ns, note=note)
            return
        self._said_s = now_s
        left_s = (now_s - self._started_s) * (duration_ns - simulated_ns) / max(simulated_ns - self._from_ns, 1)
        print(f"{simulated_ns / duration_ns:6.1%}  {note}  {left_s:,.0f} s left", file=sys.stderr, flush=True)

    def _note(self, simulated_ns: int, micro_events: int, now_s: float) -> str:
        rate = (micro_events - self._last_events) / max(now_s - self._last_s, 1e-9)
        self._last_s, self._last_events = now_s, micro_events
        return f"{clock_face(simulated_ns)} simulated  {rate / 1e6:.2f} M events/s  {peak_rss_mb():,.0f} MB"


class SweepProgress:
    """Called with (done, failed, total, micro_events, memory_mb) after each run; shows these, and the time left."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Bar | None = None
        self._began_s = self._said_s = 0.0
        self._ended_before: int | None = None

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._bar = _terminal_bar()
            self._bar.add_task("sweeping", total=None, note="preparing")
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, failed: int, total: int, micro_events: int, memory_mb: float) -> None:
        """Show how far the sweep is; the first call, before any run, starts the clock."""
        if self._quiet:
            return
        now_s, ended = time.monotonic(), done + failed
        if self._ended_before is None:
            self._began_s = self._said_s = now_s
            self._ended_before = ended
        took_s = max(now_s - self._began_s, 1e-9)
        note = f"{done:,} done, {failed:,} failed of {total:,} runs  {micro_events / took_s / 1e6:.2f} M events/s"
        note += f"  {memory_mb:,.0f} MB"
        if self._bar is not None:
            known = total if ended > self._ended_before else None  # until something has ended nobody knows: it swings
            self._bar.update(self._bar.task_ids[0], completed=ended, total=known, note=note)
        elif now_s - self._said_s >= PLAIN_EVERY_S or (ended == total and ended > self._ended_before):
            self._said_s = now_s
            left_s = took_s * (total - ended) / max(ended - self._ended_before, 1)
            print(f"{ended / max(total, 1):6.1%}  {note}  {left_s:,.0f} s left", file=sys.stderr, flush=True)


class BuildProgress:
    """Called with (table, rows, bytes) as a package's rows are written; `total` rows are to come, about."""

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        self._total = max(total, 1)
        self._quiet = quiet
        self._bar: Bar | None = None
        self._rows = self._bytes = 0
        self._began_s = self._said_s = time.monotonic()

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._bar = _terminal_bar()
            self._bar.add_task("building", total=self._total, note="preparing")
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, table: str, rows: int, size: int) -> None:
        """Count what was written."""
        self._rows += rows
        self._bytes += size
        now_s = time.monotonic()
        note = f"{table}: {self._rows:,} rows, {self._bytes / 1e6:,.1f} MB"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=min(self._rows, self._total), note=note)
        elif not self._quiet and now_s - self._said_s >= PLAIN_EVERY_S:
            self._said_s = now_s
            left_s = (now_s - self._began_s) * max(self._total - self._rows, 0) / max(self._rows, 1)
            share = min(self._rows / self._total, 1)
            print(f"{share:6.1%}  {note}  {left_s:,.0f} s left", file=sys.stderr, flush=True)


def clock_face(simulated_ns: int) -> str:
    """Spell simulated time [ns] as days and a clock: `1d 03:12:05`."""
    seconds = simulated_ns // 10**9
    days, rest = divmod(seconds, 24 * HOUR_S)
    face = f"{rest // HOUR_S:02d}:{rest % HOUR_S // 60:02d}:{rest % 60:02d}"
    return f"{days}d {face}" if days else face


def _terminal_bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[note]}"), TimeRemainingColumn())
    return Bar(*columns, console=Console(stderr=True), transient=True)
