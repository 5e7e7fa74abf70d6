"""A liquidation cascade closes its books: scenarios/crash.yaml, a levered crowd and a fall of 8 % in one second.

And a million levered accounts in a fall of 30 %.

Writes cascade.csv and the picture cascade.svg.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

import altair as alt
import numpy as np

import marketsim as ms
from marketsim.clock import Phase
from marketsim.scenario import load_text
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


MILLION = """
schema: marketsim/1
name: million
clock: {duration: 10min}
underlyings: [{id: BTC, index: {kind: gbm, price: 30000 USDT, volatility: 70%/yr}}]
markets: [{id: BTC-PERP, underlying: BTC, preset: binance_2024, insurance_fund: 1 MUSDT}]
traders:
  - {id: noise, kind: noise, market: BTC-PERP, count: 400, rate: 30/h, capital: 20 kUSDT}
  - {id: makers, kind: market_maker, market: BTC-PERP, count: 5, capital: 2 MUSDT}
  - id: levered
    kind: retail
    market: BTC-PERP
    count: 1000000
    rate: 1/d
    capital: 100 USDT
    start: {leverage: {uniform: [5, 100]}, long_share: 100%}
events: [{at: 5min, kind: jump, underlying: BTC, size: -30%}]
"""


def test_a_million_accounts_in_one_crash_end_in_a_minute_with_closed_books(say: Callable[[str], None]) -> None:
    """At 5 to 100 times its capital a fall of 30 % leaves nobody above zero: all are closed at that mark step."""
    model = ms.MarketModel(load_text(MILLION))
    world = model.world
    model.env.run(299 * S)
    began = process_time()
    model.env.run(302 * S)
    seconds = process_time() - began
    accounts = world.accounts[: world.get("n_accounts")]
    own = accounts["cohort"] == model.wired.cohorts.names.index("levered")
    say(f"{seconds:.1f} s of processor time, {world.get('deleveraging_count'):,} deleveragings")
    assert int((accounts["liquidations"][own] > 0).sum()) == 1_000_000
    assert int(world.equity_atoms()[own].min()) >= 0
    assert world.liquidations_under_way(0) == 0
    assert world.check_conserved() == 0
    assert int(world.positions[: world.get("n_positions")]["lots"].sum()) == 0
    model.close()
    assert seconds < 60
