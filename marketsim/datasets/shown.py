"""How a run and a study show themselves in a notebook: drawn by `report`, which stands above this room.

It is looked up by its name when a chart is first asked for, and never imported with the data (ARCHITECTURE.md, D15).
"""

from __future__ import annotations

from pkgutil import resolve_name
from typing import Any

_NOTEBOOK = "marketsim.report.notebook"


def drawn(name: str, source: object) -> Any:
    """What the room of charts makes of a run or a study: `RunPlots`, `StudyPlots`, `run_summary`, `study_summary`."""
    return resolve_name(f"{_NOTEBOOK}:{name}")(source)
