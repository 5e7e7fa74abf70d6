"""Tokens rebalanced almost continuously against Avellaneda and Zhang 2010 (SIAM J. Fin. Math. 1:586-603).

A_T / A_0 = (S_T / S_0)^L exp(-(L^2 - L) / 2 x integral of variance), with no interest, fees or funding
(docs/products.md#volatility-decay). Writes volatility_decay.csv and the picture volatility_decay.svg.
"""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import numpy as np
import pytest

import marketsim as ms
from tests.verification.results import WORLDS, draw, interval, write_table

SEEDS = range(1, 11)
DAYS = 30
VARIANCE = 0.65**2 * DAYS / 365  # of the log index over the run
LEVERAGE = {"UP3": 3, "DOWN3": -3}


def _decay(seed: int) -> list[dict[str, float | str | int]]:
    """Log NAV growth less L times the log growth of the index, by token, for one path."""
    model = ms.MarketModel(str(WORLDS / "decay.yaml"), seed=seed)
    try:
        navs = {desk.token.id: float(desk.snapshot(0)[0]["nav"]) for desk in model.desks}
        first = model.view.index_ticks("BTC-PERP")
        model.env.run()
        move = float(np.log(model.view.index_ticks("BTC-PERP") / first))
        rows: list[dict[str, float | str | int]] = []
        for desk in model.desks:
            L = LEVERAGE[desk.token.id]
            growth = float(np.log(desk.snapshot(model.env.now)[0]["nav"] / navs[desk.token.id]))
            rows.append(
                {
                    "seed": seed,
                    "token": desk.token.id,
                    "index_log_return": move,
                    "nav_log_return": growth,
                    "decay": growth - L * move,
                    "theory": -0.5 * (L * L - L) * VARIANCE,
                }
            )
        return rows
    finally:
        model.close()


@pytest.fixture(scope="module")
def paths() -> list[dict[str, float | str | int]]:
    rows = [row for seed in SEEDS for row in _decay(seed)]
    write_table("volatility_decay", rows)
    point = (
        alt.Chart()
        .mark_point()
        .encode(
            x=alt.X("index_log_return:Q", title="log return of the index, 30 days"),
            y=alt.Y("decay:Q", title="log return of the NAV - L x that of the index"),
            color=alt.Color("token:N", title=None),
        )
    )
    theory = alt.Chart().mark_rule(strokeDash=[4, 4]).encode(y="theory:Q", color=alt.Color("token:N", title=None))
    draw("volatility_decay", rows, "Volatility decay of ten paths; dashed: Avellaneda and Zhang", [point, theory])
    return rows


@pytest.mark.parametrize("token", ["UP3", "DOWN3"])
def test_a_token_decays_as_avellaneda_and_zhang_say(
    paths: list[dict[str, float | str | int]], token: str, say: Callable[[str], None]
) -> None:
    L = LEVERAGE[token]
    theory = -0.5 * (L * L - L) * VARIANCE
    decays = np.array([float(row["decay"]) for row in paths if row["token"] == token])
    mean, low, high = interval(decays)
    say(f"{token}: {mean:.5f} ({low:.5f} to {high:.5f}), theory {theory:.5f}")
    assert low <= theory <= high
    assert abs(mean / theory - 1) < 0.02
