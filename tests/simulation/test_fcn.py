"""FCN agents as a whole world: limit orders that end with the window, money that stays within it."""

import polars as pl
import pytest

from tests.simulation.test_order_flow import COINS
from tests.simulation.worlds import FREE, SECOND, STILL, Recorded, recorded, world

AGENTS = {
    "id": "agents",
    "kind": "fcn",
    "market": "BTC-PERP",
    "count": 50,
    "rate": "4/min",
    "capital": "1 MUSDT",
    "size": "60 USDT",
    "chart": {"exponential": 0.2},
    "reversion": {"uniform": ["5s", "10s"]},
    "window": {"uniform": ["5s", "20s"]},
    "margin": {"uniform": [0, 0.01]},
}
RECORD = {"trades": "all", "orders": "all"}


@pytest.fixture(scope="module", params=["perpetual", "spot"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    market = FREE if request.param == "perpetual" else COINS
    whole = world(duration="3min", index=STILL, market=market, traders=[AGENTS], record=RECORD)
    return recorded(whole, tmp_path_factory.mktemp("fcn"))


def test_all_they_send_are_limit_orders_of_one_size(run: Recorded) -> None:
    placed = run.table("orders").filter(action="place")
    assert set(placed["order_type"]) == {"limit"}
    assert set(placed["size_lots"]) == {2}  # 60 USDT at 30,000 in lots of 0.001
    assert run.table("trades").height > 100
    assert run.residual_atoms == 0


def test_orders_rest_for_five_to_twenty_seconds_and_each_agents_for_as_long(run: Recorded) -> None:
    orders = run.table("orders")
    gone = orders.filter(action="cancel", reason="cancelled").select("order_id", gone="t_ns")
    lives = orders.filter(action="place").join(gone, on="order_id").with_columns(life=pl.col("gone") - pl.col("t_ns"))
    assert lives.height > 100
    assert lives["life"].is_between(5 * SECOND, 20 * SECOND).all()
    assert lives.group_by("account").agg(pl.col("life").n_unique())["life"].max() == 1
