"""The command about facts: those of a run or of a file of real data, beside what real markets show."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import click

from marketsim.cli.options import json_flag
from marketsim.cli.output import print_json, printable, say

if TYPE_CHECKING:
    from marketsim.analysis.stylised_facts import FactsTable

_NARROWEST = 120
_WIDTH = 190  # where there is no terminal
_WRAPPED = ("source", "remark")
_HEADINGS = ("fact", "value", "95 % interval", "real markets", "verdict", "source", "remark")


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--market", metavar="ID", help="Which market of a run, or which asset of a file of several.")
@click.option("--as", "kind", type=click.Choice(["btc", "alt"]), help="Which reference ranges; else by what is traded.")
@click.option(
    "--quotes", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Quotes beside a file of trades."
)
@json_flag
@click.option("--csv", "as_csv", is_flag=True, help="CSV on stdout.")
def facts(path: Path, market: str | None, kind: str | None, quotes: Path | None, as_json: bool, as_csv: bool) -> None:
    """Show stylised facts of a run, or of a file of real trades, quotes or bars.

    Each with its interval, beside the range of real markets and its source. What was not recorded is said row by row.
    """
    from marketsim.analysis import stylised_facts

    found = stylised_facts.facts(path, market=market, kind=kind, quotes=quotes)  # type: ignore[arg-type]
    if as_json:
        print_json(found.as_dict())
    elif as_csv:
        say(found.frame().write_csv().rstrip("\n"))
    else:
        say(found.sentence)
        say(_printed(found))


def _printed(found: FactsTable) -> str:
    """The table as text."""
    from rich.console import Console
    from rich.table import Table

    from marketsim.report.numbers import plain

    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, no_wrap=heading not in _WRAPPED)
    group = ""
    for row in found.rows:
        if row.group != group:
            group = row.group
            table.add_row()
            table.add_row(group.upper())
        interval = "" if row.lo is None else f"[{plain(row.lo, 2)}, {plain(row.hi, 2)}]"
        value = "" if row.value is None else f"{plain(row.value)} {row.unit}".rstrip()
        reference = f"{row.reference} {row.unit}".rstrip() if row.reference else ""
        remark = "; ".join(filter(None, (row.note, row.interval)))
        cells = (row.fact, value, interval, reference, row.verdict, row.source, remark)
        table.add_row(*(printable(cell).replace("[", "\\[") for cell in cells))
    text = io.StringIO()
    columns = max(_NARROWEST, get_terminal_size().columns) if sys.stdout.isatty() else _WIDTH
    Console(file=text, width=columns, color_system=None, legacy_windows=False).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())
