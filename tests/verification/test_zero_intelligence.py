"""Crowding in a market without intelligence: what a fund of constant leverage does to a book of chance
(docs/literature.md#zero-intelligence-benchmark).

Variance of long returns against the same book without a fund, and the share of runs whose mid left a third to three
times its start, over Lambda0 and two rebalance intervals. Where impact is permanent and every rebalance impulsive the
variance would be 1 / (1 - Lambda)^2 times that without a fund (docs/theory.md#several-funds-and-several-resets); it is
written beside what was measured and is not asserted: impact on this book decays. Writes zero_intelligence.csv and
zero_intelligence.svg.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import altair as alt
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.verification.results import CONFIDENCE, draw, write_table
from tests.verification.zero_intelligence import ALPHA, DELTA, P_C, ZeroIntelligenceBook, path

CROWDING = (0.0, 0.25, 0.5, 0.75, 0.9, 1.1)
INTERVALS = (0.5, 5.0)  # lives of an order
SEEDS = range(1, 13)
OVER, HORIZON = 1_000.0, 50.0
RESAMPLES = 2_000

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def cells() -> Rows:
    rows: Rows = []
    rng = np.random.default_rng(1)
    for interval in INTERVALS:
        without: list[NDArray[np.float64]] = []
        for crowding in CROWDING:
            runs = [path(crowding, interval, seed, OVER, HORIZON) for seed in SEEDS]
            squares = [np.diff(np.log(mids)) ** 2 for mids, _ in runs]
            without = without or squares
            low, high = _interval(squares, without, rng)
            rows.append(
                {
                    "interval": interval,
                    "crowding_number": crowding,
                    "variance_ratio": _ratio(squares, without),
                    "low": low,
                    "high": high,
                    "permanent_impact_theory": 1 / (1 - crowding) ** 2 if crowding < 1 else None,
                    "runaway_share": float(np.mean([left for _, left in runs])),
                    "returns": sum(len(each) for each in squares),
                }
            )
    write_table("zero_intelligence", rows)
    x = alt.X("crowding_number:Q", title="Lambda0 = kappa delta / alpha")
    ratio = alt.Y("variance_ratio:Q", title="variance of returns, times that without a fund").scale(type="log")
    chart = alt.Chart().encode(x=x, color=alt.Color("interval:N", title="interval x delta"))
    title = "A fund in a zero-intelligence book"
    layers = [
        chart.mark_line(point=True).encode(y=ratio),
        chart.mark_rule().encode(y=alt.Y("low:Q", title=""), y2="high:Q"),
    ]
    draw("zero_intelligence", rows, title, layers)
    return rows


def _ratio(squares: list[NDArray[np.float64]], without: list[NDArray[np.float64]]) -> float:
    return float(np.concatenate(squares).mean() / np.concatenate(without).mean())


def _interval(
    squares: list[NDArray[np.float64]], without: list[NDArray[np.float64]], rng: np.random.Generator
) -> tuple[float, float]:
    """Percentile interval of a ratio of variances, by resampling seeds."""
    seeds = len(squares)
    ratios = [
        _ratio(
            [squares[i] for i in rng.integers(seeds, size=seeds)], [without[i] for i in rng.integers(seeds, size=seeds)]
        )
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(ratios, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def of(cells: Rows, interval: float) -> Rows:
    return [row for row in cells if row["interval"] == interval]


def test_the_book_without_a_fund_is_far_out_as_dense_as_arrivals_and_cancels_balance_at() -> None:
    """alpha / delta lots a tick far out, fewer where market orders eat: what Lambda0 is measured against."""
    book = ZeroIntelligenceBook(Random(1))
    book.run(10)
    near, far = [], []
    for _ in range(3_000):
        book.run(0.1)
        distances = [price - book.mid for price in book.asks]
        near.append(sum(distance < P_C for distance in distances) / P_C)
        far.append(sum(5 * P_C <= distance < 8 * P_C for distance in distances) / (3 * P_C))
    assert np.mean(far) == pytest.approx(ALPHA / DELTA, rel=0.03)
    assert np.mean(near) < 0.7 * ALPHA / DELTA


@pytest.mark.parametrize("interval", INTERVALS)
def test_the_variance_of_long_returns_grows_with_crowding(cells: Rows, interval: float) -> None:
    rows = of(cells, interval)
    assert all(later["variance_ratio"] > earlier["variance_ratio"] for earlier, later in pairwise(rows))
    assert all(row["low"] > 1.5 for row in rows if row["crowding_number"] >= 0.5)


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_price_does_not_run_away_without_a_fund_and_most_often_with_the_largest(cells: Rows, interval: float) -> None:
    shares = [row["runaway_share"] for row in of(cells, interval)]
    assert shares[0] == 0
    assert shares[-1] == max(shares)


def test_a_fund_that_trades_before_its_impact_has_died_makes_more_of_it(cells: Rows) -> None:
    often, seldom = (of(cells, interval)[-2] for interval in INTERVALS)
    assert often["crowding_number"] == seldom["crowding_number"] == 0.9
    assert often["variance_ratio"] > seldom["variance_ratio"]
    often, seldom = (of(cells, interval)[-1] for interval in INTERVALS)
    assert often["runaway_share"] > seldom["runaway_share"]
