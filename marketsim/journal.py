"""The journal: rows that processes write as things happen, kept until the record takes them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any


class Journal:
    """Rows by table, in the order written; `take` empties them. Thousands of rows a run come here, not millions."""

    def __init__(self) -> None:
        self._rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.counts: defaultdict[str, int] = defaultdict(int)

    def add(self, table: str, **row: Any) -> None:
        """Write one row of `table`."""
        self._rows[table].append(row)
        self.counts[table] += 1

    def take(self) -> dict[str, list[dict[str, Any]]]:
        """Hand over all rows written since the last call."""
        rows, self._rows = self._rows, defaultdict(list)
        return dict(rows)
