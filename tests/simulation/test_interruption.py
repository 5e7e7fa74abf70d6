"""An order in work yields to an emergency: whole worlds."""

from pathlib import Path

import polars as pl

from marketsim.scenario import load_text
from tests.simulation.worlds import MINUTE, recorded

LONG_ORDER = """schema: marketsim/1
name: long-order
clock: {start: 2024-02-01T23:50:00Z, duration: 90min}
underlyings: [{id: BNB, index: {kind: path, points: [[0s, 300 USDT], [4min, 318 USDT], [22min, 267 USDT]]}}]
markets: [{id: B, underlying: BNB, tick: 0.01 USDT, lot: 0.01 BNB, mark: {rule: index}}]
tokens:
  - id: BNB3L
    issuer: x
    basket: {B: 3}
    aum: 5 MUSDT
    nav: 10 USDT
    rebalance: {policy: daily, at: "00:02", emergency: {leverage: 4, side: delever}}
    execution: {algorithm: twap, over: 40min, slices: 40}
traders: [{id: mm, kind: market_maker, market: B, count: 8, capital: 20 MUSDT, memory_weight: 0}]
record: {tokens: 1min}
"""


def test_a_purchase_of_forty_minutes_ends_where_the_fund_s_leverage_is_beyond_the_emergency(tmp_path: Path) -> None:
    """It buys from 00:02 on; at 00:12 the coin falls by 16 %. Nothing is bought after that."""
    run = recorded(load_text(LONG_ORDER), tmp_path)
    first, second = run.table("rebalances").sort("id").rows(named=True)
    assert (first["trigger"], first["status"]) == ("scheduled", "partial")
    assert (second["trigger"], second["t_decide_ns"], second["status"]) == ("emergency", 22 * MINUTE, "done")
    after = run.table("children").filter(pl.col("t_ns") > 22 * MINUTE)
    assert after["filled_lots"].max() < 0
    assert (after["parent"] == second["id"]).all()
    events = run.table("events")
    (backlog,) = events.filter(event="backlog").rows(named=True)
    assert '"reason": "superseded"' in backlog["detail"]
    assert backlog["t_ns"] == 22 * MINUTE
    states = events.filter(event="state")["detail"].to_list()
    assert len(states) == 2  # one rebalance without a rest between the two orders
    tokens = run.table("tokens").sort("t_ns")
    assert tokens.filter(pl.col("t_ns") > 63 * MINUTE)["leverage"].max() < 3.1
