"""The columns that say of which run a published row is: run, cell, replication, arm, and a column per varied path."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marketsim.datasets.tables.definition import Column, number, text, whole
from marketsim.errors import ResultError

if TYPE_CHECKING:
    import polars as pl

    from marketsim.datasets.study import Study

RUN_ID = text("run_id", "identity of the run, as in `runs`")
CELL = whole("cell", "id", "cell of the design, as in `design`")
REPLICATION = whole("replication", "id", "replication; those of all cells and arms have common random numbers")
ARM = text("arm", "arm of the study: `factual` is the world as declared")
FORK_NS = Column(
    "fork_ns", "int64", "ns", "instant at which the run was forked, from the start of the clock", null="a whole run"
)
_UNITS = {
    "number": "1",
    "duration": "s",
    "time of day": "s since midnight",
    "instant": "s since 1970",
    "rate": "fraction of one",
    "yearly rate": "fraction of one per year",
    "event rate": "1/s",
}
"""What the number beside a quantity's text counts, by its kind (`scenario.quantities`); an amount's is its currency."""


@dataclass(frozen=True)
class AxisColumn:
    """A varied path as a column: `values` by cell, numbers where the path is a quantity and texts elsewhere."""

    path: str
    column: Column
    values: tuple[float | str | None, ...]


def axis_name(path: str) -> str:
    """A path of the scenario as a column's name: `tokens.*.rebalance.at` is `tokens_all_rebalance_at`."""
    return re.sub(r"[^A-Za-z0-9]+", "_", path.replace("*", "all")).strip("_")


def axis_columns(study: Study) -> tuple[AxisColumn, ...]:
    """The study's varied paths, in the order in which it declares them; raises `ResultError` where two names clash."""
    design, columns = study.design(), []
    currencies = [underlying["id"] for underlying in study.scenario["underlyings"]]
    for path in (name for name in design.columns if name != "cell" and not name.endswith((":value", ":unit"))):
        written = design[path]
        meaning = f"what `{path}` is set to, as in `design`"
        if f"{path}:value" in design.columns:
            column = number(
                axis_name(path), _unit(written.to_list(), currencies), meaning, null="the key is absent in this cell"
            )
            columns.append(AxisColumn(path, column, tuple(design[f"{path}:value"])))
        else:
            column = text(axis_name(path), meaning, null="the key is absent in this cell")
            columns.append(AxisColumn(path, column, tuple(written)))
    names = [axis.column.name.lower() for axis in columns]
    if clash := next((name for name in names if names.count(name) > 1), None):
        raise ResultError(f"{study.path}: two varied paths would both be the column {clash}; rename an id of one")
    return tuple(columns)


def _unit(written: Sequence[str | None], currencies: Collection[str]) -> str:
    """The unit of the numbers that a design gives beside these texts."""
    from marketsim.scenario.quantities import read_quantity

    quantities = (read_quantity(each, currencies) for each in written if each is not None)
    quantity = next((quantity for quantity in quantities if quantity is not None), None)
    if quantity is None:
        return ""
    return quantity.unit if quantity.kind == "amount" else _UNITS[quantity.kind]


def label_columns(axes: Sequence[AxisColumn], has_forks: bool) -> tuple[Column, ...]:
    """The columns that stand before those of the table."""
    return (RUN_ID, CELL, REPLICATION, ARM, *((FORK_NS,) if has_forks else ()), *(axis.column for axis in axes))


def labels_of(run: Mapping[str, Any], axes: Sequence[AxisColumn], has_forks: bool) -> dict[str, Any]:
    """What the label columns hold in every row of one run; `run` is a row of `Study.runs`."""
    labels: dict[str, Any] = {name: run[name] for name in ("run_id", "cell", "replication", "arm")}
    if has_forks:
        labels["fork_ns"] = run["fork_ns"]
    return labels | {axis.column.name: axis.values[run["cell"]] for axis in axes}


def literals(labels: Mapping[str, Any], columns: Sequence[Column]) -> list[pl.Expr]:
    """The labels as constant columns of their declared types."""
    import polars as pl

    types: dict[str, pl.DataType] = {
        "int64": pl.Int64(),
        "float64": pl.Float64(),
        "text": pl.String(),
        "bool": pl.Boolean(),
    }
    return [pl.lit(labels[column.name], types[column.dtype]).alias(column.name) for column in columns]
