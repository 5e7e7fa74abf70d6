"""The bare book from scenario files: flow without intelligence against theory (docs/literature.md#order-books).

Smith, Farmer, Gillemot & Krishnamurthy 2003 have limit orders at rate alpha per tick, market orders at rate mu / 2 a
side, cancels at rate delta per order. Scales: p_c = mu / 2 alpha, epsilon = 2 delta / mu. What binds is a book that
shares no code; beside it stands the fit of Farmer, Patelli & Zovko 2005, a spread of 0.28 + 1.86 epsilon^(3/4) in p_c.
Cont, Stoikov & Talreja 2010 give the probability that the next move of the mid is up, from the sizes at both bests, by
Laplace transforms of two birth-death processes. Writes bare_book_spread.csv, bare_book_moves.csv, bare_book_moves.svg.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import pi
from pathlib import Path
from random import Random
from typing import Any

import altair as alt
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import integrate

from marketsim import run
from marketsim.datasets.run import Run
from tests.verification.results import WORLDS, draw, interval, write_table
from tests.verification.zero_intelligence import ALPHA, DELTA, EPSILON, MU, P_C, WINDOW, ZeroIntelligenceBook

SETTLED_NS = 10**10
BATCHES = 60
COARSE, FINE = 10, 40  # ticks in p_c
LIMITS, MARKETS, CANCELS = (1.85, 1.51, 1.09, 0.88, 0.77), 0.94, 0.71  # of cont_stoikov_talreja.yaml [1/s]
LARGEST = 40  # lots in a queue of the chain: far more than ever were
QUEUES = (1, 2, 3, 4)


def quotes(world: str, folder: Path, **keys: Any) -> Run:
    return Run(run(WORLDS / f"{world}.yaml", set=keys, out=folder, report=False).path)


# ---- Smith and Farmer


def spreads(done: Run) -> NDArray[np.float64]:
    """Time-weighted mean spread in each of `BATCHES` equal parts of a settled run [ticks]."""
    table = done.table("quotes").filter(pl.col("t_ns") >= SETTLED_NS)
    assert table.filter((pl.col("bid_lots") == 0) | (pl.col("ask_lots") == 0)).is_empty()
    t, spread = table["t_ns"].to_numpy(), (table["ask_ticks"] - table["bid_ticks"]).to_numpy()
    area = np.append(0.0, np.cumsum(np.diff(t) * spread[:-1]))
    borders = np.linspace(t[0], t[-1], BATCHES + 1)
    return np.diff(np.interp(borders, t, area)) / np.diff(borders)


def test_the_spread_is_that_of_a_book_that_shares_no_code(tmp_path: Path) -> None:
    """`ZeroIntelligenceBook` at the same rates, looked at every tenth of an order's life."""
    found = spreads(quotes("smith_farmer", tmp_path)) / P_C
    book = ZeroIntelligenceBook(Random(1))
    book.run(10)
    other = []
    for _ in range(BATCHES):
        looks = []
        for _ in range(200):
            book.run(0.1)
            looks.append(book.ask - book.bid)
        other.append(float(np.mean(looks)) / P_C)
    assert (MU / 2, ALPHA, DELTA, WINDOW, EPSILON) == (10, 2, 1, 100, 0.1)
    _, low, high = interval(found - np.array(other))
    assert low < 0 < high
    assert high - low < 0.06


