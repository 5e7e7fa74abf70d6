"""Columns as they come, checked against the dictionary and brought to the one form that is hashed and written.

Canonical are: int64 and bool arrays; float64 arrays without infinities and without a negative zero, in which a NaN is a
null; and `CodedText`. Whatever the dictionary does not allow raises `ResultError` with table and column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marketsim.datasets.tables import Column, Kind, Table
from marketsim.errors import ResultError

Array = NDArray[Any]
Given = Any
"""What a producer may give for a column: a NumPy array, a list, a polars Series, or a `CodedText`."""


@dataclass(frozen=True)
class CodedText:
    """A column of text as codes (n,) of any integer type into `texts`; the code -1 is a null."""

    codes: NDArray[np.integer[Any]]
    texts: Sequence[str]

    def __len__(self) -> int:
        return len(self.codes)


def _refuse(table: Table, column: Column, problem: str) -> NoReturn:
    allowed = f"{column.dtype}" + (f", null means {column.null}" if column.may_be_null else ", never null")
    raise ResultError(f"table {table.name}, column {column.name}: {problem}; allowed: {allowed}")


def _whole(table: Table, column: Column, given: Given) -> Array:
    values = np.asarray(given)
    if values.size == 0:
        return np.zeros(0, np.int64)
    if values.dtype.kind not in "iu" or (values.dtype == np.uint64 and values.max() > np.iinfo(np.int64).max):
        _refuse(table, column, f"got {values.dtype} where whole numbers within int64 are due, e.g. {values.flat[0]!r}")
    return np.ascontiguousarray(values, np.int64)


def _number(table: Table, column: Column, given: Given) -> Array:
    if isinstance(given, (list, tuple)):
        given = [np.nan if value is None else value for value in given]
    values = np.asarray(given)
    if values.size and values.dtype.kind not in "iuf":
        _refuse(table, column, f"got {values.dtype} where numbers are due, e.g. {values.flat[0]!r}")
    values = values.astype(np.float64) + 0.0  # -0 + 0 is 0
    if not column.may_be_null and not np.isfinite(values).all():
        _refuse(table, column, f"row {np.flatnonzero(~np.isfinite(values))[0]} is missing, not a number or infinite")
    if column.may_be_null and np.isinf(values).any():
        _refuse(table, column, f"row {np.flatnonzero(np.isinf(values))[0]} is infinite")
    return values


def _truth(table: Table, column: Column, given: Given) -> Array:
    values = np.asarray(given)
    if values.size == 0:
        return np.zeros(0, np.bool_)
    if values.dtype.kind != "b":
        _refuse(table, column, f"got {values.dtype} where true and false are due, e.g. {values.flat[0]!r}")
    return np.ascontiguousarray(values)


def _coded(table: Table, column: Column, given: Given) -> CodedText:
    """Any texts as codes into the different ones."""
    if isinstance(given, CodedText):
        return given
    try:
        series = pl.Series(given.tolist() if isinstance(given, np.ndarray) else given, dtype=pl.String)
    except TypeError:
        _refuse(table, column, "got values that are not text")
    texts = series.drop_nulls().unique(maintain_order=True)
    if not len(texts):
        return CodedText(np.full(len(series), -1), ())
    codes = series.cast(pl.Enum(texts)).to_physical().cast(pl.Int64).fill_null(-1)
    return CodedText(codes.to_numpy(), texts.to_list())


def _text(table: Table, column: Column, given: Given) -> CodedText:
    text = _coded(table, column, given)
    if len(text):
        lowest, highest = int(text.codes.min()), int(text.codes.max())
        if lowest < -1 or highest >= len(text.texts):
            _refuse(table, column, f"codes {lowest} to {highest} do not fit its {len(text.texts)} texts")
        if lowest < 0 and not column.may_be_null:
            _refuse(table, column, f"row {np.flatnonzero(text.codes < 0)[0]} is missing")
    if column.values and (strangers := set(text.texts) - set(column.values)):
        _refuse(table, column, f"{min(strangers)!r} is not one of {', '.join(column.values)}")
    return text


_FORMS: dict[Kind, Callable[[Table, Column, Given], Array | CodedText]] = {
    "int64": _whole,
    "float64": _number,
    "bool": _truth,
    "text": _text,
}


def canonical(table: Table, columns: Mapping[str, Given]) -> dict[str, Array | CodedText]:
    """The columns in the dictionary's order and form; raises `ResultError` where they are not as it says."""
    if columns.keys() != set(table.names):
        missing, strange = set(table.names) - columns.keys(), columns.keys() - set(table.names)
        raise ResultError(
            f"table {table.name}: missing columns {', '.join(sorted(missing)) or 'none'}; "
            f"unknown columns {', '.join(sorted(strange)) or 'none'}; allowed: {', '.join(table.names)}"
        )
    checked = {column.name: _FORMS[column.dtype](table, column, columns[column.name]) for column in table.columns}
    lengths = {name: len(values) for name, values in checked.items()}
    if len(set(lengths.values())) > 1:
        raise ResultError(f"table {table.name}: columns of different lengths: {lengths}")
    return checked
