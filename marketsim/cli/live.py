"""A run told while it goes on: rows of the slower tables as they are recorded, as JSON lines on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

LIVE_TABLES = ("marks", "tokens", "children", "rebalances", "liquidations")
"""What is told of: prices, funds, and what trades for them or against them."""


class LiveLines:
    """One line a row, `{"table": .., "row": ..}`, and one for each look at progress; what reads them may end the run.

    Where nobody reads any more the run is taken for interrupted, so that it leaves nothing.
    """

    def row(self, table: str, row: Mapping[str, Any]) -> None:
        """Tell of a row, as the table will have it."""
        if table in LIVE_TABLES:
            self._write({"table": table, "row": row})

    def progress(self, simulated_ns: int, duration_ns: int, micro_events: int) -> None:
        """Tell how far the run is, and let go of all lines so far."""
        self._write({"simulated_ns": simulated_ns, "duration_ns": duration_ns, "micro_events": micro_events})
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            raise KeyboardInterrupt("nobody reads its lines any more") from None

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            sys.stdout.write(json.dumps(line, allow_nan=False, default=_plain) + "\n")
        except BrokenPipeError:
            raise KeyboardInterrupt("nobody reads its lines any more") from None


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python's."""
    return value.item()