def test_the_spread_in_units_of_p_c_follows_granularity_and_hardly_the_tick(tmp_path: Path) -> None:
    """Orders eight times as large count for much, ticks four times as large for little (the paper's abstract).

    The published function is a fit, taken from memory and with mu for the rate of each side: the spread is near it
    where epsilon is .1 to .2, wider where it is smaller, narrower where it is larger.
    """
    rows = []
    for ticks in (COARSE, FINE):
        for epsilon in (0.05, 0.1, 0.2, 0.4):
            rate = 1 / epsilon  # of market orders on each side; orders live for a second
            limits = {"rate": f"{rate / ticks:g}/s", "levels": 20 * ticks}
            keys = {"market_rate": f"{rate:g}/s"} | {f"limits.{key}": value for key, value in limits.items()}
            done = quotes("smith_farmer", tmp_path, **{f"traders.flow.{key}": value for key, value in keys.items()})
            mean, low, high = interval(spreads(done) / ticks)
            published = 0.28 + 1.86 * epsilon**0.75
            shared = {"ticks_in_p_c": ticks, "epsilon": epsilon}
            rows.append({**shared, "spread": mean, "low": low, "high": high, "published": published})
    write_table("bare_book_spread", rows)
    coarse, fine = ([row for row in rows if row["ticks_in_p_c"] == ticks] for ticks in (COARSE, FINE))
    for row in fine[1:3]:
        assert row["spread"] == pytest.approx(row["published"], rel=0.1)
    for each in (coarse, fine):
        assert all(later["low"] > earlier["high"] for earlier, later in pairwise(each))
        assert each[-1]["spread"] > 1.6 * each[0]["spread"]
    for one, other in zip(coarse, fine, strict=True):
        assert one["spread"] == pytest.approx(other["spread"], rel=0.1)


def test_the_book_far_out_is_as_dense_as_arrivals_and_cancels_balance_at(tmp_path: Path) -> None:
    """alpha / delta = 2 lots a tick between 30 and 60 ticks from the mid (6 and 12 p_c), fewer near it."""
    table = quotes("smith_farmer", tmp_path).table("depth").filter(pl.col("t_ns") >= SETTLED_NS)
    within = {bps: each["size_lots"].mean() for (bps,), each in table.group_by("bps")}
    far = (within[2.0] - within[1.0]) / 30
    assert far == pytest.approx(2.0, rel=0.03)
    assert within[0.5] / 15 < 0.8 * 2.0


# ---- Cont, Stoikov and Talreja


def moves(done: Run) -> pl.DataFrame:
    """The first visit to each (spread, bid lots, ask lots) between two moves of the mid; whether the next is up.

    A best price that leaves an empty side behind has moved away.
    """
    table = done.table("quotes").filter(pl.col("t_ns") >= 6 * SETTLED_NS)
    there = pl.when(pl.col("bid_lots") > 0, pl.col("ask_lots") > 0)
    mid = there.then(pl.col("bid_ticks") + pl.col("ask_ticks"))
    table = table.with_columns(mid=mid.fill_null(-1), spread=there.then(pl.col("ask_ticks") - pl.col("bid_ticks")))
    table = table.with_columns(episode=pl.col("mid").rle_id())
    starts = table.group_by("episode").first().sort("episode").select("episode", "mid", "bid_lots", "ask_lots")
    after = starts.select(
        pl.col("episode") - 1,
        up=pl.when(pl.col("mid") > 0).then(pl.col("mid") > pl.col("mid").shift(1)).otherwise(pl.col("ask_lots") == 0),
    )
    visits = table.filter(pl.col("mid") > 0).unique(["episode", "spread", "bid_lots", "ask_lots"], keep="first")
    visits = visits.join(after, on="episode")
    return visits.group_by("spread", "bid_lots", "ask_lots").agg(pl.len(), pl.col("up").mean())


def chain(spread: int) -> NDArray[np.float64]:
    """P(the next move is up), [bid lots, ask lots] from 0: two queues as one Markov chain, solved as linear equations.

    On each side an order joins the best queue at the rate of `spread` ticks from the opposite best, one leaves it at
    the rate of market orders and of its own cancels, and one inside the spread moves the mid at once.
    """
    inside, joins = sum(LIMITS[: spread - 1]), LIMITS[spread - 1]
    n = LARGEST
    equations, right = np.eye(n * n), np.zeros(n * n)
    for bid in range(1, n + 1):
        for ask in range(1, n + 1):
            row = (bid - 1) * n + ask - 1
            leave_bid, leave_ask = MARKETS + CANCELS * bid, MARKETS + CANCELS * ask
            total = 2 * inside + 2 * joins + leave_bid + leave_ask
            right[row] += inside / total + (leave_ask / total if ask == 1 else 0.0)
            steps = [(min(bid + 1, n), ask, joins), (bid, min(ask + 1, n), joins)]
            steps += [(bid - 1, ask, leave_bid)] * (bid > 1) + [(bid, ask - 1, leave_ask)] * (ask > 1)
            for to_bid, to_ask, rate in steps:
                equations[row, (to_bid - 1) * n + to_ask - 1] -= rate / total
    up = np.full((n + 1, n + 1), np.nan)
    up[1:, 1:] = np.linalg.solve(equations, right).reshape(n, n)
    return up


