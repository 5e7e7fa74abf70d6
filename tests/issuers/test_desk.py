"""The desk: rows of rebalances, states, and what happens when the venue touches the account."""

from json import loads
from typing import Any

import pytest

from tests.issuers.fake_venue import BTC, DAY, HOUR, MINUTE, SECOND, World

DAILY = {"policy": "daily", "at": "00:02"}
T_RESET = 2 * MINUTE


def finished(world: World, end_ns: int) -> list[dict[str, Any]]:
    world.run_to(end_ns - 1)
    for desk in world.desks:
        desk.finish(end_ns)
    return world.rows.get("rebalances", [])


def test_a_row_says_what_was_wanted_got_and_paid() -> None:
    """Bought 2 ticks above a mid of 306,000 at 5 bp: slippage 1e4 x 2 / 306,000 = 0.0654 bp."""
    world = World({BTC: 300_000}, fee_parts=50_000, slip_ticks=2)
    world.follow([(MINUTE, 306_000)])
    world.issue(rebalance=DAILY, execution={"algorithm": "market"})
    (row,) = finished(world, HOUR)
    lots = row["filled_lots"]
    assert row["target_lots"] == lots == round(3 * 53_000_000 / 30_600 * 1000) - 5_000_000
    assert (row["id"], row["cohort"], row["token"], row["market"]) == (0, "BTC3L", "BTC3L", BTC)
    assert (row["trigger"], row["price_source"], row["trigger_price"]) == ("scheduled", "mark", None)
    assert row["t_decide_ns"] == row["t_first_ns"] == row["t_last_ns"] == T_RESET
    assert row["leverage_before"] == pytest.approx(153 / 53)
    assert row["leverage_after"] == pytest.approx(3, abs=1e-3)
    assert row["equity_before_atoms"] == 53_000_000 * 10**8
    assert (row["arrival_mid"], row["vwap"]) == (pytest.approx(30_600), pytest.approx(30_600.2))
    assert row["slippage_bps"] == pytest.approx(1e4 * 2 / 306_000)
    assert row["shortfall_bps"] == row["slippage_bps"]
    assert row["fees_atoms"] == lots * 306_002 * 10_000 * 50_000 // 10**8
    assert (row["market_volume_lots"], row["participation"], row["cross_lots"]) == (lots, 1, 0)
    assert (row["children"], row["status"], row["backlog_lots"]) == (1, "done", 0)
    (order,) = world.orders
    assert (order.sent["order_type"], order.sent["parent"], order.sent["purpose"]) == ("market", 0, 1)


def test_a_sale_below_the_mid_costs_too() -> None:
    world = World({BTC: 300_000}, slip_ticks=2)
    world.follow([(MINUTE, 294_000)])
    world.issue(rebalance=DAILY, execution={"algorithm": "market"})
    (row,) = finished(world, HOUR)
    assert row["target_lots"] < 0
    assert row["slippage_bps"] == pytest.approx(1e4 * 2 / 294_000)


def test_what_no_child_could_fill_is_backlog_and_counts_at_the_mid_of_the_last_fill() -> None:
    """3 of 10 children find 1,000 lots each; the mid moves by 1 % for the rest."""
    world = World({BTC: 300_000}, depth=1_000)
    world.follow([(MINUTE, 303_000), (T_RESET + 150 * SECOND, 306_030)])
    world.issue(rebalance=DAILY, execution={"algorithm": "twap", "over": "3min", "slices": 3})
    (row,) = finished(world, HOUR)
    assert row["filled_lots"] == 3_000
    assert row["backlog_lots"] == row["target_lots"] - 3_000
    assert (row["children"], row["status"]) == (3, "partial")
    assert row["slippage_bps"] == pytest.approx(0)
    assert row["shortfall_bps"] == pytest.approx(0)
    assert row["t_last_ns"] == T_RESET + 2 * MINUTE


def test_an_empty_book_leaves_a_row_without_prices() -> None:
    world = World({BTC: 300_000}, depth=0)
    world.follow([(MINUTE, 303_000)])
    world.issue(rebalance=DAILY, execution={"algorithm": "ioc_ladder", "slice": "4 MUSDT", "every": "10s"})
    (row,) = finished(world, HOUR)
    assert (row["t_first_ns"], row["t_last_ns"], row["vwap"], row["slippage_bps"]) == (-1, -1, None, None)
    assert (row["children"], row["status"], row["filled_lots"]) == (6, "partial", 0)
    assert (row["market_volume_lots"], row["participation"], row["mid_1m"]) == (0, None, None)
    assert [order.sent["t_ns"] for order in world.orders] == [T_RESET + n * 10 * SECOND for n in range(6)]


