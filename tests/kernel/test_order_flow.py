"""Order flow without intelligence at the kernel's speed: every order against a plain twin, and corners of the book."""

from typing import Any

import numpy as np

from marketsim.kernel import codes
from tests.kernel.checks import check_world
from tests.kernel.rule_worlds import KEY, RuleWorld
from tests.kernel.worlds import SECOND
from tests.reference.order_flow import Row, rows

RISING = [2**31, 3 * 2**30, 2**32]  # half of the limit orders at 1 tick, a quarter at 2, a quarter at 3
MOSTLY_LIMITS = 3 * 2**29  # of 2^31: three quarters
WORDS = {(codes.A_CANCEL, codes.T_LIMIT): "cancel", (codes.A_PLACE, codes.T_LIMIT): "limit"}


def flow(**changed: Any) -> RuleWorld:
    """Four accounts, 20 wake-ups a second, orders of one lot at the index of 10,000, a life of 2 s."""
    parameters = dict(limit_threshold=MOSTLY_LIMITS, size_ticklots=10_000.0, life_ns=2.0 * SECOND)
    parameters |= dict(levels=3, level_table=np.array(RISING)) | changed
    return RuleWorld("order_flow", parameters, count=4, gap_ns=SECOND // 5, logs=("trades", "orders"))


def orders(market: RuleWorld) -> list[Row]:
    found = []
    for row in market.world.take_log("orders"):
        what = WORDS.get((int(row["action"]), int(row["order_type"])), "market")
        price = 0 if what == "market" else int(row["price_ticks"])
        found.append((int(row["t_ns"]), what, int(row["side"]), price, int(row["account"])))
    return found


def test_every_order_and_every_cancel_is_the_twins() -> None:
    market = flow()
    market.advance(100)
    found = orders(market)
    assert found == rows(KEY, 4, SECOND / 20, 100 * SECOND, MOSTLY_LIMITS, RISING, 2.0 * SECOND, 10_000)
    counts = {what: sum(each[1] == what for each in found) for what in ("limit", "market", "cancel")}
    assert counts["limit"] + counts["market"] > 1_800
    assert counts["cancel"] > 500
    assert len(market.trades()) > 200
    check_world(market.world)


def test_with_one_level_the_book_keeps_the_two_prices_that_its_first_order_makes() -> None:
    """The first order is one tick from the index of 10,000, and every later one a tick from the best opposite price."""
    market = flow(limit_threshold=2**31, levels=1, level_table=np.array([2**32]), life_ns=1e9 * SECOND)
    market.advance(50)
    first = orders(market)
    prices = {0: 9_999, 1: 10_000} if first[0][2] == 0 else {0: 10_000, 1: 10_001}
    assert {(side, price) for _, _, side, price, _ in first} == set(prices.items())
    assert market.world.get("live_orders") == len(first) > 900
    assert market.trades() == []


def test_half_of_the_accounts_rest_orders_and_the_other_half_trade_with_them() -> None:
    market = flow()
    market.advance(100)
    trades = market.trades()
    assert {trade["maker_account"] for trade in trades} == {0, 1}
    assert {trade["taker_account"] for trade in trades} == {2, 3}
    assert {trade["size_lots"] for trade in trades} == {1}


def test_market_orders_alone_find_an_empty_book() -> None:
    market = flow(limit_threshold=0)
    market.advance(50)
    assert market.trades() == []
    assert {what for _, what, *_ in orders(market)} == {"market"}
    assert market.world.get("live_orders") == 0


def test_no_order_is_placed_below_one_tick() -> None:
    """An index of 2 ticks: a bid 2 or 3 ticks from an ask of 2 or less has no price and is not sent."""
    market = RuleWorld(
        "order_flow",
        dict(limit_threshold=2**31, size_ticklots=2.0, life_ns=1.0 * SECOND, levels=3, level_table=np.array(RISING)),
        count=2, gap_ns=SECOND // 5, path=(2,), logs=("orders",),
    )  # fmt: skip
    market.advance(100)
    bids = [price for _, _, side, price, _ in orders(market) if side == 0]
    assert min(bids) >= 1
    assert market.world.get("reject_count") == 0
    check_world(market.world)
