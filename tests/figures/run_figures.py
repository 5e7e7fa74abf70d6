"""A small run with two funds, a reset and a book, and how its figures' tables are read back."""

import csv
import io
from pathlib import Path
from typing import Any

import marketsim
from tests.simulation.worlds import DOWN, UP, world

RECORD = {"quotes": "1s", "marks": "10s", "tokens": "10s", "depth": {"bps": ["5", "10", "25"], "every": "30s"}}


def small_run(out: Path) -> Path:
    """An hour around midnight with a +3 and a -3 fund that reset at 00:02."""
    made = world(tokens=[UP, DOWN], duration="45min", clock={"warmup": "10min"}, record=RECORD)
    return Path(marketsim.run(made, out=out, report=False).path)


def rows_of(table: str, panel: str, series: str | None = None) -> list[dict[str, Any]]:
    """The rows of one panel of a figure's CSV (of one series), numbers as numbers, an empty place as None."""
    found = [row for row in csv.DictReader(io.StringIO(table)) if row["panel"].startswith(panel)]
    chosen = [row for row in found if series is None or row["series"] == series]
    return [{name: _value(text) for name, text in row.items()} for row in chosen]


def _value(text: str) -> str | float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return text
