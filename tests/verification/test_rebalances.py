"""Rebalances: their size, their direction, and what they do to the price.

Sizes: Cheng and Madhavan 2009 (J. Investment Management 7(4):43-62): an order of L (L - 1) A r after a return r, always
in the direction of the move, for L > 1 and for L < 0. Effects: each run has a twin of the same luck whose tokens hold
nothing. Writes resets.csv, crowded_reset.csv and the pictures resets.svg and crowded_reset.svg.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import altair as alt
import numpy as np
import pytest

from tests.verification.resets import Floats, Rows, run
from tests.verification.results import SCENARIOS, draw, interval, write_table

NIGHT = str(SCENARIOS / "reset_night.yaml")
CROWDED = str(SCENARIOS / "crowded_reset.yaml")
FIXED = str(SCENARIOS / "fixed_path.yaml")
NS = 10**9

LEVERAGES = (5, 3, 2, -1, -3)
PATH_USDT = ("30000", "31500", "28350", "30618", "30005.6", "33006.2", "30000")  # of scenarios/fixed_path.yaml

JUMP = Fraction(-3, 100)
RESET_S = 5_520  # 00:02, from 22:30
AUMS_MUSDT = (0, 5, 20, 80)
SEEDS = range(1, 9)


def _token(name: str, leverage: int, aum: str, execution: str) -> str:
    return (
        f"{{id: {name}, issuer: alpha, basket: {{BTC-PERP: {leverage}}}, aum: {aum}, nav: 100 USDT, "
        f'rebalance: {{policy: daily, at: "00:02"}}, execution: {execution}}}'
    )


def test_a_rebalance_restores_leverage_with_an_order_of_l_times_l_minus_one_times_assets_times_return(
    say: Callable[[str], None],
) -> None:
    off_book = "{algorithm: off_book, off_book_fees: false}"
    tokens = ", ".join(_token(f"T{i}", L, "100 MUSDT", off_book) for i, L in enumerate(LEVERAGES))
    _, rows = run(FIXED, 1, {"tokens": f"[{tokens}]"}, 86_400)
    prices = [Fraction(p) for p in PATH_USDT]
    worst = Fraction(0)
    for i, L in enumerate(LEVERAGES):
        assets = Fraction(100_000_000)
        orders = [row["target_lots"] for row in rows if row["token"] == f"T{i}"]
        assert len(orders) == 5  # the sixth move is after the last reset
        for (before, after), order in zip(pairwise(prices), orders, strict=False):
            r = after / before - 1
            expected = L * (L - 1) * assets * r / after * 1000  # lots of 0.001 BTC
            assets *= 1 + L * r
            worst = max(worst, abs(order - expected))
    say(f"largest difference {float(worst):.2f} lots, of orders of up to a million")
    assert worst <= 2  # half a lot of this order and of the position before it, and what that earned


@pytest.fixture(scope="module")
def resets() -> dict[int, Floats]:
    """By AUM: log mids each 10 s of a night on which the index fell by 3 % before the reset, shape (seeds, times)."""
    return _night_by_aum()


def _night_by_aum() -> dict[int, Floats]:
    found = {}
    for aum in AUMS_MUSDT:
        sized = {"tokens.*.aum": f"{aum} MUSDT"}
        found[aum] = np.array([run(NIGHT, seed, sized, 10)[0] for seed in SEEDS])
    _write_resets(found)
    return found


def _write_resets(found: dict[int, Floats]) -> None:
    rows, lines = [], []
    for aum in AUMS_MUSDT[1:]:
        effect = (found[aum] - found[0]) * 1e4
        end = RESET_S // 10 + 29
        mean, low, high = interval(effect[:, end])
        order = 18 * aum * abs(float(JUMP))
        rows.append({"aum_each_musdt": aum, "order_musdt": order, "effect_bp": mean, "low_bp": low, "high_bp": high})
        for k in range(end - 60, effect.shape[1], 6):
            minutes = ((k + 1) * 10 - RESET_S) / 60
            lines.append({"minutes": minutes, "bp": float(effect[:, k].mean()), "aum": f"{aum} + {aum} MUSDT"})
    write_table("resets", rows)
    line = (
        alt.Chart()
        .mark_line()
        .encode(
            x=alt.X("minutes:Q", title="minutes from the reset"),
            y=alt.Y("bp:Q", title="mid against its twin without tokens [bp]"),
            color=alt.Color("aum:N", title="assets of +3 and -3"),
        )
    )
    draw("resets", lines, "A reset after a fall of 3 %, mean of eight pairs", [line])


def test_the_impact_of_a_reset_follows_the_move_and_grows_with_assets(
    resets: dict[int, Floats], say: Callable[[str], None]
) -> None:
    end = RESET_S // 10 + 29
    effects = {aum: (resets[aum] - resets[0])[:, end] * 1e4 for aum in AUMS_MUSDT}
    for less, more in pairwise(AUMS_MUSDT):
        mean, low, high = interval(effects[more])
        say(f"{more} MUSDT each: {mean:.1f} bp ({low:.1f} to {high:.1f}) at the end of the reset")
        assert high < 0, "a fall is followed by sales"
        assert interval(effects[more] - effects[less])[2] < 0


def test_a_reset_amplifies_the_move_more_the_larger_the_tokens_are(
    resets: dict[int, Floats], say: Callable[[str], None]
) -> None:
    """Amplification: sum x_f x_c / sum x_c^2 of the moves from before the jump to the end of the reset
    (docs/contract.md#measures)."""
    before, end = 4_700 // 10, RESET_S // 10 + 29
    moves = {aum: resets[aum][:, end] - resets[aum][:, before] for aum in AUMS_MUSDT}
    found = [float((moves[aum] * moves[0]).sum() / (moves[0] ** 2).sum()) for aum in AUMS_MUSDT]
    say(f"amplification {dict(zip(AUMS_MUSDT, (round(x, 3) for x in found), strict=True))}")
    assert found[0] == 1.0
    assert all(less < more for less, more in pairwise(found))
    # Order 18 x AUM x 3 %; a square root with Y between 0.5 and 1.3 of 340 bp at 1.7 GUSDT a day.
    for aum in AUMS_MUSDT[1:]:
        root = 340.0 * np.sqrt(18 * aum * 0.03 / 1_700.0)
        _, low, high = interval((moves[0] - moves[aum]) * 1e4)
        assert low <= 1.3 * root, aum
        assert high >= 0.5 * root, aum


@pytest.fixture(scope="module")
def crowded() -> tuple[Floats, Floats, Rows]:
    """scenarios/crowded_reset.yaml and its twin without tokens: log mids each 10 s, and the rebalances."""
    factual, rows = run(CROWDED, 20240101, {}, 10)
    twin, _ = run(CROWDED, 20240101, {"tokens.*.aum": "0 USDT"}, 10)
    write_table("crowded_reset", [{k: v for k, v in row.items() if k != "id"} for row in rows])
    lines = []
    for night in sorted({row["t_decide_ns"] for row in rows if row["trigger"] == "scheduled"}):
        first = night // (10 * NS)
        for k in range(first - 60, first + 361, 6):
            effect = float(factual[k] - twin[k]) * 1e4
            lines.append({"minutes": (k - first) / 6, "bp": effect, "night": f"{night / 3.6e12:.0f} h"})
    line = (
        alt.Chart()
        .mark_line()
        .encode(
            x=alt.X("minutes:Q", title="minutes from the reset"),
            y=alt.Y("bp:Q", title="mid against its twin without tokens [bp]"),
            color=alt.Color("night:N", title="reset at"),
        )
    )
    draw("crowded_reset", lines, "Three resets of six tokens on one clock", [line])
    return factual, twin, rows


def test_all_crowded_tokens_reset_every_night_at_two_minutes_past_midnight(
    crowded: tuple[Floats, Floats, Rows],
) -> None:
    scheduled = [row for row in crowded[2] if row["trigger"] == "scheduled"]
    assert len(scheduled) == 18  # six tokens, three nights
    assert {row["t_decide_ns"] for row in scheduled} == {(12 * 3600 + 120 + day * 86_400) * NS for day in range(3)}
    assert all(row["status"] == "done" for row in crowded[2])


def test_tokens_of_both_signs_trade_in_the_direction_of_the_move(crowded: tuple[Floats, Floats, Rows]) -> None:
    """The move since the token's own last reset: one that was made in an emergency lies in the middle of a day."""
    log_mids, _, rows = crowded
    checked = 0
    for token in {row["token"] for row in rows}:
        reset = float(np.log(300_000))  # the opening, in ticks
        for row in sorted((row for row in rows if row["token"] == token), key=lambda row: row["t_decide_ns"]):
            now = float(log_mids[row["t_decide_ns"] // (10 * NS) - 1])
            if abs(now - reset) > 0.002:  # a smaller move is within fees and what the last reset left over
                assert row["target_lots"] * (now - reset) > 0, row
                checked += 1
            reset = now
    assert checked >= 15


def test_crowded_resets_move_the_price_and_most_of_it_comes_back(
    crowded: tuple[Floats, Floats, Rows], say: Callable[[str], None]
) -> None:
    """The index learns 30 % of the deviation here, so that a part stays."""
    factual, twin, rows = crowded
    effect = (factual - twin) * 1e4
    for night in sorted({row["t_decide_ns"] for row in rows if row["trigger"] == "scheduled"}):
        own = [row for row in rows if row["t_decide_ns"] == night and row["trigger"] == "scheduled"]
        sign = np.sign(sum(row["target_lots"] for row in own))
        first = night // (10 * NS)
        before, end, hour = (sign * effect[k] for k in (first - 1, first + 29, first + 389))
        say(f"reset at {night / 3.6e12:.2f} h: {end - before:.1f} bp at its end, {hour - before:.1f} bp an hour later")
        assert end - before > 5
        assert hour - before < 0.6 * (end - before)
