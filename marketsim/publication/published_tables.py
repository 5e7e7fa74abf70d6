"""The tables of a package: those of the runs, labelled, and the package's own, with what each column means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from marketsim.datasets.tables import TABLES, Column, Table
from marketsim.publication.labels import AxisColumn, label_columns

Type = Literal["int64", "float64", "text", "bool", "instant"]


@dataclass(frozen=True)
class PublishedColumn:
    """One column: `dtype` is a type of the runs' tables or `instant` (UTC, ns); null says what a null means."""

    name: str
    dtype: Type
    unit: str
    meaning: str
    null: str = ""
    values: tuple[str, ...] = ()

    @classmethod
    def of(cls, column: Column) -> PublishedColumn:
        """A column of a run's table as it is published."""
        return cls(column.name, column.dtype, column.unit, column.meaning, column.null, column.values)


@dataclass(frozen=True)
class PublishedTable:
    """One table: its columns in order, those that tell its rows apart (there may be none), and how its rows stand."""

    name: str
    description: str
    columns: tuple[PublishedColumn, ...]
    keys: tuple[str, ...]
    sort: tuple[str, ...]

    @classmethod
    def from_object(cls, told: dict[str, Any]) -> PublishedTable:
        """The table that `package.json` tells of."""
        columns = tuple(
            PublishedColumn(**{**column, "values": tuple(column.get("values", ()))}) for column in told["columns"]
        )
        return cls(told["name"], told["description"], columns, tuple(told["keys"]), tuple(told["sort"]))


T_UTC = PublishedColumn("t_utc", "instant", "UTC", "t_ns as a calendar instant")


def run_tables(axes: Sequence[AxisColumn], has_forks: bool) -> tuple[PublishedTable, ...]:
    """The tables of runs as they are published: labels first, `t_utc` beside `t_ns`, rows of all runs."""
    labels = tuple(PublishedColumn.of(column) for column in label_columns(axes, has_forks))
    return tuple(_published(table, labels) for table in TABLES.values())


def time_column(table: Table) -> str | None:
    """The instant by which a table's rows stand in their run; None where they stand by something else."""
    return table.sort[0] if table.sort[0].endswith("_ns") else None


def _published(table: Table, labels: tuple[PublishedColumn, ...]) -> PublishedTable:
    columns: list[PublishedColumn] = []
    for column in table.columns:
        columns.append(PublishedColumn.of(column))
        if column.name == "t_ns":
            columns.append(T_UTC)
    by_time = time_column(table)
    sort = ("cell", "replication", *((by_time,) if by_time else ()), "arm")
    keys = ("run_id", *table.keys) if table.keys else ()
    return PublishedTable(table.name, table.description, (*labels, *columns), keys, sort)
