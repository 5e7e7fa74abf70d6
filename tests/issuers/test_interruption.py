"""Orders in work that yield to an emergency or ripcord, and those that do not."""

from json import loads
from typing import Any

import pytest

from tests.issuers.fake_venue import BTC, MINUTE, SECOND, World

ETH2X: dict[str, Any] = {
    "policy": "fli", "min": "1.7", "max": "2.3", "speed": "100%", "every": "10min", "ripcord": "2.7",
    "max_trade": "60000 BTC", "cooldown": "5min", "ripcord_max_trade": "160000 BTC", "ripcord_cooldown": "1min",
    "poll": "1s",
}  # fmt: skip
T_RESET = 2 * MINUTE
TWAP = {"algorithm": "twap", "over": "40min", "slices": 40}


def daily(**emergency: Any) -> dict[str, Any]:
    return {"policy": "daily", "at": "00:02", "emergency": emergency}


def worked(world: World, end_ns: int) -> list[dict[str, Any]]:
    world.run_to(end_ns - 1)
    for desk in world.desks:
        desk.finish(end_ns)
    keys = ("trigger", "t_decide_ns", "status")
    return [{key: row[key] for key in keys} for row in world.rows.get("rebalances", [])]


def reasons(world: World) -> list[str]:
    told = [loads(row["detail"])["orders"] for row in world.rows["events"] if row["event"] == "backlog"]
    return [order["reason"] for orders in told for order in orders]


def decided(*rows: tuple[str, int, str]) -> list[dict[str, Any]]:
    return [dict(zip(("trigger", "t_decide_ns", "status"), row, strict=True)) for row in rows]


def test_a_purchase_in_work_yields_at_the_instant_at_which_leverage_is_beyond() -> None:
    """+1 % at 00:01, so it buys; -15 % at 00:12:30, between two slices: leverage 3 x .8416 / (1 - 3 x .1584) = 4.8."""
    world = World({BTC: 300_000})
    desk = world.issue(rebalance=daily(leverage="4", side="delever"), execution=TWAP)
    at = 12 * MINUTE + 30 * SECOND
    world.follow([(MINUTE, 303_000), (at, 255_000)])
    assert worked(world, 30 * MINUTE) == decided(("scheduled", T_RESET, "partial"), ("emergency", at, "partial"))
    assert reasons(world) == ["superseded", "end_of_run"]
    lots = [(order.sent["t_ns"], order.sent["lots"]) for order in world.orders]
    assert all(n > 0 for t, n in lots if t < at)
    assert all(n < 0 for t, n in lots if t >= at)
    assert desk.token.reset_ticks == {BTC: 300_000}  # neither order was a reset yet
    assert [loads(row["detail"]) for row in world.rows["events"] if row["event"] == "state"] == [
        {"from": "TRADING", "to": "REBALANCING"}
    ]


def test_a_move_since_the_last_reset_counts_from_the_reset_before_the_order_that_was_cut() -> None:
    world = World({BTC: 300_000})
    world.issue(rebalance=daily(move="15%", side="losing"), execution=TWAP)
    world.follow([(MINUTE, 303_000), (10 * MINUTE, 254_000)])
    rows = worked(world, 20 * MINUTE)
    assert rows == decided(("scheduled", T_RESET, "partial"), ("emergency", 10 * MINUTE, "partial"))


def test_an_emergency_that_was_due_when_the_order_was_decided_brings_nothing_new() -> None:
    """-12 % at 00:02 itself: the reset by the clock comes first, sells to the target, and is worked to its end."""
    world = World({BTC: 300_000})
    world.issue(rebalance=daily(leverage="4", side="delever"), execution=TWAP)
    world.follow([(T_RESET, 264_000)])
    assert worked(world, 50 * MINUTE) == decided(("scheduled", T_RESET, "done"))


def test_an_emergency_in_work_goes_on_while_what_is_due_anew_would_trade_to_the_same_side() -> None:
    world = World({BTC: 300_000})
    world.issue(rebalance=daily(leverage="4", side="delever"), execution=TWAP)
    first = 5 * MINUTE
    world.follow([(first, 264_000), (15 * MINUTE, 270_000), (25 * MINUTE, 240_000)])
    rows = worked(world, first + 40 * MINUTE)
    assert rows[-1] == decided(("emergency", first, "done"))[0]
    assert "superseded" not in reasons(world)


def test_an_emergency_in_work_yields_to_one_of_the_other_side() -> None:
    """Two-sided: +40 % leaves leverage 1.9 and it buys, then -25 % from there leaves more than 4 and it sells."""
    world = World({BTC: 300_000})
    world.issue(rebalance=daily(leverage="4", side="both"), execution=TWAP)
    world.follow([(5 * MINUTE, 420_000), (30 * MINUTE, 315_000)])
    rows = worked(world, 50 * MINUTE)
    assert rows == decided(("emergency", 5 * MINUTE, "partial"), ("emergency", 30 * MINUTE, "partial"))
    assert [order.sent["lots"] > 0 for order in (world.orders[0], world.orders[-1])] == [True, False]


def test_a_resting_order_comes_back_before_the_emergency_is_worked() -> None:
    passive = {"algorithm": "passive", "offset": "10 bps", "timeout": "30min", "reprice": "10min"}
    world = World({BTC: 300_000})
    world.issue(rebalance=daily(leverage="4", side="delever"), execution=passive)
    world.follow([(MINUTE, 303_000), (5 * MINUTE, 255_000)])
    rows = worked(world, 10 * MINUTE)
    assert rows == decided(("scheduled", T_RESET, "partial"), ("emergency", 5 * MINUTE, "partial"))
    bought, sold = world.orders
    assert (bought.status, bought.sent["lots"] > 0, sold.sent["lots"] > 0) == ("cancelled", True, False)


def test_a_polled_emergency_ends_an_order_at_its_next_look() -> None:
    world = World({BTC: 300_000})
    world.issue(rebalance=daily(leverage="4", side="delever", poll="7min"), execution=TWAP)
    world.follow([(MINUTE, 303_000), (10 * MINUTE, 255_000)])
    rows = worked(world, 20 * MINUTE)
    assert rows == decided(("scheduled", T_RESET, "partial"), ("emergency", 14 * MINUTE, "partial"))


@pytest.mark.parametrize("execution", [TWAP, {"algorithm": "hidden", "window": "40min", "slices": 20}])
def test_a_chunk_of_fli_yields_to_the_ripcord(execution: dict[str, Any]) -> None:
    """+10 % and the interval is over at 10 min: it buys; -25 % at 15 min is 2 x .68 / (1 - 2 x .32) > 2.7: ripcord."""
    world = World({BTC: 300_000})
    world.issue(basket={BTC: "2"}, rebalance=ETH2X, execution=execution)
    world.follow([(5 * MINUTE, 330_000), (15 * MINUTE, 225_000)])
    first, second = worked(world, 20 * MINUTE)[:2]
    assert (first["trigger"], first["status"]) == ("fli", "partial")
    assert (second["trigger"], second["t_decide_ns"]) == ("ripcord", 15 * MINUTE)


def test_a_band_without_an_emergency_works_its_order_to_the_end() -> None:
    world = World({BTC: 300_000})
    world.issue(rebalance={"policy": "band", "lower": "2", "upper": "4"}, execution=TWAP)
    world.follow([(5 * MINUTE, 264_000), (20 * MINUTE, 240_000)])
    assert worked(world, 46 * MINUTE)[0] == decided(("band", 5 * MINUTE, "done"))[0]
