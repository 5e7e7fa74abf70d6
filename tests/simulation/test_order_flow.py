"""A flow without intelligence as a whole world: its counts are those of Poisson laws, and money stays where it was."""

from typing import Any

import polars as pl
import pytest
from scipy import stats

from tests.simulation.worlds import FREE, SECOND, STILL, Recorded, recorded, world

FLOW = {
    "id": "flow",
    "kind": "order_flow",
    "market": "BTC-PERP",
    "capital": "10 MUSDT",
    "size": "60 USDT",
    "limits": {"rates": ["3/s", "2/s", "1/s"]},
    "market_rate": "2/s",
    "cancel_rate": "30/min",
}
COINS: dict[str, Any] = {"id": "BTC-PERP", "underlying": "BTC", "kind": "spot", "tick": "0.1 USDT", "lot": "0.001 BTC"}
SECONDS = 300


@pytest.fixture(scope="module", params=["perpetual", "spot"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    market = FREE if request.param == "perpetual" else COINS
    whole = world(
        duration="5min", index=STILL, market=market, traders=[FLOW], record={"trades": "all", "orders": "all"}
    )
    return recorded(whole, tmp_path_factory.mktemp("flow"))


def is_poisson(count: int, mean: float) -> bool:
    """Whether a count lies where all but one in 10,000 of a Poisson law do."""
    low, high = stats.poisson.interval(0.9999, mean)
    return bool(low <= count <= high)


def test_orders_of_each_sort_and_side_are_as_many_as_their_rates_say(run: Recorded) -> None:
    orders = run.table("orders")
    assert orders.filter(action="reject").is_empty()
    placed = orders.filter(action="place")
    for side in ("buy", "sell"):
        assert is_poisson(placed.filter(side=side, order_type="limit").height, 6 * SECONDS)
        assert is_poisson(placed.filter(side=side, order_type="market").height, 2 * SECONDS)
    assert set(placed["size_lots"]) == {2}  # 60 USDT at 30,000 in lots of 0.001
    assert set(placed.filter(pl.col("t_ns") < SECONDS * SECOND)["account"]) == {0, 1}


def test_orders_are_cancelled_at_their_rate_for_as_long_as_they_rest(run: Recorded) -> None:
    """Given the lives that were lived, cancels are a Poisson process: their mean is rate x time that orders rested."""
    orders = run.table("orders").filter(order_type="limit")
    ends = orders.filter(action="cancel").select("order_id", gone="t_ns")
    filled = run.table("trades").group_by("maker_order").agg(gone=pl.col("t_ns").max())
    ends = pl.concat([ends, filled.rename({"maker_order": "order_id"})]).group_by("order_id").agg(pl.col("gone").min())
    rested = orders.filter(action="place").join(ends, on="order_id", how="left")
    time = (rested["gone"].fill_null(SECONDS * SECOND) - rested["t_ns"]).sum() / SECOND
    assert is_poisson(orders.filter(action="cancel").height, 0.5 * time)


def test_money_stays_within_the_world(run: Recorded) -> None:
    assert run.residual_atoms == 0
    assert run.table("trades").height > 1_000
