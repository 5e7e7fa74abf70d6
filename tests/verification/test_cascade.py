"""A liquidation cascade closes its books: scenarios/crash.yaml, a levered crowd and a fall of 8 % in one second.

Writes cascade.csv and the picture cascade.svg.
"""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import numpy as np

import marketsim as ms
from marketsim.clock import Phase
from tests.verification.results import SCENARIOS, draw, write_table

S = 10**9
JUMP_S = 3_600
EVERY_S = 10


def test_a_liquidation_cascade_closes_to_the_atom(say: Callable[[str], None]) -> None:
    """Balances sum to deposits and positions to zero, at every look; every levered trader under water is dealt with."""
    model = ms.MarketModel(str(SCENARIOS / "crash.yaml"), set={"record.trades": "none"})
    world, rows = model.world, []
    fund = model.wired.cohorts.names.index("insurance")
    for t in range(EVERY_S, model.env.end_ns // S, EVERY_S):
        model.env.run(model.env.at(t * S, Phase.RECORD))
        accounts = world.accounts[: world.get("n_accounts")]
        positions = world.positions[: world.get("n_positions")]
        assert world.check_conserved() == 0, f"money at {t} s"
        assert int(positions["lots"].sum()) == 0, f"positions at {t} s"
        equity = world.equity_atoms()
        rows.append(
            {
                "t_s": t,
                "index": model.view.index_ticks("BTC-PERP") / 10,
                "mid": (model.view.mid("BTC-PERP") or 0.0) / 10,
                "liquidated": int((accounts["liquidations"] > 0).sum()),
                "insurance_usdt": float(equity[accounts["cohort"] == fund].sum() / 1e8),
                "deleveraged": world.get("deleveraging_count"),
            }
        )
    by_group = {
        name: int((accounts["liquidations"][accounts["cohort"] == k] > 0).sum())
        for k, name in enumerate(model.wired.cohorts.names)
    }
    traders = equity[: model.wired.traders]
    model.close()
    write_table("cascade", rows)
    near = [
        {"minutes": (row["t_s"] - JUMP_S) / 60, "usdt": row[what], "what": what}
        for row in rows
        if abs(row["t_s"] - JUMP_S) <= 900
        for what in ("index", "mid")
    ]
    line = (
        alt.Chart()
        .mark_line()
        .encode(
            x=alt.X("minutes:Q", title="minutes from the fall of the index"),
            y=alt.Y("usdt:Q", scale=alt.Scale(zero=False), title="USDT"),
            color=alt.Color("what:N", title=None),
        )
    )
    draw("cascade", near, "A fall of 8 % and the liquidations it sets off", [line])
    before, after = (next(row for row in rows if row["t_s"] >= t) for t in (JUMP_S - EVERY_S, JUMP_S + 600))
    fund_usdt = [rows[k]["insurance_usdt"] for k in (0, -1)]
    say(f"liquidated { ({k: n for k, n in by_group.items() if n}) }, insurance fund from and to {fund_usdt} USDT")
    assert after["liquidated"] - before["liquidated"] > 200
    assert int(np.min(traders)) >= 0, "a loss beyond a trader's equity is the fund's or the winners'"
    assert rows[-1]["mid"] > 0
