"""A study as its report sees it: what was declared, the tables it has so far, and where each cell stands in a chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from marketsim.datasets.study import Study

MOST_ROWS = 60
"""Rows of a table of cells; what is left out is counted beneath it."""

_MOST_SERIES = 8
"""As many as the palette tells apart."""


@dataclass(frozen=True)
class Axis:
    """The horizontal axis of a chart over cells: its title and where each cell stands; cells without a place lack."""

    title: str
    places: Mapping[int, float]


@dataclass(frozen=True)
class StudyRecord:
    """One study directory, opened for reading; tables that are not there yet are None, never an error."""

    study: Study

    @property
    def title(self) -> str:
        """The question the study asks, or its name where it asks none."""
        return str(self.study.scenario.get("title") or self.study.declared["name"])

    @cached_property
    def runs(self) -> pl.DataFrame:
        """What became of every planned run and every fork."""
        return self.study.runs()

    @cached_property
    def design(self) -> pl.DataFrame:
        """A row per cell: what each path is set to."""
        return self.study.design()

    @cached_property
    def effects(self) -> pl.DataFrame | None:
        """Paired differences, None before they are computed."""
        return self._table("effects")

    @cached_property
    def crowding(self) -> pl.DataFrame | None:
        """Crowding numbers of the cells, None where the study measures none."""
        return self._table("crowding")

    @cached_property
    def holding(self) -> pl.DataFrame | None:
        """Holders of tokens beside their ghosts, None where the study compares none."""
        return self._table("holding")

    def _table(self, name: str) -> pl.DataFrame | None:
        path = self.study.path / f"{name}.parquet"
        frame = pl.read_parquet(path) if path.is_file() else None
        return None if frame is None or frame.is_empty() else frame

    def differences(self, measure: str, arm: str | None = None) -> list[dict[str, Any]]:
        """The effects of arms (of `arm`) on a measure, by cell; levels of single arms are no effects."""
        if self.effects is None:
            return []
        wanted = (pl.col("measure") == measure) & pl.col("versus").is_not_null()
        if arm is not None:
            wanted &= pl.col("arm") == arm
        return self.effects.filter(wanted).sort("cell", "arm", maintain_order=True).to_dicts()

    @cached_property
    def probes(self) -> pl.DataFrame | None:
        """Crowding numbers by probes: a row per cell and horizon (a cell's markets share its number)."""
        if self.crowding is None:
            return None
        found = self.crowding.filter((pl.col("method") == "probes") & pl.col("crowding_number").is_not_null())
        unique = found.sort("horizon_s", "cell").unique(["horizon_s", "cell"], keep="first", maintain_order=True)
        return None if unique.is_empty() else unique

    @cached_property
    def axis(self) -> Axis:
        """What charts over cells have below them: the crowding number, else the varied quantity, else the cell."""
        if self.probes is not None:
            last = self.probes.group_by("cell", maintain_order=True).last()
            return Axis("crowding number at the longest horizon", _pairs(last, "crowding_number"))
        path = self._widest
        if path is not None and f"{path}:value" in self.design.columns:
            return Axis(path, _pairs(self.design, f"{path}:value"))
        return Axis("cell", {int(cell): float(cell) for cell in self.design["cell"]})

    @cached_property
    def paths(self) -> list[str]:
        """The varied paths, in their order."""
        return [name for name in self.design.columns if name != "cell" and ":" not in name]

    @cached_property
    def _widest(self) -> str | None:
        """The path a chart is over: a quantity before a word, then the one with most values, then the first."""
        known = set(self.design.columns)
        return max(self.paths, key=lambda path: (f"{path}:value" in known, self.design[path].n_unique()), default=None)

    @cached_property
    def worlds(self) -> dict[int, str]:
        """What a cell has beside the path a chart is over, in words; empty where nothing, or too much, is beside it."""
        beside = [path for path in self.paths if path != self._widest]
        last = [path.rsplit(".", 1)[-1] for path in beside]
        names = last if len(set(last)) == len(last) else beside
        told = {
            int(row["cell"]): ", ".join(f"{name} {row[path]}" for name, path in zip(names, beside, strict=True))
            for row in self.design.to_dicts()
        }
        return told if beside and len(set(told.values())) <= _MOST_SERIES else {}


def _pairs(frame: pl.DataFrame, column: str) -> dict[int, float]:
    return {int(cell): float(value) for cell, value in frame.select("cell", column).drop_nulls().iter_rows()}
