"""Impact of metaorders of 0.1-3 % of daily volume over 300 s, by antithetic pairs that share luck; its decay.

Writes impact.csv and the pictures impact.svg and decay.svg.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import altair as alt
import numpy as np
import pytest

import marketsim as ms
from tests.verification.impact import AFTER_S, Pairs, exponent, measure, y_ratio
from tests.verification.results import SCENARIOS, draw, interval, write_table

BASE = str(SCENARIOS / "base" / "btc-perp@1.yaml")
SIZES = (0.001, 0.003, 0.01, 0.03)
LEARNING = ("0%", "30%", "100%")
PAIRS = range(1, 11)
DAILY_VOLATILITY_BP = 65.0 / np.sqrt(365.0) * 100.0  # of the index: 65 %/yr
VOLUME_SEED = 1
AFTER_15_MIN = AFTER_S.index(900)


@pytest.fixture(scope="module")
def daily_lots() -> float:
    """Lots traded in the day of seed 1, warm-up left out."""
    model = ms.MarketModel(BASE, seed=VOLUME_SEED, set={"record.trades": "none"})
    market = model.scenario.markets[0].id
    warmup, end = model.scenario.clock.warmup, model.env.end_ns
    model.env.run(warmup)
    before = model.view.volume_lots(market)
    model.env.run()
    traded = model.view.volume_lots(market) - before
    model.close()
    return traded * 86_400e9 / (end - warmup)


@pytest.fixture(scope="module")
def cells(daily_lots: float) -> dict[tuple[str, float], Pairs]:
    wanted = [("0%", size) for size in SIZES] + [(p, size) for p in LEARNING[1:] for size in SIZES[1:3]]
    found = {
        (p, size): measure(BASE, PAIRS, size, daily_lots, {"underlyings.BTC.index.pass_through": p})
        for p, size in wanted
    }
    _write(found)
    return found


def _write(found: dict[tuple[str, float], Pairs]) -> None:
    rows, lines = [], []
    for (p, size), pairs in found.items():
        mean, error = pairs.mean_bp(), pairs.error_bp()
        row: dict[str, object] = {"size_percent": size * 100, "pass_through": p, "pairs": len(pairs.impact)}
        for k, after in enumerate(AFTER_S):
            row |= {f"bp_{after}s": float(mean[k]), f"se_{after}s": float(error[k])}
            lines.append({"minutes": after / 60, "bp": float(mean[k]), "cell": f"{size:.1%}, p = {p}"})
        rows.append({**row, "y": y_ratio(float(mean[0]), size, DAILY_VOLATILITY_BP), "filled": pairs.filled_share})
    write_table("impact", rows)
    measured = [
        {"size": size * 100, "bp": float(pairs.mean_bp()[0]), "what": "measured"}
        for (p, size), pairs in found.items()
        if p == "0%"
    ]
    law = [
        {"size": s * 100, "bp": DAILY_VOLATILITY_BP * float(np.sqrt(s)), "what": "square root, Y = 1"} for s in SIZES
    ]
    log = alt.Scale(type="log")
    curve = (
        alt.Chart()
        .mark_line(point=True)
        .encode(
            x=alt.X("size:Q", scale=log, title="order [% of daily volume]"),
            y=alt.Y("bp:Q", scale=log, title="impact at the end [bp]"),
            color=alt.Color("what:N", title=None),
        )
    )
    draw("impact", measured + law, "Impact of orders over 300 s, ten antithetic pairs a size", [curve])
    decay = (
        alt.Chart()
        .mark_line(point=True)
        .encode(
            x=alt.X("minutes:Q", title="minutes after the end"),
            y=alt.Y("bp:Q", title="impact [bp]"),
            color=alt.Color("cell:N", title="size, learning"),
        )
    )
    draw("decay", lines, "Decay of impact; p: share of the deviation that the index learns", [decay])


def test_metaorders_move_the_price_in_their_direction_and_are_filled(
    cells: dict[tuple[str, float], Pairs], say: Callable[[str], None]
) -> None:
    for (p, size), pairs in cells.items():
        _, low, _ = interval(pairs.impact[:, 0])
        say(f"{size:.1%} of volume, p = {p}: {pairs.mean_bp().round(1).tolist()} bp")
        assert low > 0
        assert pairs.filled_share > 0.99


def test_impact_is_concave_with_an_exponent_between_a_half_and_three_quarters(
    cells: dict[tuple[str, float], Pairs], say: Callable[[str], None]
) -> None:
    impacts = np.array([cells["0%", size].impact[:, 0] for size in SIZES])  # (sizes, pairs)
    own = np.array([exponent(np.array(SIZES), impacts[:, k]) for k in range(impacts.shape[1])])
    mean, low, high = interval(own)
    say(f"exponent {mean:.3f} ({low:.3f} to {high:.3f})")
    assert low >= 0.5
    assert high <= 0.75


def test_impact_has_the_size_of_the_square_root_law(
    cells: dict[tuple[str, float], Pairs], say: Callable[[str], None]
) -> None:
    ratios = {size: y_ratio(float(cells["0%", size].mean_bp()[0]), size, DAILY_VOLATILITY_BP) for size in SIZES}
    say(f"Y { ({f'{s:.1%}': round(float(y), 2) for s, y in ratios.items()}) }")
    assert all(0.5 <= y <= 1.3 for y in ratios.values())


def test_impact_reverts_when_the_index_learns_nothing(cells: dict[tuple[str, float], Pairs]) -> None:
    for size in SIZES:
        mean = cells["0%", size].mean_bp()
        assert abs(mean[AFTER_15_MIN]) < 0.1 * mean[0], f"{size:.1%}: {mean[AFTER_15_MIN]:.2f} of {mean[0]:.2f} bp left"


def test_the_permanent_part_grows_with_what_the_index_learns(cells: dict[tuple[str, float], Pairs]) -> None:
    for size in SIZES[1:3]:
        for less, more in pairwise(LEARNING):
            gain = cells[more, size].impact[:, -1] - cells[less, size].impact[:, -1]
            _, low, _ = interval(gain)
            assert low > 0, f"{size:.1%}: p = {more} against {less}"
