"""The executor and its algorithms: shares of volume, resting orders, hidden times, refusals, backlogs, sizes."""

from collections.abc import Callable
from fractions import Fraction
from json import loads
from typing import Any

import pytest

from marketsim.issuers.algorithms.child import ChildKind, Progress
from marketsim.issuers.algorithms.hidden import HiddenPlan, HiddenSpec, ListedPlan
from marketsim.issuers.algorithms.ioc_ladder import LadderPlan
from marketsim.issuers.algorithms.participation import CappedPlan
from marketsim.issuers.algorithms.passive import PassivePlan, PassiveSpec
from marketsim.issuers.algorithms.pov import PovPlan, PovSpec
from marketsim.issuers.algorithms.twap import TwapPlan, TwapSpec
from marketsim.issuers.fund.nav import Holding, Leg, cost_consistent_lots
from marketsim.issuers.orders.treatment import Flow
from marketsim.streams import Stream
from tests.issuers.fake_venue import BTC, DAY, HOUR, MINUTE, SECOND, World
from tests.reference.fund import order_notional

DAILY = {"policy": "daily", "at": "00:02"}
T_RESET = 2 * MINUTE
STREAM = Stream(1, 0, "T/jitter")
POV = {"algorithm": "pov", "share": "20%", "over": "10min", "every": "1min"}
PASSIVE = {"algorithm": "passive", "offset": "10 bps", "timeout": "5min", "reprice": "1min"}


def at(number: int, remaining: int, **more: Any) -> Progress:
    return Progress(number, remaining, Fraction(300_000), 10_000, **more)


def finished(world: World, end_ns: int) -> list[dict[str, Any]]:
    world.run_to(end_ns - 1)
    for desk in world.desks:
        desk.finish(end_ns)
    return world.rows.get("rebalances", [])


def rising(**about: Any) -> World:
    """+1 % at 00:01, so that a 3x token of 50 MUSDT buys at 00:02: 3 x 51.5 / 30,300 x 1000 = 5,099,010 - 5,000,000."""
    world = World({BTC: 300_000}, **about)
    world.follow([(MINUTE, 303_000)])
    return world


WANTED = 99_010


def soon(world: World, t_ns: int, act: Callable[[], Any]) -> None:
    world.timeout(t_ns).callbacks.append(lambda _: act())


def backlog(world: World) -> dict[str, Any]:
    (event,) = [row for row in world.rows["events"] if row["event"] == "backlog"]
    (told,) = loads(event["detail"])["orders"]
    return {"t_ns": event["t_ns"], "subject": event["subject"], **told}


# -- declarations and plans


def test_declarations_become_plans() -> None:
    assert PovSpec.model_validate(POV).plan(STREAM) == PovPlan(Fraction(1, 5), 10 * MINUTE, MINUTE)
    assert PassiveSpec.model_validate(PASSIVE).plan(STREAM) == PassivePlan(Fraction(1, 1000), 5 * MINUTE, MINUTE)
    hidden = HiddenSpec.model_validate({"algorithm": "hidden", "window": "15min", "slices": 20})
    assert hidden.plan(STREAM) == HiddenPlan(15 * MINUTE, 20, STREAM)
    twap = TwapSpec.model_validate({"algorithm": "twap", "over": "5min", "slices": 5, "max_participation": "25%"})
    assert twap.plan(STREAM) == CappedPlan(TwapPlan(5 * MINUTE, 5), Fraction(1, 4))


def test_a_share_of_all_volume_is_that_share_over_the_rest_of_others_volume() -> None:
    """20 % of all: 1 / 4 of what others trade, less what is done: 1,000 / 4 - 100 = 150."""
    plan = PovPlan(Fraction(1, 5), 10 * MINUTE, MINUTE)
    child = plan.child(at(3, -500, others_lots=1_000, done_lots=100))
    assert (child.kind, child.lots, child.limit_ticks) == (ChildKind.IOC, -150, 294_000)
    assert plan.child(at(0, -500)).lots == 0
    assert plan.child(at(3, -120, others_lots=1_000, done_lots=100)).lots == -120
    assert [plan.due_ns(n) for n in (0, 1, 10, 11)] == [0, MINUTE, 10 * MINUTE, None]


