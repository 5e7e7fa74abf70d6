"""An honest baseline: it reads the public tape alone, and learns from the training labels.

For each run it looks for the five minutes, by time of day, in which the net flow of takers stands out most on all days
together (z: mean over days of |net flow| over its median through the day). Four features describe this burst: log z,
the next burst elsewhere over it (a band trades several times a day, a daily reset once), its share of an hour's volume,
and how far its middle is from a full hour, near which issuers reset. The rule is what most of the three training runs
have that are nearest in these (standardised; `none` is a rule like the others). The clock is the middle of the burst.
The assets are net flow x price over the move since the burst of the day before, or since the tape's start, times a
factor of the rule: the geometric mean of truth over this in training, whose spread gives the interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from pathlib import Path
from statistics import mean, pstdev

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marketsim.publication.blind.labels import NO_FUND
from marketsim.units import NS_PER_DAY, format_time_of_day

MINUTE_NS = 60 * 10**9
MINUTES = 1440
WINDOW = 5
APART = 20
"""Minutes that another burst is away from the first."""
NEIGHBOURS = 3
LEAST_MOVE = 1e-3
Z95 = 1.959964


@dataclass(frozen=True)
class Burst:
    """What a tape shows most: z of the burst, the next burst over it, its share of an hour's volume, its middle.

    minute: of the day; guess: a first one of the fund's assets, None where the price has hardly moved.
    """

    z: float
    next_burst: float
    share: float
    minute: int
    guess: float | None

    def features(self) -> tuple[float, float, float, float]:
        """The numbers that runs are compared by."""
        past_hour = self.minute % 60
        return log(max(self.z, 1e-6)), self.next_burst, log(max(self.share, 1e-6)), min(past_hour, 60 - past_hour) / 30


def burst_of(trades: pl.DataFrame, start_ns: int, lot: float) -> Burst:
    """The burst of one run's trades of one market (columns t_ns, price, size_lots, taker_side)."""
    if trades.is_empty():
        return Burst(0.0, 1.0, 0.0, 0, None)
    minutes = ((trades["t_ns"].to_numpy() + start_ns) // MINUTE_NS).astype(np.int64)
    first, lots = int(minutes[0]), trades["size_lots"].to_numpy()
    signed = np.where((trades["taker_side"] == "buy").to_numpy(), 1, -1) * lots
    flow = np.bincount(minutes - first, weights=signed.astype(float))
    price = _last_prices(minutes - first, trades["price"].to_numpy(), len(flow))
    sums = np.convolve(flow, np.ones(WINDOW), "valid") if len(flow) > WINDOW else np.zeros(1)
    spread = float(np.median(np.abs(sums))) or 1.0
    of_day = (first + np.arange(len(sums))) % MINUTES
    strength = np.bincount(of_day, np.abs(sums), MINUTES) / np.maximum(np.bincount(of_day, minlength=MINUTES), 1)
    minute = int(np.argmax(strength))
    apart = np.abs(np.arange(MINUTES) - minute)
    elsewhere = strength[np.minimum(apart, MINUTES - apart) > APART]
    return Burst(
        z=float(strength[minute] / spread),
        next_burst=float(elsewhere.max() / (strength[minute] or 1.0)),
        share=float(strength[minute] / (lots.sum() * 60 / len(flow))),
        minute=(minute + WINDOW // 2) % MINUTES,
        guess=_guess(sums, price, np.flatnonzero(of_day == minute), lot),
    )


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
    """What was learnt: features and rules of the training runs, and by rule the factor of assets and its spread."""

    features: NDArray[np.float64]
    rules: tuple[str, ...]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    factors: Mapping[str, tuple[float, float]]

    def answer(self, run: str, burst: Burst) -> dict[str, str | float | None]:
        """The answer for one run, with the columns of a submission."""
        rule = self._rule(burst)
        told: dict[str, str | float | None] = {
            "run": run,
            "rule": rule,
            "clock_utc": None if rule == NO_FUND else format_time_of_day(burst.minute * MINUTE_NS % NS_PER_DAY),
            "aum": None,
            "aum_lo": None,
            "aum_hi": None,
        }
        if rule in self.factors and burst.guess:
            factor, spread = self.factors[rule]
            middle, half = log(burst.guess) + factor, Z95 * spread
            told |= {"aum": exp(middle), "aum_lo": exp(middle - half), "aum_hi": exp(middle + half)}
        return told

    def _rule(self, burst: Burst) -> str:
        here = (np.array(burst.features()) - self.centre) / self.scale
        nearest = np.argsort(((self.features - here) ** 2).sum(axis=1), kind="stable")[:NEIGHBOURS]
        votes = [self.rules[place] for place in nearest]
        return str(max(votes, key=votes.count))


def learn(bursts: Sequence[Burst], labels: pl.DataFrame) -> Baseline:
    """Learn from training runs, in the order of their labels (columns of `labels.LABELS`)."""
    features = np.array([burst.features() for burst in bursts])
    centre, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    ratios: dict[str, list[float]] = {}
    for burst, rule, aum in zip(bursts, labels["rule"], labels["aum"], strict=True):
        if aum is not None and burst.guess:
            ratios.setdefault(rule, []).append(log(aum / burst.guess))
    factors = {
        rule: (mean(each), pstdev(each) * sqrt(1 + 1 / len(each)) if len(each) > 1 else 1.0)
        for rule, each in ratios.items()
    }
    return Baseline((features - centre) / scale, tuple(labels["rule"]), centre, scale, factors)


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