def test_volume_counts_both_ends_of_the_window_whoever_trades_first_there() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 303_000)])
    for t_ns, lots in ((T_RESET - 1, 5), (T_RESET, 70), (T_RESET + 30 * SECOND, 900), (T_RESET + MINUTE, 11_000)):
        world.timeout(t_ns).callbacks.append(lambda _, lots=lots: world.trade(lots))
    world.issue(rebalance=DAILY, execution={"algorithm": "twap", "over": "2min", "slices": 2})
    world.timeout(T_RESET + MINUTE).callbacks.append(
        lambda _: world.timeout(0).callbacks.append(lambda _: world.trade(130_000))
    )
    world.timeout(T_RESET + MINUTE + 1).callbacks.append(lambda _: world.trade(10**6))
    (row,) = finished(world, HOUR)
    own = row["filled_lots"]
    assert row["market_volume_lots"] == own + 70 + 900 + 11_000 + 130_000
    assert row["participation"] == pytest.approx(own / row["market_volume_lots"])


def test_mids_after_the_last_fill_are_noted_and_null_beyond_the_end() -> None:
    world = World({BTC: 300_000})
    steps = [(MINUTE, 303_000), (T_RESET + 30 * SECOND, 304_000), (T_RESET + 5 * MINUTE, 305_000)]
    world.follow(steps)
    world.issue(rebalance=DAILY)
    (row,) = finished(world, HOUR)
    assert (row["mid_1m"], row["mid_10m"], row["mid_1h"]) == (pytest.approx(30_400), pytest.approx(30_500), None)


def test_mids_are_those_of_a_minute_ten_and_an_hour_after_the_last_fill_to_the_second() -> None:
    world = World({BTC: 300_000})
    moves = [(59, 304_000), (61, 305_000), (599, 306_000), (601, 307_000), (3_599, 308_000), (3_601, 309_000)]
    world.follow([(MINUTE, 303_000), *((T_RESET + MINUTE + after * SECOND, price) for after, price in moves)])
    world.issue(rebalance=DAILY, execution={"algorithm": "twap", "over": "2min", "slices": 2})
    (row,) = finished(world, T_RESET + 3 * HOUR)
    assert row["t_last_ns"] == T_RESET + MINUTE
    assert (row["mid_1m"], row["mid_10m"], row["mid_1h"]) == pytest.approx((30_400, 30_600, 30_800))


def test_the_mid_at_the_very_end_is_still_within_the_run() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 303_000)])
    world.issue(rebalance=DAILY)
    (row,) = finished(world, T_RESET + HOUR)
    assert row["mid_1h"] == pytest.approx(30_300)


def test_rows_come_in_the_order_of_their_numbers_across_tokens() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 303_000)])
    world.issue(id="SLOW", rebalance=DAILY, execution={"algorithm": "twap", "over": "20min", "slices": 20})
    world.issue(id="FAST", rebalance=DAILY)
    assert [(row["id"], row["token"]) for row in finished(world, 2 * HOUR)] == [(0, "SLOW"), (1, "FAST")]


def test_a_ladder_sends_slices_within_two_percent_until_done() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 315_000)])
    world.issue(rebalance=DAILY, execution={"algorithm": "ioc_ladder", "slice": "4 MUSDT", "every": "10s"})
    (row,) = finished(world, HOUR)
    assert row["children"] == 4  # 15 MUSDT in slices of 4
    assert [order.sent["lots"] for order in world.orders][:3] == [126_984] * 3  # 4,000,000 / 31.5
    assert {(order.sent["tif"], order.sent["price_ticks"]) for order in world.orders} == {("ioc", 321_300)}


def test_state_changes_that_last_are_events() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 303_000)])
    desk = world.issue(rebalance=DAILY, execution={"algorithm": "twap", "over": "2min", "slices": 2})
    world.run_to(T_RESET + SECOND)
    assert desk.snapshot(world.now)[0]["state"] == "REBALANCING"
    finished(world, HOUR)
    assert [(row["t_ns"], row["event"], loads(row["detail"])["to"]) for row in world.rows["events"]] == [
        (T_RESET, "state", "REBALANCING"),
        (T_RESET + MINUTE, "state", "TRADING"),
    ]