def test_a_cap_clips_another_plan_s_child_and_says_so() -> None:
    plan = CappedPlan(LadderPlan(4_000_000 * 10**8, SECOND), Fraction(1, 2))
    assert plan.patience == 6
    clipped = plan.child(at(1, 133_333, others_lots=900, done_lots=500))
    assert (clipped.lots, clipped.is_held_back) == (400, True)
    free = plan.child(at(1, 100, others_lots=900, done_lots=500))
    assert (free.lots, free.is_held_back) == (100, False)


def test_hidden_slices_come_at_random_instants_of_the_window_drawn_for_the_decision() -> None:
    plan = HiddenPlan(15 * MINUTE, 20, STREAM)
    opened = plan.opened(DAY, 0)
    assert isinstance(opened, ListedPlan)
    assert list(opened.times_ns) == sorted(opened.times_ns)
    assert len(set(opened.times_ns)) == 20
    assert 0 <= opened.times_ns[0] < opened.times_ns[-1] < 15 * MINUTE
    assert plan.opened(DAY, 0) == opened
    assert plan.opened(DAY, 1) != opened != plan.opened(DAY + 1, 0)
    assert HiddenPlan(15 * MINUTE, 20, Stream(2, 0, "T/jitter")).opened(DAY, 0) != opened


def test_hidden_instants_are_uniform_over_the_window() -> None:
    times = [t for day in range(100) for t in _times(HiddenPlan(1000, 10, STREAM).opened(day * DAY, 0))]
    assert 470 < sum(times) / len(times) < 530
    assert sum(t < 250 for t in times) / len(times) == pytest.approx(0.25, abs=0.05)


def _times(plan: Any) -> tuple[int, ...]:
    times: tuple[int, ...] = plan.times_ns
    return times


def test_a_passive_order_stands_its_offset_behind_the_other_side_and_never_on_it() -> None:
    plan = PassivePlan(Fraction(1, 1000), 5 * MINUTE, MINUTE)
    assert plan.child(at(0, 7, opposite_ticks=300_001)).limit_ticks == 299_700  # 299,700.999
    assert plan.child(at(0, -7, opposite_ticks=299_999)).limit_ticks == 300_299  # 300,298.999
    at_touch = PassivePlan(Fraction(0), 5 * MINUTE, MINUTE)
    assert at_touch.child(at(0, 7, opposite_ticks=300_001)).limit_ticks == 300_000
    assert at_touch.child(at(0, -7, opposite_ticks=299_999)).limit_ticks == 300_000


@pytest.mark.parametrize(("timeout", "dues"), [(150, [0, 60, 120, 150, None]), (120, [0, 60, 120, None, None])])
def test_a_passive_order_is_looked_at_until_its_timeout_and_then_takes(timeout: int, dues: list[int | None]) -> None:
    plan = PassivePlan(Fraction(0), timeout * SECOND, MINUTE)
    assert [plan.due_ns(n) for n in range(5)] == [None if due is None else due * SECOND for due in dues]
    last = dues.index(None) - 1
    assert plan.child(at(last - 1, 7, opposite_ticks=9)).kind is ChildKind.RESTING
    assert plan.child(at(last, 7, opposite_ticks=9)).kind is ChildKind.IOC


# -- shares of volume


