"""What a table and a column are: the words in which the dictionary is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["int64", "float64", "text", "bool"]

_UNTOLD = ("words", "is_newer")
"""Fields of a column that its data leave out: `values` says the words."""


@dataclass(frozen=True)
class Column:
    """One column: its name, type, unit and meaning; `null` says what a null means, "" where none may stand.

    words: its set of values where that is closed, or a function that knows them once all kinds are known. is_newer: it
    came after tables had been stored, and counts in a table's content hash only where it has a value.
    """

    name: str
    dtype: Kind
    unit: str
    meaning: str
    null: str = ""
    words: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()
    is_newer: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """Its set of values, () where that is open."""
        return self.words if isinstance(self.words, tuple) else self.words()

    def as_data(self) -> dict[str, Any]:
        """The column as JSON has it."""
        said = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in _UNTOLD}
        return {**said, "values": list(self.values)}

    @property
    def may_be_null(self) -> bool:
        """Whether a row may leave this column empty."""
        return self.null != ""


@dataclass(frozen=True)
class Table:
    """One table: its columns in order, the columns that tell its rows apart, and the order in which the rows stand.

    Rows come in the order of `sort`; where that does not tell two rows apart, in the order in which they happened.
    `sorted_at_close` marks the small tables whose rows are finished out of order and are sorted when the run ends; of
    the others the rows must come in the order of the first column of `sort`.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    sort: tuple[str, ...]
    sorted_at_close: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def instant(self) -> str | None:
        """The column that dates a row, None where rows have no instant."""
        return next((name for name in ("t_ns", "t_decide_ns", "t1_ns") if name in self.names), None)

    def as_data(self) -> dict[str, Any]:
        """The table as JSON has it."""
        return {**vars(self), "columns": [column.as_data() for column in self.columns]}

    def column(self, name: str) -> Column:
        """One column by its name; raises `KeyError`."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def schema(self) -> dict[str, pl.DataType]:
        """The columns' polars types, in order."""
        import polars as pl

        kinds = {"int64": pl.Int64(), "float64": pl.Float64(), "text": pl.String(), "bool": pl.Boolean()}
        return {column.name: kinds[column.dtype] for column in self.columns}

    def empty(self) -> pl.DataFrame:
        """A frame with this table's columns and no row."""
        import polars as pl

        return pl.DataFrame(schema=self.schema())


def whole(name: str, unit: str, meaning: str) -> Column:
    """A column of whole numbers: ticks, lots, atoms, nanoseconds, counts and ids; never null."""
    return Column(name, "int64", unit, meaning)


def number(name: str, unit: str, meaning: str, null: str = "") -> Column:
    """A column of floating-point numbers, finite or null."""
    return Column(name, "float64", unit, meaning, null)


def text(
    name: str, meaning: str, null: str = "", values: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()
) -> Column:
    """A column of text, with its set of values where that is closed."""
    return Column(name, "text", "", meaning, null, values)


def truth(name: str, meaning: str) -> Column:
    """A column of true and false; never null."""
    return Column(name, "bool", "", meaning)


T_NS = whole("t_ns", "ns", "instant, from the start of the clock")
MARKET = text("market", "id of the market")
TOKEN = text("token", "id of the token")
COHORT = text("cohort", "trader group, token, agent or ledger role the account belongs to")
ACCOUNT = whole("account", "id", "id of the account")
ASSET = text("asset", "currency of the atoms")
