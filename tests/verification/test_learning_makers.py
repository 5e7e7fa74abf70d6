"""Makers that learn against their switches: what widening, resting and leaving do to a book, in pairs of one luck.

An hour of the base world's crowd, three seeds; at 45 min the index falls by 6 % at once. Writes learning_makers.csv.
Ranges are those of real markets: spread of a BTC-like perpetual, hit side after a top 1 % order, depth in a crash.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from marketsim import run
from marketsim.analysis.liquidity.maker_profit import maker_profits
from marketsim.datasets.run import Run
from tests.verification.results import write_table

WORLD = Path(__file__).parent / "worlds" / "learning_makers.yaml"
SEEDS = (1, 2, 3)
MAKERS = "traders.makers"
SWITCHES = {
    "all": {},
    "no_widening": {
        f"{MAKERS}.volatility_spread": 0,
        f"{MAKERS}.quoting.steep": 0,
        f"{MAKERS}.quoting.thinning": "0%",
    },
    "no_rest": {f"{MAKERS}.quoting.rest.share": "0%"},
    "nobody_leaves": {f"{MAKERS}.withdraw.above": 1_000},
}
CALM_S, CRASH_S = 600, 2_700
EACH_MINUTE = 600  # snapshots of quotes: at whole seconds alone they would catch makers half-way after the index
LARGE = 12_000  # USDT, about the top 1 % of orders
Figures = dict[tuple[str, int], dict[str, float]]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    folder = tmp_path_factory.mktemp("makers")
    found = {}
    for name, keys in SWITCHES.items():
        for seed in SEEDS:
            done = run(WORLD, seed=seed, set=keys, out=folder / name, report=False)
            found[name, seed] = figures(Run(done.path))
    write_table("learning_makers", [{"makers": name, "seed": seed, **row} for (name, seed), row in found.items()])
    return found


def figures(done: Run) -> dict[str, float]:
    """What the book of a run was like, before the crash and in it."""
    quotes = done.table("quotes").filter(pl.col("t_ns").is_between(CALM_S * 10**9, CRASH_S * 10**9, closed="left"))
    mid = quotes["mid"].to_numpy()
    spread = 1e4 * (quotes["ask_ticks"] - quotes["bid_ticks"]).to_numpy() * 0.1 / mid
    minutes = len(mid) // EACH_MINUTE - 1
    returns = np.abs(np.diff(np.log(mid[::EACH_MINUTE])))[:minutes]
    by_minute = np.nanmean(spread[: minutes * EACH_MINUTE].reshape(minutes, EACH_MINUTE), axis=1)
    calm, crash, _ = maker_profits(done)
    return {
        "spread_bp": float(np.nanmean(spread)),
        "corr_spread_return": float(stats.spearmanr(by_minute, returns).statistic),
        "hit_side_lowest": hit_side(done),
        **crash_depth(done),
        "profit_calm_bp": calm.profit_bps or 0.0,
        "profit_crash_bp": crash.profit_bps or 0.0,
        "residual_atoms": done.manifest["conservation"]["residual_atoms"],
    }


def hit_side(done: Run) -> float:
    """Lowest mean depth of the side hit, within 2 bp, in the 10 s after a large order, over that of the second ago."""
    orders = (
        done.table("trades")
        .filter(pl.col("t_ns").is_between(CALM_S * 10**9, CRASH_S * 10**9))
        .group_by("taker_order", maintain_order=True)
        .agg(
            pl.col("t_ns").first(),
            pl.col("taker_side").first(),
            (pl.col("price") * pl.col("size_lots") * 0.001).sum().alias("value"),
        )
        .filter(pl.col("value") >= LARGE)
    )
    depth = done.table("depth").filter(pl.col("bps") == 2).sort("t_ns")
    sides = {side: depth.filter(pl.col("side") == side) for side in ("bid", "ask")}
    paths = []
    for t_ns, side in orders.select("t_ns", "taker_side").iter_rows():
        own = sides["ask" if side == "buy" else "bid"]
        after = own["t_ns"].search_sorted(t_ns, side="right")
        lots = own["size_lots"][after - 11 : after + 100].to_numpy().astype(float)
        paths.append(np.append(lots[:10].mean(), lots[11:]))
    mean = np.mean(paths, axis=0)
    return float(mean[1:].min() / mean[0])


def crash_depth(done: Run) -> dict[str, float]:
    """Depth within 10 bp in windows after the fall, over that of the five minutes before."""
    depth = done.table("depth").filter(pl.col("bps") == 10).group_by("t_ns").agg(pl.col("size_lots").sum())

    def mean(begin_s: int, end_s: int) -> float:
        inside = depth.filter(pl.col("t_ns").is_between(begin_s * 10**9, end_s * 10**9, closed="left"))
        return float(inside["size_lots"].mean())  # type: ignore[arg-type]

    before = mean(CRASH_S - 300, CRASH_S)
    windows = {"0_10s": (0, 10), "10_60s": (10, 60), "1_2min": (60, 120), "2_5min": (120, 300), "5_15min": (300, 890)}
    return {f"depth_{name}": mean(CRASH_S + a, CRASH_S + b) / before for name, (a, b) in windows.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_spreads_are_those_of_a_perpetual_and_widening_ties_them_to_volatility(measured: Figures, seed: int) -> None:
    assert 0.1 <= measured["all", seed]["spread_bp"] <= 1
    gained = measured["all", seed]["corr_spread_return"] - measured["no_widening", seed]["corr_spread_return"]
    assert gained > 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_the_hit_side_shows_its_loss_only_because_makers_rest_it(measured: Figures, seed: int) -> None:
    assert 0.35 <= measured["all", seed]["hit_side_lowest"] <= 0.85
    assert measured["no_rest", seed]["hit_side_lowest"] > 0.9


@pytest.mark.parametrize("seed", SEEDS)
def test_depth_is_gone_in_a_crash_and_comes_back(measured: Figures, seed: int) -> None:
    crash = measured["all", seed]
    assert crash["depth_10_60s"] < 0.3
    assert crash["depth_5_15min"] > 0.6
    assert measured["nobody_leaves", seed]["depth_1_2min"] > crash["depth_1_2min"]


def test_money_is_conserved_with_every_switch(measured: Figures) -> None:
    assert {row["residual_atoms"] for row in measured.values()} == {0}