def test_pov_trades_its_share_of_what_others_do_and_stops_when_its_time_is_over() -> None:
    """Others trade 4,000 lots every half minute: after n minutes 20 % of all is 2,000 n, until 10 minutes are over."""
    world = rising()
    desk = world.issue(rebalance=DAILY, execution=POV)
    for n in range(40):
        soon(world, T_RESET + 30 * SECOND * n + SECOND, lambda: world.trade(4_000))
    (row,) = finished(world, HOUR)
    assert [order.sent["t_ns"] for order in world.orders] == [T_RESET + n * MINUTE for n in range(1, 11)]
    assert [order.sent["lots"] for order in world.orders] == [2_000] * 10
    assert (row["filled_lots"], row["children"], row["status"]) == (20_000, 10, "partial")
    assert row["participation"] == pytest.approx(0.2)
    assert row["backlog_lots"] == row["target_lots"] - 20_000 == WANTED - 20_000
    told = backlog(world)
    assert told == {
        "t_ns": T_RESET + 10 * MINUTE,
        "subject": "BTC3L",
        "id": 0,
        "market": BTC,
        "lots": WANTED - 20_000,
        "reason": "participation",
    }
    assert desk.token.state == "TRADING"


def test_a_cap_keeps_a_twap_at_its_share_and_leaves_the_rest() -> None:
    """Nobody trades before the first slice; then 1,000 lots before each other one, of which as much again is free."""
    world = rising()
    world.issue(
        rebalance=DAILY, execution={"algorithm": "twap", "over": "5min", "slices": 5, "max_participation": "50%"}
    )
    for n in range(1, 5):
        soon(world, T_RESET + n * MINUTE - 1, lambda: world.trade(1_000))
    (row,) = finished(world, HOUR)
    assert [order.sent["lots"] for order in world.orders] == [1_000] * 4
    assert (row["participation"], row["children"], row["status"]) == (0.5, 4, "partial")
    assert backlog(world)["reason"] == "participation"


def test_what_an_empty_book_left_is_no_fault_of_the_cap() -> None:
    """The cap holds the first slice back; later others trade more than enough, and the book has nothing."""
    world = rising()
    world.depth = 0
    capped = {"algorithm": "twap", "over": "5min", "slices": 5, "max_participation": "50%"}
    world.issue(rebalance=DAILY, execution=capped)
    soon(world, T_RESET + SECOND, lambda: world.trade(10**7))
    (row,) = finished(world, HOUR)
    assert (row["filled_lots"], row["children"]) == (0, 4)
    assert backlog(world)["reason"] == "no_liquidity"


def test_a_capped_ladder_gives_up_in_a_market_where_nobody_trades() -> None:
    world = rising()
    ladder = {"algorithm": "ioc_ladder", "slice": "4 MUSDT", "every": "10s", "max_participation": "50%"}
    world.issue(rebalance=DAILY, execution=ladder)
    (row,) = finished(world, HOUR)
    assert (world.orders, row["children"], row["filled_lots"]) == ([], 0, 0)
    assert (backlog(world)["t_ns"], backlog(world)["reason"]) == (T_RESET + 50 * SECOND, "participation")


# -- hidden


def test_a_hidden_order_is_sent_at_its_instants_in_equal_slices() -> None:
    world = rising()
    desk = world.issue(rebalance=DAILY, execution={"algorithm": "hidden", "window": "15min", "slices": 10})
    (row,) = finished(world, HOUR)
    times = _times(desk.delisting.plan.opened(T_RESET, 0))
    assert [order.sent["t_ns"] - T_RESET for order in world.orders] == list(times)
    assert [order.sent["lots"] for order in world.orders] == [9_901] * 10
    assert (row["filled_lots"], row["status"]) == (WANTED, "done")


# -- resting orders


