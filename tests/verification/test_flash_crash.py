"""Moves of 3 % within five minutes that no news made and that went back, counted in a calm and a stressed world.

Ten seeds each: three days of the calm worlds, six hours of the stressed one. Writes flash_crash*.csv and, of the
largest of the stressed world, the picture flash_crash.svg.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from marketsim import run
from marketsim.datasets.run import Run
from tests.verification.results import WORLDS, draw, write_table

Floats = NDArray[np.float64]
SEEDS = range(1, 11)
THREE_DAYS = {"clock.start": "2024-01-01T00:00:00Z", "clock.duration": "73h", "clock.warmup": "1h"}
SIX_HOURS = {"clock.start": "2024-01-01T11:00:00Z", "clock.duration": "7h", "clock.warmup": "1h"}
RECORD = "{trades: none, quotes: 1s, marks: 1s}"
LARGE, NEWS, BACK = 0.03, 0.01, 0.5
WITHIN_S, BACK_WITHIN_S, STEP_S = 300, 1_800, 10


@dataclass(frozen=True)
class FlashCrash:
    """One of them: seconds from the record's begin, its largest move, the share of that which went back."""

    start_s: int
    move: float
    back: float


def flash_crashes(mid: Floats, fundamental: Floats) -> list[FlashCrash]:
    """Moves of `LARGE` in five minutes while the fundamental moved less than `NEWS`, half of it back in half an hour.

    mid, fundamental: each second (n,), a missing mid NaN. None begins before the one before it has ended.
    """
    found, t = [], 0
    while t < len(mid) - WITHIN_S:
        moves = mid[t : t + WITHIN_S] / mid[t] - 1
        news = np.abs(fundamental[t : t + WITHIN_S] / fundamental[t] - 1).max()
        if np.isnan(mid[t]) or news >= NEWS or np.nanmax(np.abs(moves)) < LARGE:
            t += STEP_S
            continue
        peak = int(np.nanargmax(np.abs(moves)))
        later = mid[t + peak : t + peak + BACK_WITHIN_S] / mid[t] - 1
        back = 1 - float(np.nanmin(later * np.sign(moves[peak]))) / abs(float(moves[peak]))
        if back >= BACK:
            found.append(FlashCrash(t, float(moves[peak]), back))
        t += WITHIN_S
    return found


def test_what_is_counted_is_a_large_move_without_news_that_goes_back() -> None:
    """By hand: 4 % down within a minute and 3 % up again; without the way back, or with as much news, it is none."""
    mid = np.full(4_000, 100.0)
    mid[1_000:1_600] = 96.0
    mid[1_600:] = 99.0
    still = np.full(4_000, 100.0)
    (one,) = flash_crashes(mid, still)
    assert one.move == pytest.approx(-0.04)
    assert one.back == pytest.approx(0.75)
    assert 700 < one.start_s <= 1_000
    assert not flash_crashes(mid, mid), "the news fell as much"
    gone = np.where(np.arange(4_000) < 1_000, 100.0, 96.0)
    assert not flash_crashes(gone, still), "it never went back"
    assert not flash_crashes(100 - (100 - mid) * 0.7, still), "2.8 %"


def prices(world: str, seed: int, clock: Mapping[str, str], out: Path) -> tuple[Floats, Floats]:
    """Mid and fundamental each second after the warm-up."""
    settings = {**clock, "record": RECORD}
    done = Run(run(world, seed=seed, set=settings, out=out).path)
    each = (
        done.table("quotes").join(done.table("marks"), on="t_ns").sort("t_ns").filter(pl.col("t_ns") >= 3_600 * 10**9)
    )
    return each["mid"].cast(pl.Float64).fill_null(float("nan")).to_numpy(), each["latent_price"].to_numpy()


def counted(
    name: str, world: str, clock: Mapping[str, str], out: Path
) -> tuple[list[dict[str, Any]], tuple[Floats, Floats, FlashCrash] | None]:
    """A row a seed; the course of the largest flash crash of all of them."""
    rows: list[dict[str, Any]] = []
    worst = None
    for seed in SEEDS:
        mid, fundamental = prices(world, seed, clock, out)
        found = flash_crashes(mid, fundamental)
        largest = max(found, key=lambda each: abs(each.move), default=None)
        move = largest.move if largest else 0.0
        rows.append({"world": name, "seed": seed, "flash_crashes": len(found), "largest": move})
        if largest and (worst is None or abs(move) > abs(worst[2].move)):
            worst = (mid, fundamental, largest)
    return rows, worst


@pytest.mark.parametrize("world", ["btc-perp", "alt-perp"])
def test_three_days_of_a_calm_world_have_no_flash_crash(world: str, tmp_path: Path, say: Callable[[str], None]) -> None:
    rows, _ = counted(world, f"marketsim:{world}", THREE_DAYS, tmp_path)
    write_table(f"flash_crash_{world}", rows)
    counts = [row["flash_crashes"] for row in rows]
    say(f"flash crashes by seed: {counts}")
    assert counts == [0] * len(SEEDS)


def test_in_six_hours_some_seeds_of_a_stressed_world_have_flash_crashes(
    tmp_path: Path, say: Callable[[str], None]
) -> None:
    rows, worst = counted("stressed", str(WORLDS / "stressed_base_world.yaml"), SIX_HOURS, tmp_path)
    write_table("flash_crash", rows)
    counts = [row["flash_crashes"] for row in rows]
    say(f"flash crashes by seed: {counts}")
    assert 0 < sum(count > 0 for count in counts) < len(SEEDS), "in some seeds, and not in all"
    assert worst is not None
    mid, fundamental, largest = worst
    picture(mid, fundamental, largest.start_s)


def picture(mid: Floats, fundamental: Floats, start_s: int) -> None:
    """Price and fundamental from ten minutes before to forty after."""
    seconds = range(max(0, start_s - 600), min(len(mid), start_s + 2_400), 5)
    rows = [
        {"minutes": (s - start_s) / 60, "usdt": float(series[s]), "what": what}
        for what, series in (("mid", mid), ("fundamental", fundamental))
        for s in seconds
        if np.isfinite(series[s])
    ]
    line = alt.Chart().mark_line().encode(
        x=alt.X("minutes:Q", title="minutes"), y=alt.Y("usdt:Q", scale=alt.Scale(zero=False), title="USDT"),
        color=alt.Color("what:N", title=None),
    )  # fmt: skip
    draw("flash_crash", rows, "A flash crash that no news made, in the stressed world", [line])
