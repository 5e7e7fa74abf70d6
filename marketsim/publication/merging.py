"""The rows of several runs of one replication as one stream in the order of time, in bounded memory.

Each run's rows stand in the order of time already, so only a window of each is held: rows up to the instant that every
window reaches are put together, the rest waits. At one instant runs stand in the order in which they were given, and
the rows of a run as it has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import polars as pl

from marketsim.datasets.parquet import rows_of_groups

HELD_ROWS = 262_144
"""Rows that all windows of a merge hold together, and as many read ahead; a lone run has windows of this size."""
SMALLEST_WINDOW = 4_096


@dataclass
class _Window:
    """The rows of one run that are held, and where the next ones begin.

    It reads whole row groups, as many as `size` rows hold, because a part of one costs as much as all of it; of one
    that is larger, `size` rows at a time.
    """

    path: Path
    labels: Sequence[pl.Expr]
    size: int
    reader: Executor
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    read: int = 0
    is_at_end: bool = False
    ahead: Future[pl.DataFrame] | None = None
    ends: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.ends = list(accumulate(rows_of_groups(self.path)))

    def more(self) -> None:
        """Hold the next rows too; those after them are read meanwhile."""
        frame = self.ahead.result() if self.ahead is not None else self._next(self.read)
        self.read += frame.height
        self.is_at_end = not self.ends or self.read == self.ends[-1]
        self.ahead = None if self.is_at_end else self.reader.submit(self._next, self.read)
        self.rows = pl.concat([self.rows, frame]) if self.rows.height else frame

    def _next(self, start: int) -> pl.DataFrame:
        whole = [end for end in self.ends if start < end <= start + self.size]
        rows = whole[-1] - start if whole else self.size
        return pl.scan_parquet(self.path).slice(start, rows).select(*self.labels, pl.all()).collect()

    def take(self, rows: int) -> pl.DataFrame:
        """The first rows, held no longer."""
        taken, self.rows = self.rows[:rows], self.rows[rows:]
        return taken


def merged(sources: Sequence[tuple[Path, Sequence[pl.Expr]]], by: str | None) -> Iterator[pl.DataFrame]:
    """Frames of the rows of all sources, each a Parquet file and the labels its rows get, in the order of column `by`.

    by: the column of instants by which every source stands; None puts one source after the other.
    """
    with ThreadPoolExecutor(1) as reader:
        if by is None or len(sources) < 2:
            for path, labels in sources:
                window = _Window(path, labels, HELD_ROWS, reader)
                while not window.is_at_end:
                    window.more()
                    yield window.take(window.rows.height)
            return
        size = max(HELD_ROWS // len(sources), SMALLEST_WINDOW)
        windows = [_Window(path, labels, size, reader) for path, labels in sources]
        while any(window.rows.height or not window.is_at_end for window in windows):
            for window in windows:
                if not window.rows.height and not window.is_at_end:
                    window.more()
            yield _before_the_first_gap(windows, by)


def _before_the_first_gap(windows: Sequence[_Window], by: str) -> pl.DataFrame:
    """The rows of which no earlier one, nor one of the same instant, is unread; reads on where there are none."""
    while True:
        unread = [window for window in windows if not window.is_at_end]
        if not unread:
            counts = [window.rows.height for window in windows]
            break
        first = min(unread, key=lambda window: window.rows[by][-1])
        bound = first.rows[by][-1]
        counts = [window.rows[by].search_sorted(bound, side="left") if window.rows.height else 0 for window in windows]
        if any(counts):
            break
        first.more()
    taken = [window.take(count) for window, count in zip(windows, counts, strict=True)]
    return pl.concat([frame for frame in taken if frame.height]).sort(by, maintain_order=True)