def test_a_resting_order_s_fills_are_entered_as_they_happen() -> None:
    """Offset 10 bp behind 303,001: 302,697. Hit for 40,000 and later for the rest; the order never moves."""
    world = rising(fee_parts=20_000)
    desk = world.issue(rebalance=DAILY, execution=PASSIVE)
    soon(world, T_RESET + 30 * SECOND, lambda: world.hit(world.orders[0], 40_000))
    world.run_to(T_RESET + 31 * SECOND)
    row, (leg,) = desk.snapshot(world.now)
    assert (row["state"], leg["position_lots"]) == ("REBALANCING", 5_040_000)
    soon(world, MINUTE, lambda: world.hit(world.orders[0], WANTED - 40_000))
    (row,) = finished(world, HOUR)
    assert len(world.orders) == 1
    assert (world.orders[0].sent["tif"], world.orders[0].sent["price_ticks"]) == ("post_only", 302_697)
    assert (row["t_first_ns"], row["t_last_ns"]) == (T_RESET + 30 * SECOND, T_RESET + 91 * SECOND + 1)
    assert (row["vwap"], row["children"], row["status"]) == (pytest.approx(30_269.7), 1, "done")
    assert row["slippage_bps"] == pytest.approx(1e4 * (302_697 / 303_000 - 1))
    assert row["slippage_bps"] < 0
    assert row["market_volume_lots"] == WANTED
    assert sum(part["slippage_atoms"] for part in world.rows["attribution"]) == WANTED * 303 * 10_000


def test_a_resting_order_follows_the_price_at_its_looks() -> None:
    world = rising()
    world.issue(rebalance=DAILY, execution=PASSIVE)
    soon(world, T_RESET + 30 * SECOND, lambda: world.hit(world.orders[0], 10_000))
    soon(world, T_RESET + 90 * SECOND, lambda: world.set_price(304_000))
    (row,) = finished(world, HOUR)
    first, second, last = world.orders
    assert (first.status, first.sent["price_ticks"], first.sent["lots"]) == ("cancelled", 302_697, WANTED)
    assert second.sent["t_ns"] == T_RESET + 2 * MINUTE
    assert (second.status, second.sent["price_ticks"]) == ("cancelled", 303_696)  # 304,001 x 0.999 = 303,696.999
    assert second.sent["lots"] == WANTED - 10_000
    assert (last.sent["t_ns"], last.sent["tif"]) == (T_RESET + 5 * MINUTE, "ioc")
    assert last.sent["lots"] == WANTED - 10_000
    assert (row["children"], row["status"]) == (3, "done")


def test_a_resting_order_that_would_cross_is_priced_anew_at_the_next_look() -> None:
    world = rising(refusals=["post_only", "post_only"])
    world.issue(rebalance=DAILY, execution=PASSIVE)
    finished(world, HOUR)
    assert [order.sent["t_ns"] for order in world.orders][:3] == [T_RESET + n * MINUTE for n in range(3)]
    assert [order.status for order in world.orders][:3] == ["rejected", "rejected", "cancelled"]


def test_what_the_last_child_does_not_find_is_backlog_for_want_of_liquidity() -> None:
    world = rising(depth=500)
    world.issue(rebalance=DAILY, execution=PASSIVE)
    (row,) = finished(world, HOUR)
    assert (row["filled_lots"], row["status"]) == (500, "partial")
    assert backlog(world)["reason"] == "no_liquidity"


def test_a_run_that_ends_with_an_order_in_the_book_has_entered_its_fills() -> None:
    world = rising()
    desk = world.issue(rebalance=DAILY, execution=PASSIVE)
    soon(world, T_RESET + 30 * SECOND, lambda: world.hit(world.orders[0], 700))
    (row,) = finished(world, T_RESET + MINUTE)
    assert (row["filled_lots"], row["status"]) == (700, "partial")
    assert (backlog(world)["reason"], backlog(world)["t_ns"]) == ("end_of_run", T_RESET + MINUTE)
    assert desk.books.ledger.opening.t_ns == T_RESET + MINUTE


def test_a_liquidation_takes_the_resting_order_out_of_the_book() -> None:
    world = rising()
    desk = world.issue(rebalance=DAILY, execution=PASSIVE)
    world.run_to(T_RESET + 30 * SECOND)
    world.seize(desk.token.account, -1_000_000, 302_000, 10**9)
    (row,) = finished(world, HOUR)
    assert world.orders[0].status == "cancelled"
    assert (len(world.orders), row["filled_lots"], backlog(world)["reason"]) == (1, 0, "seized")


