"""An honest baseline: it reads the public tape alone, and learns three numbers from the training labels.

For each run it looks for the ten minutes, by time of day, in which the net flow of takers stands out most on all days
together (z: mean over days of |net flow| over its spread through the day). Where z is below a threshold it says `none`.
Above it, the rule is the one whose training runs have z and hour of burst nearest (the nearest neighbour of the
standardised features). The clock is the minute at which the burst begins. The assets are net flow x price over the move
since the burst of the day before, or since the tape's start, times a factor: the geometric mean of truth over this in
training, whose spread gives the interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from pathlib import Path
from statistics import mean, pstdev

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marketsim.publication.blind.labels import NO_FUND
from marketsim.publication.blind.score import macro_f1
from marketsim.units import NS_PER_DAY, format_time_of_day

MINUTE_NS = 60 * 10**9
MINUTES = 1440
WINDOW = 10
LEAST_MOVE = 1e-3
Z95 = 1.959964


@dataclass(frozen=True)
class Burst:
    """What a tape shows most: z of the burst, its minute of the day, and a first guess of the fund's assets."""

    z: float
    minute: int
    guess: float | None

    def features(self) -> tuple[float, float, float]:
        """z, and the hour on the circle of the day."""
        angle = 2 * np.pi * self.minute / MINUTES
        return (log(max(self.z, 1e-6)), float(np.cos(angle)), float(np.sin(angle)))


def burst_of(trades: pl.DataFrame, start_ns: int, lot: float) -> Burst:
    """The burst of one run's trades of one market (columns t_ns, price, size_lots, taker_side)."""
    if trades.is_empty():
        return Burst(0.0, 0, None)
    minutes = ((trades["t_ns"].to_numpy() + start_ns) // MINUTE_NS).astype(np.int64)
    first = int(minutes[0])
    signed = np.where((trades["taker_side"] == "buy").to_numpy(), 1, -1) * trades["size_lots"].to_numpy()
    flow = np.bincount(minutes - first, weights=signed.astype(float))
    price = _last_prices(minutes - first, trades["price"].to_numpy(), len(flow))
    sums = np.convolve(flow, np.ones(WINDOW), "valid") if len(flow) > WINDOW else np.zeros(1)
    spread = float(np.median(np.abs(sums))) or 1.0
    of_day = (first + np.arange(len(sums))) % MINUTES
    strength = np.bincount(of_day, np.abs(sums), MINUTES) / np.maximum(np.bincount(of_day, minlength=MINUTES), 1)
    minute = int(np.argmax(strength))
    places = np.flatnonzero(of_day == minute)
    return Burst(float(strength[minute] / spread), minute, _guess(sums, price, places, lot))


def _last_prices(minutes: NDArray[np.int64], prices: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """The last price of each minute (count,), of the one before where nothing traded."""
    found = np.full(count, np.nan)
    found[minutes] = prices
    known = np.maximum.accumulate(np.where(np.isnan(found), 0, np.arange(count)))
    return found[known]


def _guess(
    sums: NDArray[np.float64], price: NDArray[np.float64], places: NDArray[np.int64], lot: float
) -> float | None:
    """Flow in money over the move since the burst before: assets times L (L - 1), the median over days."""
    found, before = [], price[0]
    for place in places.tolist():
        move = price[place] / before - 1
        if abs(move) >= LEAST_MOVE:
            found.append(abs(sums[place]) * lot * price[place] / abs(move))
        before = price[min(place + WINDOW, len(price) - 1)]
    return float(np.median(found)) if found else None


@dataclass(frozen=True)
class Baseline:
    """What was learnt: the threshold of z, the training runs' features and rules, and the factor of assets."""

    threshold: float
    features: NDArray[np.float64]
    rules: tuple[str, ...]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    log_factor: float
    log_spread: float

    def answer(self, run: str, burst: Burst) -> dict[str, str | float | None]:
        """The answer for one run, with the columns of a submission."""
        rule = self._rule(burst)
        has_clock = rule == "daily"
        told: dict[str, str | float | None] = {
            "run": run,
            "rule": rule,
            "clock_utc": format_time_of_day(burst.minute * MINUTE_NS % NS_PER_DAY) if has_clock else None,
            "aum": None,
            "aum_lo": None,
            "aum_hi": None,
        }
        if rule != NO_FUND and burst.guess:
            middle, half = log(burst.guess) + self.log_factor, Z95 * self.log_spread
            told |= {"aum": exp(middle), "aum_lo": exp(middle - half), "aum_hi": exp(middle + half)}
        return told

    def _rule(self, burst: Burst) -> str:
        if burst.z < self.threshold or not self.rules:
            return NO_FUND
        here = (np.array(burst.features()) - self.centre) / self.scale
        return self.rules[int(np.argmin(((self.features - here) ** 2).sum(axis=1)))]


def learn(bursts: Sequence[Burst], labels: pl.DataFrame) -> Baseline:
    """Learn from training runs, in the order of their labels (columns of `labels.LABELS`)."""
    truth = labels["rule"].to_list()
    levels = sorted({burst.z for burst in bursts})
    threshold = max(levels, key=lambda level: _f1_of(level, bursts, truth), default=0.0)
    with_fund = [(burst, rule) for burst, rule in zip(bursts, truth, strict=True) if rule != NO_FUND]
    features = np.array([burst.features() for burst, _ in with_fund]).reshape(-1, 3)
    centre = features.mean(axis=0) if len(features) else np.zeros(3)
    scale = np.where((spread := features.std(axis=0)) > 0, spread, 1) if len(features) else np.ones(3)
    ratios = [
        log(aum / burst.guess)
        for burst, aum in zip(bursts, labels["aum"].to_list(), strict=True)
        if aum is not None and burst.guess
    ]
    return Baseline(
        threshold=threshold,
        features=(features - centre) / scale,
        rules=tuple(rule for _, rule in with_fund),
        centre=centre,
        scale=scale,
        log_factor=mean(ratios) if ratios else 0.0,
        log_spread=pstdev(ratios) * sqrt(1 + 1 / len(ratios)) if len(ratios) > 1 else 1.0,
    )


def _f1_of(level: float, bursts: Sequence[Burst], truth: Sequence[str]) -> float:
    """How well a threshold tells runs with a fund from those without."""
    told = ["fund" if burst.z >= level else NO_FUND for burst in bursts]
    return macro_f1([rule if rule == NO_FUND else "fund" for rule in truth], told)


def answer_package(package: Path, train: pl.DataFrame, runs: Sequence[str], start_ns: int) -> pl.DataFrame:
    """The baseline's answer on `runs`, learnt from the training labels, from `public/` of a blind package."""
    lots = {row["run"]: row["lot"] for row in _read(package, "instruments").collect().to_dicts()}

    def burst(run: str) -> Burst:
        rows = _read(package, "trades").filter(pl.col("run") == run).select("t_ns", "price", "size_lots", "taker_side")
        return burst_of(rows.collect(), start_ns, float(lots[run]))

    learnt = learn([burst(run) for run in train["run"]], train)
    return pl.DataFrame([learnt.answer(run, burst(run)) for run in runs], schema_overrides={"clock_utc": pl.String})


def _read(package: Path, table: str) -> pl.LazyFrame:
    return pl.scan_parquet(package / "public" / table / "*.parquet")
