"""Scoring an answer: macro-F1 of the rule, log error and coverage of the assets, minutes of the clock.

Macro-F1 is the mean over the rules that are true of at least one run of 2 TP / (2 TP + FP + FN) (van Rijsbergen 1979),
`none` among them. The log error is the median of |ln(estimate / truth)| over runs with a fund; runs for which no
estimate was given count as missed, and their share is told. Coverage is the share of these runs whose interval holds
the truth. The clock's error is the median circular distance [minutes] over runs whose fund has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import log
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import polars as pl

from marketsim.errors import UsageError
from marketsim.publication.blind.labels import NO_FUND
from marketsim.units import NS_PER_DAY, time_of_day_ns

COLUMNS = ("run", "rule", "clock_utc", "aum", "aum_lo", "aum_hi")
MINUTES_PER_DAY = 1440
_NS_PER_MINUTE = NS_PER_DAY // MINUTES_PER_DAY
CHANCE_DRAWS = 400


@dataclass(frozen=True)
class Score:
    """The score of an answer on a set of runs; None where no run of the set asks for it."""

    runs: int
    macro_f1: float
    aum_log_error: float | None
    aum_missed: float | None
    aum_coverage: float | None
    clock_minutes: float | None
    clock_missed: float | None

    def as_object(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def read_submission(path: Path, runs: Sequence[str]) -> pl.DataFrame:
    """An answer in Parquet or CSV, a row for each of `runs`, in their order; raises `UsageError` for what is wrong."""
    try:
        found = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UsageError(f"{path} is no Parquet or CSV file: {str(error).splitlines()[0]}") from error
    if missing := [name for name in COLUMNS if name not in found.columns]:
        raise UsageError(f"{path}: no column {missing[0]}; allowed: {', '.join(COLUMNS)}")
    numbers = [pl.col(name).cast(pl.Float64, strict=False).fill_nan(None) for name in COLUMNS[3:]]
    found = found.select(*(pl.col(name).cast(pl.String) for name in COLUMNS[:3]), *numbers)
    told = found["run"].to_list()
    if twice := next((run for run in told if told.count(run) > 1), None) if len(told) != len(set(told)) else None:
        raise UsageError(f"{path}: run {twice} is answered twice")
    if absent := sorted(set(runs) - set(told)):
        raise UsageError(f"{path}: {len(absent)} runs are not answered, {absent[0]} among them")
    if strange := sorted(set(told) - set(runs), key=str):
        raise UsageError(f"{path}: {strange[0]!r} is no test run of this dataset")
    for row in found.iter_rows(named=True):
        _check(path, row)
    return pl.DataFrame({"run": list(runs)}).join(found, on="run", how="left", maintain_order="left")


def _check(path: Path, row: dict[str, Any]) -> None:
    if row["rule"] is None:
        raise UsageError(f"{path}: run {row['run']} has no rule; `{NO_FUND}` says that there is no fund")
    if row["aum"] is not None and not row["aum"] > 0:
        raise UsageError(f"{path}: run {row['run']}: aum is {row['aum']}; allowed: above 0, or none")
    if row["clock_utc"] not in (None, ""):
        try:
            time_of_day_ns(row["clock_utc"])
        except Exception as error:
            raise UsageError(f"{path}: run {row['run']}: clock_utc is {row['clock_utc']!r}; allowed: HH:MM") from error


def score(truth: pl.DataFrame, answer: pl.DataFrame) -> Score:
    """The score of an answer, row by row beside the truth (columns of `labels.LABELS`)."""
    rules, told = truth["rule"].to_list(), answer["rule"].to_list()
    errors, held, asked = [], [], 0
    distances, clocks = [], 0
    for true, said in zip(truth.iter_rows(named=True), answer.iter_rows(named=True), strict=True):
        if true["aum"] is not None:
            asked += 1
            if said["aum"] is not None:
                errors.append(abs(log(said["aum"] / true["aum"])))
            lo, hi = said["aum_lo"], said["aum_hi"]
            held.append(lo is not None and hi is not None and lo <= true["aum"] <= hi)
        if true["clock_utc"] is not None:
            clocks += 1
            if said["clock_utc"]:
                distances.append(circular_minutes(said["clock_utc"], true["clock_utc"]))
    return Score(
        runs=len(rules),
        macro_f1=macro_f1(rules, told),
        aum_log_error=median(errors) if errors else None,
        aum_missed=1 - len(errors) / asked if asked else None,
        aum_coverage=mean(held) if held else None,
        clock_minutes=median(distances) if distances else None,
        clock_missed=1 - len(distances) / clocks if clocks else None,
    )


def macro_f1(truth: Sequence[str], told: Sequence[str]) -> float:
    """The mean over the true classes of F1 (n,), (n,)."""
    found = []
    for rule in sorted(set(truth)):
        both = sum(t == rule and s == rule for t, s in zip(truth, told, strict=True))
        either = sum(t == rule for t in truth) + sum(s == rule for s in told)
        found.append(2 * both / either)
    return mean(found)


def circular_minutes(a: str, b: str) -> float:
    """How far two times of day are apart, the shorter way round [minutes]."""
    apart = abs(time_of_day_ns(a) - time_of_day_ns(b)) / _NS_PER_MINUTE
    return min(apart, MINUTES_PER_DAY - apart)


def chance(train: pl.DataFrame, test: pl.DataFrame, seed: int = 1) -> Score:
    """What an answer drawn from the training labels scores, the mean of many draws: it has seen no tape."""
    source = np.random.Generator(np.random.PCG64(seed))
    assets = train["aum"].drop_nulls().to_list()
    clocks = train["clock_utc"].drop_nulls().to_list()
    scores = []
    for _ in range(CHANCE_DRAWS):
        drawn = train["rule"].gather(source.integers(0, train.height, test.height)).to_list()
        rows = {
            "run": test["run"].to_list(),
            "rule": drawn,
            "clock_utc": [clocks[source.integers(len(clocks))] if clocks else None for _ in drawn],
            "aum": [assets[source.integers(len(assets))] if assets else None for _ in drawn],
            "aum_lo": [min(assets, default=None)] * len(drawn),
            "aum_hi": [max(assets, default=None)] * len(drawn),
        }
        scores.append(score(test, pl.DataFrame(rows, schema_overrides={"clock_utc": pl.String})))
    return Score(
        runs=test.height,
        macro_f1=mean(each.macro_f1 for each in scores),
        aum_log_error=_mean([each.aum_log_error for each in scores]),
        aum_missed=_mean([each.aum_missed for each in scores]),
        aum_coverage=_mean([each.aum_coverage for each in scores]),
        clock_minutes=_mean([each.clock_minutes for each in scores]),
        clock_missed=_mean([each.clock_missed for each in scores]),
    )


def _mean(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return mean(there) if there else None
