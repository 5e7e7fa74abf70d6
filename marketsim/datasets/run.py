"""A finished run as Python sees it: its manifest and its tables."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from marketsim.datasets.explanation.explanation import Explanation
from marketsim.datasets.explanation.of_liquidation import explain_liquidation
from marketsim.datasets.explanation.of_rebalance import explain_rebalance
from marketsim.datasets.frame import Labels, labelled, labels
from marketsim.datasets.integrity import check_file, check_table, read_json, read_manifest
from marketsim.datasets.shown import drawn
from marketsim.datasets.store import resolve_path
from marketsim.datasets.tables import table_named
from marketsim.errors import UsageError
from marketsim.scenario.quantities import read_quantity
from marketsim.units import instant_ns


class Run:
    """A run directory, or a folder that holds exactly one, opened for reading."""

    def __init__(self, path: str | Path) -> None:
        self.path = resolve_path(path, kind="run").path

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """In a notebook: the question, what happened, the key figures."""
        return str(drawn("run_summary", self))

    @property
    def plot(self) -> Any:
        """The charts of the run's page one by one, as Altair charts: `plot.price()`, `plot.nav()`, `plot.book()`."""
        return drawn("RunPlots", self)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the run was, what it counted and the hashes of its tables."""
        return read_manifest(self.path)

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """The resolved scenario that ran."""
        return read_json(check_file(self.path, self.manifest, "resolved.json"))

    def table(self, name: str) -> pl.DataFrame:
        """A table in memory; raises `UsageError` for an unknown name, `ResultError` where it is missing or damaged."""
        return pl.read_parquet(self._file(name))

    def scan(self, name: str) -> pl.LazyFrame:
        """A table to be read as far as a query needs it; raises as `table` does."""
        return pl.scan_parquet(self._file(name))

    def frame(self, name: str) -> pl.DataFrame:
        """A table with what its rows are of beside them.

        First `run_id`, `cell`, a column for each path that the cell sets (as scenario files write it, and as a number
        in `PATH:value` where it is a quantity), `replication`, `arm`, `fork_ns` and `jump` (null of a whole run), then
        `t_utc`, where the table dates its rows, then the table's columns. `.to_pandas()` makes a pandas frame of it.
        Raises as `table` does.
        """
        manifest = self.manifest
        fork = manifest.get("fork") or {}
        over = dict(manifest.get("over") or {})
        known = [underlying["id"] for underlying in self.resolved["underlyings"]]
        quantities = {path: read_quantity(value, known) for path, value in over.items()}
        beside = labels(
            run_id=manifest["run_id"],
            cell=manifest["cell"],
            over=over,
            amounts={path: float(quantity.amount) for path, quantity in quantities.items() if quantity is not None},
            replication=manifest["replication"],
            arm=manifest["arm"],
            fork_ns=fork.get("at_ns"),
            jump=fork.get("jump"),
        )
        return self.labelled(name, beside).collect()

    def labelled(self, name: str, beside: Labels) -> pl.LazyFrame:
        """A table with the given labels beside its rows, to be read as far as a query needs it."""
        return labelled(self.scan(name), table_named(name), beside, instant_ns(self.resolved["clock"]["start"]))

    def explain(self, table: str, number: int) -> Explanation:
        """Why one rebalance or liquidation happened as it did: the rule, the numbers, the formula, what was left.

        table: `rebalances`, whose `id` is the number, or `liquidations`, whose rows are numbered from 0. Print it, or
        take it as plain values (`as_dict()`). Raises `UsageError` for another table or where there is no such row.
        """
        explainers = {"rebalances": explain_rebalance, "liquidations": explain_liquidation}
        if table not in explainers:
            raise UsageError(f"table: was {table!r}; allowed: {', '.join(explainers)}")
        return explainers[table](self, number)

    def _file(self, name: str) -> Path:
        return check_table(self.path, self.manifest, table_named(name).name)


def load(path: str | Path) -> Run:
    """Open a run directory, or a folder that holds exactly one."""
    return Run(path)
