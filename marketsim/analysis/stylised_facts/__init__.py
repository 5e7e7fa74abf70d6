"""Stylised facts of one market's record, of a run or of a file of real data, beside what real markets show.

`facts(path)` makes the table of either; `facts_of_run` and `facts_of_file` say which. Here live the record that the
facts read (`tape`, from a run in `run_tape`, from a file in `file_tape`), the facts by what they are about (`tails`,
`clustering`, `cont`, `order_flow`, `spread`, `hit_side`, `depth`, `response`, `volumes`, `derivatives`), their
intervals (`blocks`), the reference ranges with their sources (`references`), and the table (`table`). Not here: how a
table is printed (`cli`, `report`), measures of a study (`measures`).
"""

from __future__ import annotations

from pathlib import Path

from marketsim.analysis.stylised_facts.fact import Fact, Kind
from marketsim.analysis.stylised_facts.file_tape import tape_of_files
from marketsim.analysis.stylised_facts.run_tape import tape_of_run
from marketsim.analysis.stylised_facts.table import FactsTable, facts_of
from marketsim.datasets.run import Run
from marketsim.errors import UsageError

__all__ = ["Fact", "FactsTable", "Kind", "facts", "facts_of_file", "facts_of_run"]


def facts(
    path: str | Path, *, market: str | None = None, kind: Kind | None = None, quotes: str | Path | None = None
) -> FactsTable:
    """The facts of a run directory, or of a file of trades, quotes or bars.

    market: of a run, or the asset in a file of several. kind: the reference ranges, `btc` or `alt`; None: by what is
    traded. quotes: a second file, of the quotes of the same market, beside a file of trades. Raises `UsageError` where
    there is nothing, `DataFileError` for a file that cannot be read.
    """
    if Path(path).is_dir():
        if quotes is not None:
            raise UsageError("--quotes: is for a file of trades; a run has its own")
        return facts_of_run(Run(path), market, kind)
    return facts_of_file(path, market=market, kind=kind, quotes=quotes)


def facts_of_run(run: Run, market: str | None = None, kind: Kind | None = None) -> FactsTable:
    """The facts of one market of a run, the warm-up left out; market: None for the first of an underlying."""
    return facts_of(tape_of_run(run, market), kind)


def facts_of_file(
    path: str | Path, *, market: str | None = None, kind: Kind | None = None, quotes: str | Path | None = None
) -> FactsTable:
    """The facts of a file of trades, quotes or bars, or of a file of trades and one of quotes."""
    return facts_of(tape_of_files(Path(path), None if quotes is None else Path(quotes), market), kind)
