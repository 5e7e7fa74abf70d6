"""The formats there are, by name, and writing one: all of its files, or none."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from marketsim.datasets.run import Run
from marketsim.datasets.storage import storing
from marketsim.publication.export.csv_tables import write_csv_tables
from marketsim.publication.export.exported_market import ExportedMarket
from marketsim.publication.export.klines import write_klines
from marketsim.publication.export.lobster import write_lobster
from marketsim.publication.export.trades import write_trades

FORMATS: dict[str, Callable[[ExportedMarket, Path], list[Path]]] = {
    "lobster": write_lobster,
    "klines": write_klines,
    "trades": write_trades,
    "csv": write_csv_tables,
}


def export(run: Run, market: str, name: str, out: Path) -> list[Path]:
    """Write a market of a run in a format of `FORMATS` into the folder `out`; returns the files, complete ones only."""
    exported = ExportedMarket(run, market)
    aside = out / f".{market}.{secrets.token_hex(4)}.building"
    with storing(out):
        aside.mkdir(parents=True)
        try:
            written = FORMATS[name](exported, aside)
            for path in written:
                path.replace(out / path.name)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return [out / path.name for path in written]
