"""Datasets: what a run leaves on disk, written and read back.

Lives here: the one dictionary of tables (`tables`), rows on their way to Parquet (`recorder` for a run, `writer` for
one table), the kernel's log records as columns (`columns`), the hash of its content (`hashing`), the run directory that
is whole or not there (`store`), manifest and identity of a run (`provenance`), and `Run`, which reads one.
May not live here: what decides anything in a market, measures that compare runs, pages for people. Instead: rows are
made where things happen and remembered in `journal`; measures are in `analysis`; pages in `report`. polars is imported
in this room and above it, nowhere below; importing the room or its dictionary loads no data-frame library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketsim.datasets.tables import TABLES, Table, data_dictionary

if TYPE_CHECKING:
    from marketsim.datasets.run import Run, load

__all__ = ["TABLES", "Run", "Table", "data_dictionary", "load"]


def __getattr__(name: str) -> object:
    """Fetch the reader, and polars with it, when it is first asked for."""
    if name in ("Run", "load"):
        from marketsim.datasets import run

        return getattr(run, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
