"""Listed orders from outside: each event is a stranger to the others."""

from pathlib import Path

import polars as pl

from marketsim import run as run_scenario
from tests.simulation.worlds import NOISE, STILL, recorded, world

BUY = {"at": "2min", "kind": "order", "market": "BTC-PERP", "size": "1 BTC"}
SELL = {"at": "1min", "kind": "order", "market": "BTC-PERP", "size": "-1 BTC", "type": "limit", "price": "30000 USDT"}


def test_two_order_events_trade_with_each_other(tmp_path: Path) -> None:
    run = recorded(world(index=STILL, traders=[], events=[SELL, BUY], record={"orders": "all"}), tmp_path)
    (trade,) = run.table("trades").rows(named=True)
    assert trade["size_lots"] == 1_000
    assert trade["taker_account"] != trade["maker_account"]
    assert not (run.table("orders")["action"] == "reject").any()
    accounts = run.table("accounts").filter(cohort="event").select("account", "start_equity_atoms").rows()
    assert accounts == [(1_100_000_000, 0), (1_150_000_001, 0)]


def test_one_more_order_event_moves_nobody_s_account(tmp_path: Path) -> None:
    few = recorded(world(index=STILL, traders=[NOISE], events=[SELL]), tmp_path / "few")
    many = recorded(world(index=STILL, traders=[NOISE], events=[SELL, {**SELL, "at": "3min"}]), tmp_path / "many")
    ids = [set(run.table("accounts")["account"]) for run in (few, many)]
    assert ids[1] - ids[0] == {1_150_000_001}
    assert ids[0] <= ids[1]


def test_the_count_of_rejected_orders_is_that_of_the_rows(tmp_path: Path) -> None:
    """Makers whose cancels take a second find their orders gone: no order was rejected by that."""
    late = {
        "id": "mm", "kind": "market_maker", "market": "BTC-PERP", "count": 2, "capital": "2 MUSDT",
        "latency": {"exponential": "900ms"},
    }  # fmt: skip
    crowd = {**NOISE, "rate": "300/h", "latency": {"exponential": "6s"}}
    scenario = world(traders=[late, crowd], record={"orders": "all"})
    run = run_scenario(scenario, out=str(tmp_path), report=False)
    rows = run.table("orders").filter(pl.col("action") == "reject").height
    assert run.manifest["counts"]["rejected_orders"] == rows
