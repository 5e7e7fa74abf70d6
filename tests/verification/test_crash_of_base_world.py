"""A fall of 10 % on the base world: its depth goes and comes back, a small part of the open interest is liquidated.

Six seeds, each with makers who leave and, of the same luck, with makers who never do. Writes crash_of_base_world.csv
and the picture crash_of_base_world.svg.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import altair as alt
import numpy as np
import polars as pl
import pytest

from marketsim import run
from marketsim.analysis.inference.intervals import t_interval
from marketsim.analysis.stylised_facts import facts_of_run
from marketsim.datasets.run import Run
from tests.verification.results import WORLDS, draw, interval, write_table

SEEDS = range(1, 7)
CRASH_MIN, BEFORE_MIN = 120, 30
WINDOWS = ((0, 1), (1, 2), (2, 5), (5, 10), (10, 30), (30, 60), (60, 120), (120, 180))
ARMS: Mapping[str, Mapping[str, Any]] = {"leave": {}, "stay": {"traders.makers.withdraw": None}}
Figures = dict[tuple[str, int], dict[str, float]]


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    folder, found, minutes = tmp_path_factory.mktemp("crash"), {}, []
    for arm, keys in ARMS.items():
        for seed in SEEDS:
            done = Run(run(WORLDS / "crash_of_base_world.yaml", seed=seed, set=dict(keys), out=folder / arm).path)
            found[arm, seed], course = figures(done)
            minutes += [{"makers": arm, "seed": seed, **row} for row in course]
    write_table("crash_of_base_world", [{"makers": arm, "seed": seed, **row} for (arm, seed), row in found.items()])
    draw_courses(minutes)
    return found


def figures(done: Run) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Depth within 10 bp over that of the half-hour before, by window and by minute; what was liquidated."""
    depth = (
        done.table("depth").filter(bps=10).group_by("t_ns").agg(pl.col("size_lots").sum())
        .group_by(minute=pl.col("t_ns") // (60 * 10**9) - CRASH_MIN).agg(pl.col("size_lots").mean()).sort("minute")
    )  # fmt: skip
    usual = float(depth.filter(pl.col("minute").is_between(-BEFORE_MIN, -1))["size_lots"].mean())  # type: ignore[arg-type]
    mids = (
        done.table("quotes").group_by(minute=pl.col("t_ns") // (60 * 10**9) - CRASH_MIN)
        .agg(pl.col("mid").drop_nulls().last()).sort("minute")
    )  # fmt: skip
    course = [
        {"minute": minute, "depth": lots / usual, "mid": mid}
        for minute, lots, mid in depth.join(mids, on="minute").iter_rows()
    ]
    row = {
        f"depth_{a}_{b}": float(np.mean([each["depth"] for each in course if a <= each["minute"] < b]))
        for a, b in WINDOWS
    }
    facts = facts_of_run(done, "BTC-PERP", "btc")
    for name in ("depth_in_crash", "liquidated_crash"):
        value = facts.row(name).value
        row[name] = float("nan") if value is None else value
    row["lowest"] = min(each["mid"] for each in course if each["mid"] is not None)
    return row, course


def draw_courses(rows: list[dict[str, Any]]) -> None:
    near = [row for row in rows if -BEFORE_MIN <= row["minute"] < 120]
    axis = alt.X("minute:Q", title="minutes from the fall of the index")
    seeds = alt.Chart().mark_line(opacity=0.25, strokeWidth=1).encode(
        x=axis, y=alt.Y("depth:Q", title="depth within 10 bp, over the half-hour before"),
        color=alt.Color("makers:N", title="makers"), detail="seed:N",
    )  # fmt: skip
    mean = alt.Chart().mark_line(strokeWidth=2.5).encode(x=axis, y="mean(depth):Q", color="makers:N")
    draw("crash_of_base_world", near, "Depth after news of -10 %: six seeds and their mean", [seeds, mean])


def test_depth_goes_within_the_minute_and_comes_back_within_hours(crashes: Figures, say: Callable[[str], None]) -> None:
    """Below .3 for minutes, with a long tail (Kaiko, FTI on 10 October 2025); most of it is there in the third hour."""
    means = {name: np.array([crashes["leave", seed][name] for seed in SEEDS]) for name in crashes["leave", 1]}
    for name, values in means.items():
        mean, low, high = interval(values)
        say(f"{name}: {mean:.3g} [{low:.3g}, {high:.3g}], seeds {values.min():.3g} to {values.max():.3g}")
    assert all(means["depth_in_crash"] < 0.3)
    assert means["depth_1_2"].mean() < 0.3
    assert means["depth_2_5"].mean() < means["depth_30_60"].mean()
    assert means["depth_60_120"].mean() > 0.6
    assert all(means["depth_120_180"] > 0.5), "in every seed the book is back in the third hour"


def test_a_crash_liquidates_more_than_a_fiftieth_of_the_open_interest(crashes: Figures) -> None:
    """More than 2 %, the floor of 10 October 2025; the price goes less than twice as far as the news."""
    shares = np.array([crashes["leave", seed]["liquidated_crash"] for seed in SEEDS])
    assert all(shares > 2)
    assert min(crashes["leave", seed]["lowest"] for seed in SEEDS) > 30_000 * 0.8


def test_makers_who_leave_make_the_hole(crashes: Figures, say: Callable[[str], None]) -> None:
    """In pairs of one luck, more depth is there from the second to the tenth minute if nobody leaves."""
    for name in ("depth_1_2", "depth_2_5", "depth_5_10"):
        pairs = np.array([crashes["stay", seed][name] - crashes["leave", seed][name] for seed in SEEDS])
        ends = t_interval(float(pairs.mean()), (pairs.sum() - pairs) / (len(pairs) - 1))
        assert ends.lo is not None
        mean, low, high = pairs.mean(), ends.lo, ends.hi
        say(f"{name}, stay less leave: {mean:+.3g} [{low:.3g}, {high:.3g}]")
        if name == "depth_2_5":
            assert low > 0
