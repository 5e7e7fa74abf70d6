"""A study as its report sees it: what was declared, the tables it has so far, and the axis of charts over its cells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from marketsim.analysis.study_effects.effect_row import EffectRow
from marketsim.datasets.study import Study
from marketsim.report import numbers

MOST_ROWS = 60
"""Rows of a table of cells; what is left out is counted beneath it."""

_MOST_SERIES = 8
"""As many as the palette distinguishes."""


@dataclass(frozen=True)
class CellAxis:
    """The horizontal axis of a chart over cells: its title, and the position of each cell that has one."""

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
    def hypotheses(self) -> pl.DataFrame | None:
        """Registered hypotheses with their verdicts, None where the registration asks for none."""
        return self._table("hypotheses")

    @cached_property
    def clock_schedules(self) -> pl.DataFrame | None:
        """The schedules of a game of clocks, None where the registration asks for none."""
        return self._table("clock_schedules")

    @cached_property
    def clock_game(self) -> pl.DataFrame | None:
        """The prices of a game of clocks, None where the registration asks for none."""
        return self._table("clock_game")

    @cached_property
    def headlines(self) -> pl.DataFrame | None:
        """Headlines where the world is another, None where the registration asks for none."""
        return self._table("headlines")

    @cached_property
    def holding(self) -> pl.DataFrame | None:
        """Holders of tokens against perpetual positions, None where the study compares none."""
        return self._table("holding")

    @cached_property
    def sensitivity(self) -> pl.DataFrame | None:
        """Which of the varied values matter, None where the study does not ask for it."""
        return self._table("sensitivity")

    def _table(self, name: str) -> pl.DataFrame | None:
        file = f"{name}.parquet"
        frame = self.study.read(file) if (self.study.path / file).is_file() else None
        return None if frame is None or frame.is_empty() else frame

    def differences(self, measure: str, arm: str | None = None) -> list[EffectRow]:
        """The effects of arms (of `arm`) on a measure against the baseline, by cell."""
        rows = self.rows_against(measure, self.study.spec.baseline_arm)
        return [row for row in rows if arm is None or row.arm == arm]

    def rows_against(self, measure: str, versus: str | None) -> list[EffectRow]:
        """The rows of arms against one of them, or (None) of arms alone, by cell."""
        if self.effects is None:
            return []
        wanted = (pl.col("measure") == measure) & pl.col("versus").eq_missing(pl.lit(versus, pl.String))
        return rows_of(self.effects.filter(wanted).sort("cell", "arm", maintain_order=True))

    def levels(self, measure: str) -> list[EffectRow]:
        """The values of arms alone, by cell."""
        return self.rows_against(measure, None)

    @cached_property
    def axis(self) -> CellAxis:
        """What charts are drawn over: the crowding number, else the varied quantity, else the cell."""
        if self.crowding is not None:
            first = self.crowding.filter(horizon=self.crowding["horizon"][0]).unique("cell", keep="first")
            return CellAxis("crowding number at the end of the resets", _pairs(first, "crowding_number"))
        path = self._widest
        if path is not None and f"{path}:value" in self.design.columns:
            return CellAxis(path, _pairs(self.design, f"{path}:value"))
        return CellAxis("cell", {int(cell): float(cell) for cell in self.design["cell"]})

    @cached_property
    def paths(self) -> list[str]:
        """The varied paths, in their order."""
        return [name for name in self.design.columns if name != "cell" and ":" not in name]

    def settings(self, cell: int) -> str:
        """What a cell sets, in words: `aum 8 MUSDT`; nothing where nothing is varied."""
        (of_cell,) = self.design.filter(cell=cell).to_dicts()
        last = [path.rsplit(".", 1)[-1] for path in self.paths]
        names = last if len(set(last)) == len(last) else self.paths
        return ", ".join(f"{name} {_short(of_cell[path])}" for name, path in zip(names, self.paths, strict=True))

    @cached_property
    def _widest(self) -> str | None:
        """The path charts are drawn over: a quantity before a word, then the one with most values, then the first."""
        known = set(self.design.columns)
        return max(self.paths, key=lambda path: (f"{path}:value" in known, self.design[path].n_unique()), default=None)

    @cached_property
    def worlds(self) -> dict[int, str]:
        """What a cell sets besides the path on the axis, in words; empty where that is nothing, or too many values."""
        beside = [path for path in self.paths if path != self._widest]
        last = [path.rsplit(".", 1)[-1] for path in beside]
        names = last if len(set(last)) == len(last) else beside
        told = {
            int(row["cell"]): ", ".join(f"{name} {row[path]}" for name, path in zip(names, beside, strict=True))
            for row in self.design.to_dicts()
        }
        return told if beside and len(set(told.values())) <= _MOST_SERIES else {}


def _short(value: object) -> str:
    """A value of a cell for a sentence: money of a sample, 8000000 USDT, in millions."""
    money = re.fullmatch(r"(\d{4,}(?:\.\d+)?) ([A-Z]\w*)", str(value))
    if money is None:
        return str(value)
    amount, unit = numbers.scaled(float(money[1]), money[2]).split()
    return f"{amount.rstrip('0').rstrip('.') if '.' in amount else amount} {unit}"


def rows_of(effects: pl.DataFrame) -> list[EffectRow]:
    """Rows of effects.parquet, one by one."""
    return [EffectRow(**row) for row in effects.iter_rows(named=True)]


def _pairs(frame: pl.DataFrame, column: str) -> dict[int, float]:
    return {int(cell): float(value) for cell, value in frame.select("cell", column).drop_nulls().iter_rows()}