def transform(spread: int, bid: int, ask: int) -> float:
    """The same by the paper's formula: 1/2 - 1/pi integral of Im(f_ask(-iu) f_bid(iu)) / u over u > 0.

    f is the Laplace transform of the time in which a queue is gone, a product of continued fractions; with a spread, of
    the earlier of this and an order inside the spread.
    """
    inside, joins = sum(LIMITS[: spread - 1]), LIMITS[spread - 1]

    def gone(lots: int, s: complex) -> complex:
        value, product = 0j, 1 + 0j
        for i in range(LARGEST + 1, 0, -1):
            leaves = MARKETS + CANCELS * i
            value = leaves / (joins + leaves + s - joins * value)
            product = product * value if i <= lots else product
        return product

    def first(lots: int, s: complex) -> complex:
        if not inside:
            return gone(lots, s)
        alone = gone(lots, s + inside)
        return alone + inside / (inside + s) * (1 - alone)

    def integrand(u: float) -> float:
        return (first(ask, -1j * u) * first(bid, 1j * u)).imag / u

    value, _ = integrate.quad(integrand, 1e-9, np.inf, limit=400)
    return 0.5 - float(value) / pi


def cells() -> Iterator[tuple[int, int, int]]:
    return ((spread, bid, ask) for spread in (1, 2, 3) for bid in QUEUES for ask in QUEUES)


def test_the_next_move_of_the_mid_is_up_as_often_as_the_queues_say(tmp_path: Path) -> None:
    found = {tuple(key): (n, up) for *key, n, up in moves(quotes("cont_stoikov_talreja", tmp_path)).iter_rows()}
    solved = {spread: chain(spread) for spread in (1, 2, 3)}
    rows: list[dict[str, Any]] = []
    for spread, bid, ask in cells():
        n, up = found[spread, bid, ask]
        theory = float(solved[spread][bid, ask])
        error = float(np.sqrt(theory * (1 - theory) / n))
        rows.append({"spread": spread, "bid_lots": bid, "ask_lots": ask, "n": n, "up": up, "theory": theory})
        rows[-1] |= {"paper": transform(spread, bid, ask), "low": up - 2.58 * error, "high": up + 2.58 * error}
    write_table("bare_book_moves", rows)
    draw_moves(rows)
    assert [row["paper"] for row in rows] == pytest.approx([row["theory"] for row in rows], abs=1e-4)
    assert all(row["n"] > 100 for row in rows)
    deviations = [(row["up"] - row["theory"]) / (row["high"] - row["low"]) * 5.16 for row in rows]
    assert max(map(abs, deviations)) < 3.5  # of 48 cells; standard errors
    assert sum(each**2 for each in deviations) < 80


def draw_moves(rows: list[dict[str, Any]]) -> None:
    chart = alt.Chart().encode(x=alt.X("theory:Q", title="probability of an upward move, from the queues"))
    y = alt.Y("up:Q", title="share of upward moves in the run")
    layers = [
        chart.mark_rule().encode(y=alt.Y("low:Q", title=""), y2="high:Q"),
        chart.mark_point(filled=True).encode(y=y, color=alt.Color("spread:N", title="spread, ticks")),
        chart.mark_line(color="black", strokeWidth=0.7).encode(y="theory:Q"),
    ]
    draw("bare_book_moves", rows, "Cont, Stoikov and Talreja from a scenario file", layers)