def test_an_instant_rebalance_leaves_no_event() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 303_000)])
    world.issue(rebalance=DAILY)
    finished(world, HOUR)
    assert "events" not in world.rows


@pytest.mark.parametrize("rule", [{"policy": "none"}, DAILY, {"policy": "band", "upper": 4, "side": "losing"}])
def test_a_token_without_equity_is_wiped_and_never_trades_again(rule: dict[str, Any]) -> None:
    """-34 % in one step ends a 3x holder."""
    world = World({BTC: 300_000})
    world.follow([(HOUR + 1, 198_000), (2 * HOUR, 300_000)])
    desk = world.issue(rebalance=rule, management_fee={"rate": "1 bps", "every": "90min"})
    rows = finished(world, 2 * DAY)
    assert [row["t_decide_ns"] for row in rows if row["t_decide_ns"] > HOUR] == []
    (event,) = world.rows["events"]
    assert (event["event"], event["subject"]) == ("wiped", "BTC3L")
    assert HOUR < event["t_ns"] <= HOUR + SECOND
    assert [paid[0] for paid in world.paid] == []
    row, (leg,) = desk.snapshot(2 * DAY)
    assert (row["state"], row["nav"], row["leverage"], row["trigger_down"]) == ("WIPED", 0, None, None)
    assert leg["leverage"] is None
    assert [r["t1_ns"] for r in world.rows["attribution"]][-1] == 2 * DAY


def test_a_wipe_out_stops_a_rebalance_under_way() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 290_000), (T_RESET + 90 * SECOND, 190_000)])
    world.issue(rebalance=DAILY, execution={"algorithm": "twap", "over": "10min", "slices": 10})
    (row,) = finished(world, HOUR)
    assert (row["children"], row["status"], row["leverage_after"]) == (2, "partial", None)
    assert [event["event"] for event in world.rows["events"]] == ["state", "wiped", "backlog"]


def test_a_liquidation_under_its_feet_ends_the_order_and_the_books_still_close() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 270_000)])
    desk = world.issue(rebalance=DAILY, execution={"algorithm": "twap", "over": "10min", "slices": 10})
    account = desk.token.account
    world.run_to(T_RESET + 30 * SECOND)
    world.seize(account, -world.position_lots(account, BTC), 269_000, 10**9)
    (row,) = finished(world, HOUR)
    assert (row["children"], row["status"]) == (1, "partial")
    attributed = world.rows["attribution"]
    assert attributed[-1]["closing_atoms"] == world.cash[account]
    assert sum(part["slippage_atoms"] for part in attributed) < 0


def test_funding_moves_the_price_a_band_waits_for() -> None:
    world = World({BTC: 300_000})
    desk = world.issue(rebalance={"policy": "band", "upper": 4, "poll": "0s"})
    (before,) = desk.resets.decisions.policy.triggers(desk.books.situation("mark", 0))
    world.run_to(MINUTE)
    world.settle_funding(desk.token.account, -1_000_000 * 10**8)
    (after,) = desk.resets.decisions.policy.triggers(desk.books.situation("mark", 0))
    assert after.ticks > before.ticks
    world.follow([(HOUR, after.ticks)])
    (row,) = finished(world, 2 * HOUR)
    assert row["t_decide_ns"] == HOUR


def test_a_band_may_be_measured_on_another_price_than_the_mark() -> None:
    world = World({BTC: 300_000})
    world.issue(rebalance={"policy": "band", "upper": 4, "source": "index", "poll": "0s"})
    world.timeout(MINUTE).callbacks.append(lambda _: world.set_price(260_000, index=300_000))
    world.timeout(HOUR).callbacks.append(lambda _: world.set_price(290_000, index=260_000))
    (row,) = finished(world, 2 * HOUR)
    assert (row["t_decide_ns"], row["price_source"], row["trigger_price"]) == (HOUR, "index", pytest.approx(26_000))