def test_lots_in_which_another_token_took_the_other_side_are_counted() -> None:
    world = rising()
    world.issue(id="OTHER", basket={BTC: 1})
    desk = world.issue(rebalance=DAILY, execution=PASSIVE)
    other = world.desks[0].token.account
    soon(world, T_RESET + 20 * SECOND, lambda: world.hit(world.orders[0], 300, other_account=other))
    soon(world, T_RESET + 30 * SECOND, lambda: world.hit(world.orders[0], 1_000, other_account=7))
    rows = finished(world, HOUR)
    assert [row["cross_lots"] for row in rows if row["token"] == desk.token.id] == [300]


# -- refusals


def test_a_refused_child_is_sent_again_a_second_later() -> None:
    world = rising(refusals=["bad_price", "bad_price"])
    world.issue(rebalance=DAILY, execution={"algorithm": "market"})
    (row,) = finished(world, HOUR)
    assert [order.sent["t_ns"] for order in world.orders] == [T_RESET + n * SECOND for n in range(3)]
    assert (row["children"], row["status"], row["filled_lots"]) == (3, "done", WANTED)
    assert not [event for event in world.rows["events"] if event["event"] == "backlog"]


def test_after_six_refusals_in_a_row_an_order_is_given_up_with_the_venue_s_reason() -> None:
    world = rising(refusals=["insufficient_margin"] * 99)
    world.issue(rebalance=DAILY, execution={"algorithm": "twap", "over": "10min", "slices": 10})
    (row,) = finished(world, HOUR)
    assert [order.sent["t_ns"] for order in world.orders] == [T_RESET + n * SECOND for n in range(6)]
    assert (row["children"], row["status"], row["filled_lots"]) == (6, "partial", 0)
    told = backlog(world)
    assert (told["reason"], told["refusal"], told["lots"]) == ("rejected", "insufficient_margin", WANTED)


def test_refusals_count_in_a_row_only() -> None:
    world = rising(refusals=["bad_price"] * 5)
    world.issue(rebalance=DAILY, execution={"algorithm": "twap", "over": "10min", "slices": 2})
    soon(world, T_RESET + MINUTE, lambda: world.refusals.extend(["bad_price"] * 5))
    (row,) = finished(world, HOUR)
    assert (row["children"], row["status"]) == (12, "done")


def test_a_basket_s_backlogs_are_told_in_one_event() -> None:
    world = World({BTC: 300_000, "ETH-PERP": 20_000}, depth=10)
    world.follow([(MINUTE, 303_000)])
    world.issue(basket={BTC: 2, "ETH-PERP": -1}, rebalance=DAILY, execution={"algorithm": "market"})
    finished(world, HOUR)
    (event,) = world.rows["events"]
    assert [told["market"] for told in loads(event["detail"])["orders"]] == [BTC, "ETH-PERP"]


# -- sizes


@pytest.mark.parametrize("flow", [0, 1_000_000, -500_000])
@pytest.mark.parametrize("leverage", [1, -1, 2, -2, 3, -3, 4, -4, 5, -5])
def test_an_order_is_l_times_l_minus_one_a_r_plus_l_times_the_flow(leverage: int, flow: int) -> None:
    """A = 33 MUSDT, r = 10 %, 30,000 USDT a bitcoin: exact in fund arithmetic, the flow at the price after the move."""
    equity, before, after = Fraction(33_000_000), 30_000, 33_000
    units = leverage * equity / before
    grown = equity + units * (after - before) + flow
    order = leverage * grown / after - units
    assert order * after == order_notional(leverage, equity, Fraction(1, 10), flow)


