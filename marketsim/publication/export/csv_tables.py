"""The tables of a run that a market has rows in, as CSV with a header, columns as in the data dictionary."""

from __future__ import annotations

from pathlib import Path

from marketsim.datasets.tables import TABLES
from marketsim.publication.export.exported_market import ExportedMarket


def write_csv_tables(market: ExportedMarket, folder: Path) -> list[Path]:
    """Write a file for each table with a column `market`; returns where they are."""
    written = []
    for name, table in TABLES.items():
        if "market" in table.names:
            path = folder / f"{market.market}-{name}.csv"
            market.scan(name).sink_csv(path)
            written.append(path)
    return written
