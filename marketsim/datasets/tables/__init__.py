"""The one dictionary of all tables a run leaves: names, types, units, keys, order and what a null means.

Here live the definitions and the sets of values, and nothing that reads or writes a row (that is `datasets.recorder`
and `datasets.run`). Every table of the public contract is here, also those that stay empty until their part of the
simulator exists. `marketsim tables` prints `data_dictionary()`. Importing this loads no data-frame library.
"""

from __future__ import annotations

from marketsim.datasets.tables.accounts import ACCOUNT_TABLES, EVENTS_OF_THE_WORLD, LEDGER_ENTRIES, LEDGER_ROLES
from marketsim.datasets.tables.definition import Column, Kind, Table
from marketsim.datasets.tables.markets import BOOK_SIDES, CONTRACTS, MARKET_KINDS, MARKET_TABLES, PURPOSES, SIDES
from marketsim.datasets.tables.tokens import (
    PRIMARY_SIDES,
    PRIMARY_STATUSES,
    REBALANCE_STATUSES,
    TOKEN_TABLES,
)
from marketsim.errors import UsageError

__all__ = [
    "BOOK_SIDES",
    "CONTRACTS",
    "EVENTS_OF_THE_WORLD",
    "LEDGER_ENTRIES",
    "LEDGER_ROLES",
    "MARKET_KINDS",
    "PRIMARY_SIDES",
    "PRIMARY_STATUSES",
    "PURPOSES",
    "REBALANCE_STATUSES",
    "SIDES",
    "TABLES",
    "Column",
    "Kind",
    "Table",
    "data_dictionary",
    "table_named",
]

TABLES: dict[str, Table] = {table.name: table for table in (*MARKET_TABLES, *TOKEN_TABLES, *ACCOUNT_TABLES)}


def table_named(table: str | Table) -> Table:
    """The table of that name; raises `UsageError` with the names there are."""
    if isinstance(table, Table):
        return table
    if table not in TABLES:
        raise UsageError(f"there is no table {table!r}; the tables are {', '.join(TABLES)}")
    return TABLES[table]


def _chapter(table: Table) -> list[str]:
    """One table's chapter of the data dictionary, as lines."""
    lines = [
        f"## {table.name}",
        "",
        table.description,
        "",
        f"Keys: {', '.join(table.keys) or 'none'}. Sorted by: {', '.join(table.sort)}.",
        "",
        "| column | type | unit | meaning | null |",
        "|---|---|---|---|---|",
    ]
    for column in table.columns:
        meaning = column.meaning + (f": {', '.join(column.values)}" if column.values else "")
        null = column.null or "never"
        lines.append(f"| `{column.name}` | {column.dtype} | {column.unit or '-'} | {meaning} | {null} |")
    return [*lines, ""]


def data_dictionary() -> str:
    """The data dictionary of all tables, in Markdown."""
    lines = [
        "# Tables of a run",
        "",
        "One Parquet file per table under `tables/`, empty where nothing happened. Whole numbers carry their unit in",
        "their name and are never null; an atom is 1e-8 of a currency. Positions and order targets are signed: + is",
        "long or buy. A snapshot at t is after everything at t. Rows that the sort order does not tell apart stand as",
        "they happened.",
        "",
    ]
    for table in TABLES.values():
        lines += _chapter(table)
    return "\n".join(lines)