def test_snapshots_name_the_next_triggers() -> None:
    world = World({BTC: 300_000})
    rule = {"policy": "band", "lower": 2, "upper": 4, "poll": "0s"}
    desk = world.issue(rebalance=rule, start={"last_reset": "29000 USDT"})
    row, (leg,) = desk.snapshot(0)
    assert row["trigger_down"] == pytest.approx(30_000 * 8 / 9, abs=0.2)  # -11.11 %
    assert row["trigger_up"] == pytest.approx(40_000, abs=0.2)  # +33.3 %
    assert (row["nav"], row["supply"], row["target_leverage"]) == (100, 500_000, 3)
    assert row["last_reset_price"] == 29_000
    assert (leg["position_lots"], leg["leverage"]) == (5_000_000, 3)


def test_a_token_opens_at_its_start_leverage() -> None:
    world = World({BTC: 300_000})
    desk = world.issue(start={"leverage": "3.6"})
    assert world.position_lots(desk.token.account, BTC) == 6_000_000
    assert desk.snapshot(0)[0]["leverage"] == pytest.approx(3.6)


def test_a_basket_of_two_legs_resets_both() -> None:
    world = World({BTC: 300_000, "ETH-PERP": 20_000})
    world.follow([(MINUTE, 303_000)])
    desk = world.issue(
        basket={BTC: 2, "ETH-PERP": -1}, rebalance={**DAILY, "emergency": {"leverage": 4, "side": "both"}}
    )
    rows = finished(world, HOUR)
    assert [(row["id"], row["market"]) for row in rows] == [(0, BTC), (1, "ETH-PERP")]
    row, legs = desk.snapshot(HOUR)
    assert row["target_leverage"] is row["last_reset_price"] is row["trigger_up"] is None
    assert [leg["leverage"] for leg in legs] == pytest.approx([2, -1], abs=1e-5)


def test_an_emergency_of_a_basket_is_found_within_a_second() -> None:
    world = World({BTC: 300_000, "ETH-PERP": 20_000})
    world.issue(basket={BTC: 2, "ETH-PERP": 1}, rebalance={**DAILY, "emergency": {"leverage": 4, "side": "delever"}})
    world.follow([(HOUR + 1, 220_000)])
    rows = finished(world, 2 * HOUR)
    assert {(row["trigger"], row["t_decide_ns"]) for row in rows} == {("emergency", HOUR + SECOND)}


def test_a_token_without_supply_keeps_its_declared_nav_and_never_acts() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 200_000)])
    rule = {**DAILY, "emergency": {"leverage": 4, "side": "both"}}
    desk = world.issue(aum="0 USDT", rebalance=rule, management_fee={"rate": "1 bps"})
    assert finished(world, DAY + HOUR) == []
    row, (leg,) = desk.snapshot(DAY + HOUR)
    assert (row["nav"], row["supply"], row["leverage"], row["state"]) == (100, 0, None, "TRADING")
    assert (leg["position_lots"], leg["leverage"]) == (0, None)
    assert len(world.rows["attribution"]) == 1


def test_off_book_orders_pay_the_taker_fee_unless_told_otherwise() -> None:
    for declared, pays in (({}, True), ({"off_book_fees": False}, False)):
        world = World({BTC: 300_000}, fee_parts=50_000)
        world.follow([(MINUTE, 303_000)])
        world.issue(rebalance=DAILY, execution={"algorithm": "off_book", **declared})
        (row,) = finished(world, HOUR)
        assert (row["fees_atoms"] > 0) is pays
        assert (row["market_volume_lots"], row["participation"], row["slippage_bps"]) == (0, None, pytest.approx(0))


def test_a_schedule_missed_during_a_long_order_is_made_up_when_it_is_over() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 303_000), (DAY, 306_000), (2 * DAY, 309_000)])
    world.issue(rebalance=DAILY, execution={"algorithm": "twap", "over": "28h", "slices": 14})
    rows = finished(world, 3 * DAY)
    assert [row["t_decide_ns"] for row in rows] == [T_RESET, T_RESET + 26 * HOUR, T_RESET + 52 * HOUR]
    assert [row["status"] for row in rows] == ["done", "done", "partial"]


def test_a_run_that_ends_during_an_order_writes_what_was_done() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 303_000)])
    world.issue(rebalance=DAILY, execution={"algorithm": "twap", "over": "10min", "slices": 10})
    (row,) = finished(world, T_RESET + 3 * MINUTE)
    assert (row["children"], row["status"]) == (3, "partial")
    assert row["backlog_lots"] == row["target_lots"] - row["filled_lots"] > 0