@pytest.mark.parametrize(
    ("leverage", "order"),
    [(1, 0), (-1, 6.6), (2, 6.6), (-2, 19.8), (3, 19.8), (-3, 39.6), (4, 39.6), (-4, 66), (5, 66), (-5, 99)],
)
def test_a_desk_orders_l_times_l_minus_one_a_r_to_the_atom(leverage: int, order: float) -> None:
    """33 MUSDT at 30,000, +10 %: positions are whole lots before and after, so the notional is exact."""
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 330_000)])
    world.issue(aum="33 MUSDT", basket={BTC: leverage}, rebalance=DAILY)
    rows = finished(world, HOUR)
    notional = sum(row["filled_lots"] * 330_000 * 10_000 for row in rows)
    assert notional == order_notional(leverage, 33_000_000 * 10**8, Fraction(1, 10))
    assert notional == round(order * 1e6) * 10**8


def test_sizes_that_allow_for_costs_leave_leverage_at_its_target_after_them() -> None:
    """Fee 20 bp, 10 % up: 3x buys (3 x 65 - 165) / (1 + 3 x 0.002) instead of 30 MUSDT (A0.8)."""
    after = {}
    for cost in ("0", "20 bps"):
        world = World({BTC: 300_000}, fee_parts=200_000)
        world.follow([(MINUTE, 330_000)])
        world.issue(rebalance=DAILY, execution={"algorithm": "market", "cost_allowance": cost})
        (row,) = finished(world, HOUR)
        after[cost] = row
    assert after["0"]["leverage_after"] == pytest.approx(3 * 65 / (65 - 0.06), abs=1e-6)
    assert after["20 bps"]["leverage_after"] == pytest.approx(3, abs=1e-6)
    assert after["20 bps"]["target_lots"] == round(30_000_000 / 1.006 / 33)


@pytest.mark.parametrize("lots", [{"A": 120, "B": -340}, {"A": -77, "B": -12}, {"A": 500}])
def test_allowances_make_every_leg_of_a_basket_come_out_as_meant(lots: dict[str, int]) -> None:
    k = 10**6
    legs = (Leg("A", Fraction(2), 3000 * k, 1000, 1), Leg("B", Fraction(-1), -4000 * k, 500, 1))
    held, cost = Holding(1_000_000 * k, legs), Fraction(1, 500)
    orders = {market: order * k for market, order in lots.items()}
    meant = {leg.market: Fraction((leg.position_lots + orders.get(leg.market, 0)) * leg.price_ticks) for leg in legs}
    resized = cost_consistent_lots(held, orders, cost)
    paid = cost * sum(abs(resized.get(leg.market, 0)) * leg.price_ticks for leg in legs)
    for leg in legs:
        if leg.market in orders:
            position = (leg.position_lots + resized[leg.market]) * leg.price_ticks
            assert float(position / (held.equity_atoms - paid)) == pytest.approx(
                float(meant[leg.market] / held.equity_atoms), rel=1e-8
            )


def test_without_costs_sizes_stay_as_they_are() -> None:
    held = Holding(1000, (Leg("A", Fraction(3), 3, 1000, 1),))
    assert cost_consistent_lots(held, {"A": 5}, 0) == {"A": 5}
    assert cost_consistent_lots(Holding(-9000, held.legs), {"A": 5}, Fraction(1, 100)) == {"A": 5}


@pytest.mark.parametrize("flow", list(Flow))
def test_what_an_arm_does_with_a_rebalance_is_done_to_each_child(flow: Flow) -> None:
    """In the book two slices are sent; off it both are filled at the mark; withheld they are only wanted."""
    world = rising()
    desk = world.issue(rebalance=DAILY, execution={"algorithm": "twap", "over": "2min", "slices": 2})
    desk.treatment.rebalance = flow
    (row,) = finished(world, HOUR)
    assert row["target_lots"] == WANTED
    assert len(world.orders) == (2 if flow is Flow.BOOK else 0)
    assert row["filled_lots"] == (0 if flow is Flow.WITHHELD else WANTED)
    kinds = {child["order_type"] for child in world.rows.get("children", [])}
    assert kinds == {Flow.BOOK: {"market"}, Flow.OFF_BOOK: {"off_book"}, Flow.WITHHELD: set()}[flow]
