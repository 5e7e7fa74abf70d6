"""A study as its figures read it: rows of its effects, what its cells set, and who was compared with whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import polars as pl

from marketsim.analysis.inference.intervals import FEWEST, LEVEL
from marketsim.analysis.study_effects.effect_row import EffectRow
from marketsim.datasets.study import Study
from marketsim.figures.picture import Axis, LeftOut
from marketsim.scenario.quantities import read_quantity

_FIELDS = [field.name for field in fields(EffectRow)]
_NEEDED = ("cell", "market", "measure", "unit", "arm", "versus", "pairs", "estimate", "lo", "hi", "method")
_UNITS = {"duration": "s", "time of day": "s since midnight", "instant": "s since 1970", "event rate": "1/s",
          "yearly rate": "1/yr"}  # fmt: skip
_LOG_FROM = 20
"""Positive values that far apart have a logarithmic axis."""


@dataclass(frozen=True)
class StudySource:
    """One study, opened for its figures."""

    study: Study

    def table(self, name: str, *columns: str) -> pl.DataFrame:
        """A table of the study that has rows; raises `LeftOut` where it has not got them.

        Raises `DamagedResultError` where the file is not what was written.
        """
        if not (self.study.path / f"{name}.parquet").is_file():
            raise LeftOut(f"the study has no {name}.parquet")
        frame = self.study.read(f"{name}.parquet")
        lacking = [column for column in columns if column not in frame.columns]
        if lacking:
            raise LeftOut(f"its {name}.parquet has no {', '.join(lacking)}: an older version made the study")
        if frame.is_empty():
            raise LeftOut(f"its {name}.parquet has no row")
        return frame

    @cached_property
    def effects(self) -> list[EffectRow]:
        """Every row of effects.parquet, by cell; raises `LeftOut` before they are computed."""
        frame = self.table("effects", *_NEEDED).sort("cell", maintain_order=True)
        known = frame.select(name for name in _FIELDS if name in frame.columns)
        return [EffectRow(**row) for row in known.iter_rows(named=True)]

    def differences(self, measure: str) -> list[EffectRow]:
        """The rows of a measure against the baseline that have an estimate and no jump before their fork, by cell."""
        return [row for row in self._of(measure) if row.versus == self.baseline]

    def values(self, measure: str) -> list[EffectRow]:
        """The rows of a measure of arms by themselves that have an estimate, by cell."""
        return [row for row in self._of(measure) if row.versus is None]

    def _of(self, measure: str) -> list[EffectRow]:
        named = [row for row in self.effects if row.measure == measure]
        return [row for row in named if row.estimate is not None and row.jump is None]

    @property
    def baseline(self) -> str:
        """The arm that others are compared with."""
        return self.study.spec.baseline_arm

    @property
    def primary(self) -> str:
        """The outcome registered before the runs; raises `LeftOut` for a study without one."""
        if self.study.spec.primary is None:
            raise LeftOut("the study registered no outcome (study.primary)")
        return str(self.study.spec.primary)

    @cached_property
    def design(self) -> pl.DataFrame:
        """A row a cell: what each path is set to."""
        return self.study.design()

    @cached_property
    def paths(self) -> list[str]:
        """The varied paths, in their order."""
        return [name for name in self.design.columns if name != "cell" and ":" not in name]

    def short(self, path: str) -> str:
        """A path by its last part, where that tells it from the others."""
        last = path.rsplit(".", 1)[-1]
        return last if [each.rsplit(".", 1)[-1] for each in self.paths].count(last) == 1 else path

    def settings(self, cell: int, paths: Iterable[str] | None = None) -> str:
        """What a cell sets, of `paths` or of all, in words: `aum 8 MUSDT`; nothing where nothing is varied."""
        (row,) = self.design.filter(pl.col("cell") == cell).to_dicts()
        return ", ".join(f"{self.short(path)} {row[path]}" for path in (self.paths if paths is None else paths))

    @cached_property
    def widest(self) -> str | None:
        """The path that outcomes are drawn over: a quantity, the one with most values; None where none has two."""
        quantities = [path for path in self.paths if f"{path}:value" in self.design.columns]
        varied = {path: count for path in quantities if (count := self.design[path].n_unique()) > 1}
        return max(varied, key=lambda path: varied[path], default=None)

    def axis_of(self, path: str) -> tuple[Axis, Mapping[int, float]]:
        """The axis of a varied quantity, and where each cell stands on it."""
        cells = self.design.select("cell", f"{path}:value").drop_nulls().iter_rows()
        places = {int(cell): float(value) for cell, value in cells}
        unit = self._unit(path)
        spread = [place for place in places.values() if place > 0]
        is_log = len(spread) == len(places) and max(spread) > _LOG_FROM * min(spread)
        return Axis(f"{self.short(path)}{f' [{unit}]' if unit else ''}", "log" if is_log else "number"), places

    def _unit(self, path: str) -> str:
        """The unit of a varied quantity as `scenario.quantities` counts it; nothing for a pure number."""
        known = [underlying["id"] for underlying in self.study.scenario["underlyings"]]
        quantity = read_quantity(self.design[path][0], known)
        if quantity is None:
            return ""
        return quantity.unit if quantity.kind == "amount" else _UNITS.get(quantity.kind, "")

    def provenance(self) -> list[str]:
        """Which study it was, of which world, by which code, and what its tables hold, as sentences."""
        declared = self.study.declared
        get = declared.get
        runs = self.study.runs()["status"].value_counts()
        counts: dict[str, Any] = dict(runs.iter_rows())
        done = f"{counts.get('ok', 0):,} of {sum(counts.values()):,} runs done"
        failed = counts.get("failed", 0) + counts.get("damaged", 0)
        size = f"{counted(get('cells'), 'cell')}, {counted(get('replications'), 'replication')}"
        return [
            f"Study {get('study_id')} of {get('name')}: {size}, arms {', '.join(get('arms', []))}; root seed"
            f" {get('seed')}; {done}{f', {failed} failed' if failed else ''}.",
            f"marketsim {declared['versions'].get('marketsim')}; scenario_sha256 {get('scenario_sha256')}.",
        ]


def counted(number: object, noun: str) -> str:
    """A number of things in words."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def pairs_and_interval(rows: Sequence[EffectRow], *, drawn: bool = True) -> str:
    """What a caption says of some estimates: from how many replications, with which interval, what was left out.

    drawn: whether the figure shows the intervals.
    """
    pairs = sorted({row.pairs for row in rows})
    n = str(pairs[0]) if len(pairs) == 1 else f"{pairs[0]} to {pairs[-1]}"
    said = f"n = {n} replication{'' if pairs[-1] == 1 else 's'}"
    said += ", in each of which arm and baseline share their draws" if rows[0].versus is not None else ""
    methods = sorted({row.method for row in rows if row.lo is not None})
    without = sum(row.lo is None for row in rows)
    said += f"; {LEVEL:.0%} intervals by {', '.join(methods)}" if methods else "; no intervals"
    coverage = [row.coverage for row in rows if row.coverage is not None and row.lo is not None]
    if coverage:
        said += f", measured to cover {min(coverage):.0%} or more at so few replications"
    if without and drawn:
        which = "hollow markers have none" if methods else "markers are hollow"
        said += f" ({which}: an interval takes {FEWEST} replications)"
    lost = [(sum(getattr(row, name) for row in rows), name) for name in ("failed", "collapsed")]
    said += "".join(f"; {count} {name} pairs of runs are not in the estimates" for count, name in lost if count)
    return said + "."
