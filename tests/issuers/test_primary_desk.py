"""The primary-market desk: who is refused, who waits, who is served when, and that nothing is ever lost."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.issuers.desk import TokenDesk
from marketsim.messages import PrimaryRequest
from tests.issuers.fake_venue import ALICE, BOB, BTC, CAROL, DAY, HOLDERS, HOUR, MINUTE, SECOND, World, check_books
from tests.issuers.test_settlement import ATOMS, LADDER, create, opened, redeem

NAV = {"mode": "cash_nav"}


def requested(world: World, desk: TokenDesk, t_ns: int, *asked: tuple[str, int, int]) -> list[PrimaryRequest]:
    """Requests of (side, account, cash or units) at an instant, one after the other."""
    world.run_to(t_ns)
    return [create(desk, n, who) if side == "create" else redeem(desk, n, who) for side, who, n in asked]


def test_small_and_unpaid_requests_are_refused() -> None:
    world, desk, _ = opened({**NAV, "minimum": "100 USDT"})
    small, poor, none, empty = requested(
        world, desk, HOUR, ("create", ALICE, 99), ("create", CAROL, 100), ("redeem", ALICE, 1), ("create", ALICE, 0)
    )
    assert [each.reason for each in (small, poor, none, empty)] == [
        "too_small", "insufficient_cash", "insufficient_units", "too_small",
    ]  # fmt: skip
    assert {each.status for each in (small, poor, none, empty)} == {"refused"}
    assert all(each.done.triggered for each in (small, poor, none, empty))
    assert world.cash.get(CAROL, 0) == 0


def test_cash_that_a_position_claims_is_not_there_to_spend() -> None:
    """10 million in cash, of which a position of 150 million at one twentieth claims 7.5."""
    world, desk, _ = opened(NAV)
    world.positions[ALICE, BTC] = 5_000_000
    world.cash[ALICE] -= 5_000_000 * 300_000 * 10_000
    first, second = requested(world, desk, HOUR, ("create", ALICE, 2_500_001), ("create", ALICE, 2_500_000))
    assert (first.reason, second.status) == ("insufficient_cash", "settled")


def test_nobody_deals_before_the_warm_up_is_over() -> None:
    world, desk, _ = opened(NAV, warmup_ns=HOUR)
    early, late = (
        *requested(world, desk, MINUTE, ("create", ALICE, 100)),
        *requested(world, desk, HOUR, ("create", ALICE, 100)),
    )
    assert (early.reason, late.status) == ("not_open", "settled")


def test_a_rebalance_under_way_closes_the_counter_unless_told_otherwise() -> None:
    for suspended in (True, False):
        world = World({BTC: 300_000})
        world.follow([(MINUTE, 303_000)])
        rule = {"policy": "daily", "at": "00:02"}
        world, desk, deposits = opened(
            {**NAV, "suspend_while_rebalancing": suspended}, world=world, rebalance=rule, execution=LADDER
        )
        (during,) = requested(world, desk, 2 * MINUTE + SECOND, ("create", ALICE, 10_000))
        (after,) = requested(world, desk, HOUR, ("create", ALICE, 10_000))
        assert (during.reason if suspended else during.status) == ("rebalancing" if suspended else "settled")
        assert after.status == "settled"
        check_books(world, desk, deposits)


def test_suspension_stops_redemptions_and_resumption_lets_them_go_on() -> None:
    world, desk, _ = opened(NAV)
    desk.holdings.move(HOLDERS, ALICE, 100 * ATOMS)
    world.run_to(MINUTE)
    desk.status.suspend(["primary"])
    (stopped,) = requested(world, desk, 2 * MINUTE, ("redeem", ALICE, 10))
    assert (stopped.status, stopped.reason, desk.snapshot(world.now)[0]["state"]) == (
        "refused",
        "suspended",
        "SUSPENDED",
    )
    desk.status.resume(["primary"])
    (served,) = requested(world, desk, 3 * MINUTE, ("redeem", ALICE, 10))
    world.run_to(4 * MINUTE)
    assert (served.status, desk.snapshot(world.now)[0]["state"]) == ("settled", "TRADING")
    events = [(row["event"], row["subject"]) for row in world.rows["events"]]
    assert events == [("suspended", "BTC3L"), ("state", "BTC3L"), ("resumed", "BTC3L"), ("state", "BTC3L")]


def test_a_supply_cap_refuses_creations_only_and_until_there_is_room() -> None:
    """500,000 tokens are out; the cap of 500,100 leaves room for a hundred of 100 USDT."""
    world, desk, _ = opened({**NAV, "supply_cap": 500_100})
    desk.holdings.move(HOLDERS, BOB, 50 * ATOMS)
    first, second, third = requested(
        world, desk, HOUR, ("create", ALICE, 9_000), ("create", ALICE, 2_000), ("redeem", BOB, 50)
    )
    world.run_to(HOUR + SECOND)
    assert [each.reason for each in (first, second, third)] == [None, "supply_cap", None]
    (fourth,) = requested(world, desk, 2 * HOUR, ("create", ALICE, 6_000))
    assert fourth.status == "settled"
    assert desk.token.supply == 500_100


def test_caps_count_cash_by_the_utc_day_and_each_side_by_itself() -> None:
    """The run starts at 18:00, so a day ends after six hours."""
    world, desk, _ = opened({**NAV, "daily_cap": "10 kUSDT", "account_cap": "6 kUSDT"}, start_ns=18 * HOUR)
    desk.holdings.move(HOLDERS, ALICE, 100 * ATOMS)
    a, b, c, d, e = requested(
        world, desk, HOUR,
        ("create", ALICE, 6_000), ("create", ALICE, 1), ("create", BOB, 4_001), ("create", BOB, 4_000),
        ("redeem", ALICE, 60),
    )  # fmt: skip
    assert [each.reason for each in (a, b, c, d, e)] == [None, "account_cap", "daily_cap", None, None]
    (f, g) = requested(world, desk, 6 * HOUR - 2, ("create", BOB, 100), ("redeem", ALICE, 1))
    assert (f.reason, g.reason) == ("daily_cap", "account_cap")
    (h,) = requested(world, desk, 6 * HOUR, ("create", BOB, 100))
    assert h.status == "settled"


def test_a_cap_that_follows_volatility_tightens_in_a_storm() -> None:
    """5 % every five minutes is far beyond 100 % a year: the cap falls from 10 to 2 million."""
    cap = {"base": "10 MUSDT", "above_volatility": {"100%/yr": "2 MUSDT"}, "window": "1h"}
    world = World({BTC: 300_000})
    calm, desk, _ = opened({**NAV, "daily_cap": cap}, world=world, aum="5 GUSDT", execution={"algorithm": "off_book"})
    (before,) = requested(world, desk, HOUR, ("create", ALICE, 3_000_000))
    world.follow([(HOUR + n * 5 * MINUTE + 1, 300_000 + 15_000 * (n % 2)) for n in range(6)])
    (after,) = requested(calm, desk, 2 * HOUR, ("create", BOB, 1))
    assert (before.status, after.reason) == ("settled", "daily_cap")


def test_what_cannot_be_dealt_waits_in_order_where_there_is_a_queue() -> None:
    world, desk, deposits = opened({**NAV, "queue": True, "daily_cap": "10 kUSDT"})
    desk.holdings.move(HOLDERS, BOB, 1_000 * ATOMS)
    world.run_to(MINUTE)
    desk.status.suspend(["primary"])
    waiting = requested(
        world, desk, HOUR,
        ("create", ALICE, 6_000), ("create", BOB, 7_000), ("create", ALICE, 1_000), ("redeem", BOB, 10),
        ("create", CAROL, 500),
    )  # fmt: skip
    assert [each.reason for each in waiting] == ["suspended"] * 5
    assert [each.queue_ahead for each in waiting] == [0, 60, 130, 0, 140]
    world.run_to(2 * HOUR)
    desk.status.resume(["primary"])
    world.run_to(2 * HOUR + SECOND)
    assert [each.status for each in waiting] == ["settled", "queued", "queued", "settled", "queued"]
    world.run_to(DAY + SECOND)
    assert [(each.status, each.reason) for each in waiting[1:]] == [
        ("settled", None), ("settled", None), ("settled", None), ("refused", "insufficient_cash"),
    ]  # fmt: skip
    settled = [row["t_ns"] for row in world.rows["primary"] if row["status"] == "settled"]
    assert settled == [2 * HOUR + 1, 2 * HOUR + 1, DAY, DAY]
    check_books(world, desk, deposits)


def test_a_redemption_makes_room_for_who_waits_at_the_supply_cap() -> None:
    world, desk, _ = opened({**NAV, "queue": True, "supply_cap": 500_000})
    desk.holdings.move(HOLDERS, BOB, 1_000 * ATOMS)
    (waits,) = requested(world, desk, HOUR, ("create", ALICE, 5_000))
    assert (waits.status, waits.reason) == ("queued", "supply_cap")
    (sold,) = requested(world, desk, 2 * HOUR, ("redeem", BOB, 100))
    world.run_to(2 * HOUR + SECOND)
    assert (sold.status, waits.status) == ("settled", "settled")


def test_batches_deal_all_that_waits_at_the_nav_of_their_hour_with_one_hedge() -> None:
    """KuCoin: processed at 00:00, 08:00, 16:00; 30,000 in and 10,300 out at NAV 103 hedge 59,100 USDT."""
    batch = {"mode": "cash_batch", "batches": ["00:00", "08:00", "16:00"]}
    world, desk, deposits = opened(batch, execution={"algorithm": "market"})
    desk.holdings.move(HOLDERS, BOB, 100 * ATOMS)
    made, sold = requested(world, desk, HOUR, ("create", ALICE, 30_000), ("redeem", BOB, 100))
    assert {(each.status, each.reason) for each in (made, sold)} == {("queued", "batch")}
    world.set_price(303_000)
    world.run_to(8 * HOUR)
    assert (made.status, sold.status, made.price, sold.cash) == ("settled", "settled", 103, 10_300)
    assert made.units == pytest.approx(30_000 / 103)
    (order,) = world.orders
    assert order.sent["lots"] == round(3 * (30_000 - 10_300) / 30_300 * 1_000)
    assert {row["hedge_parent"] for row in world.rows["primary"] if row["status"] == "settled"} == {0}
    check_books(world, desk, deposits)


def test_a_batch_that_meets_a_suspension_waits_for_the_next() -> None:
    world, desk, _ = opened({"mode": "cash_batch", "batches": ["08:00", "16:00"], "daily_cap": "1 kUSDT"})
    world.run_to(MINUTE)
    desk.status.suspend(["primary"])
    first, second = requested(world, desk, HOUR, ("create", ALICE, 900), ("create", BOB, 200))
    world.run_to(9 * HOUR)
    desk.status.resume(["primary"])
    world.run_to(10 * HOUR)
    assert first.status == "queued"
    world.run_to(16 * HOUR)
    assert (first.status, second.reason) == ("settled", "daily_cap")


def test_requests_take_their_latency_to_the_desk() -> None:
    world, desk, _ = opened(NAV)
    assert desk.primary is not None
    request = desk.primary.request("creation", ALICE, cash_atoms=1_000 * ATOMS, latency_ns=SECOND)
    assert request.status == "sent"
    world.run_to(SECOND)
    assert (request.status, request.requested_ns) == ("settled", SECOND)


ASK = st.tuples(
    st.sampled_from(["create", "redeem", "move", "price", "wait"]),
    st.sampled_from([ALICE, BOB, CAROL]),
    st.integers(1, 3_000_000),
)
WORDS: dict[str, list[dict[str, Any]]] = {
    "primary": [
        {"mode": "cash_nav", "create_fee": "10 bps", "redeem_fee": "30 bps"},
        {"mode": "cash_nav", "hedge_costs": "fund", "queue": True, "daily_cap": "4 MUSDT"},
        {"mode": "cash_exec", "create_fee": "10 bps"},
        {"mode": "cash_batch", "batches": ["00:10", "00:30"], "redeem_fee": "5 bps"},
        {"mode": "in_kind", "create_fee": "10 bps"},
        {"mode": "cash_nav", "settle_after": "3min", "create_fee": "7 bps"},
    ],
    "execution": [{"algorithm": "market"}, {"algorithm": "off_book"}, {**LADDER, "slice": "500 kUSDT"}],
}


@settings(max_examples=120, deadline=None)
@given(
    primary=st.sampled_from(WORDS["primary"]),
    execution=st.sampled_from(WORDS["execution"]),
    leverage=st.sampled_from([3, -3, 1, 2]),
    depth=st.sampled_from([None, 2_000, 20_000]),
    asked=st.lists(ASK, max_size=25),
)
def test_whatever_clients_ask_cash_and_units_are_conserved_and_attribution_adds_up(
    primary: dict[str, Any],
    execution: dict[str, Any],
    leverage: int,
    depth: int | None,
    asked: list[tuple[str, int, int]],
) -> None:
    world = World({BTC: 300_000}, fee_parts=50_000, slip_ticks=17, depth=depth)
    rule = {"policy": "daily", "at": "00:17"}
    world, desk, deposits = opened(
        primary, world=world, clients=5_000_000, basket={BTC: leverage}, execution=execution, rebalance=rule
    )
    world.positions[BOB, BTC] = leverage * 20_000
    world.cash[BOB] -= leverage * 20_000 * 300_000 * 10_000
    deposits = world.total_atoms()
    for kind, account, amount in asked:
        if kind == "create":
            create(desk, amount, account)
        elif kind == "redeem":
            redeem(desk, Fraction(amount, 97), account)
        elif kind == "move":
            free = desk.holdings.free_of(HOLDERS)
            desk.holdings.move(HOLDERS, account, min(free, amount * ATOMS // 50))
        elif kind == "price":
            world.set_price(300_000 + (amount % 20_001) - 10_000)
        world.run_to(world.now + amount * 100_000)
        assert world.total_atoms() == deposits
        assert desk.holdings.total_lots == desk.token.supply_lots
    world.run_to(world.now + 2 * HOUR)
    check_books(world, desk, deposits)
    assert not desk.books.hedges
    assert not desk.books.claims
    desk.finish(world.now)
    intervals = world.rows["attribution"]
    assert intervals[-1]["closing_atoms"] == desk.books.equity_atoms()


@settings(max_examples=60, deadline=None)
@given(
    mode=st.sampled_from(["cash_nav", "cash_exec", "in_kind"]),
    asked=st.lists(st.tuples(st.booleans(), st.integers(1, 900_000)), min_size=1, max_size=12),
)
def test_who_stays_loses_and_gains_nothing_by_who_comes_and_goes(mode: str, asked: list[tuple[bool, int]]) -> None:
    """At true NAV, and at the hedge's price, NAV stays within an atom a request, whatever the hedges cost."""
    world = World({BTC: 300_000}, fee_parts=50_000, slip_ticks=40)
    world, desk, deposits = opened({"mode": mode}, world=world, execution={"algorithm": "market"})
    desk.holdings.move(HOLDERS, ALICE, 100_000 * ATOMS)
    world.positions[ALICE, BTC] = 2_000_000
    world.cash[ALICE] += (100_000_000 - 60_000_000) * ATOMS
    deposits = world.total_atoms()
    for is_creation, amount in asked:
        before = desk.books.nav()
        request = create(desk, amount) if is_creation else redeem(desk, Fraction(amount, 101))
        world.run_to(world.now + SECOND)
        assert request.status == "settled"
        assert 0 <= (desk.books.nav() - before) * desk.token.supply <= 1
    check_books(world, desk, deposits)


def test_holders_who_ask_for_units_pay_the_fee_on_top_and_get_them_all() -> None:
    """200 units of 100 USDT at a fee of 20 % of the gross cash: 20,000 / 0.8 = 25,000, and not 20,000 x 1.2."""
    world, desk, _ = opened({**NAV, "create_fee": "20%"})
    assert desk.primary is not None
    desk.primary.ask_units(ALICE, 200 * desk.token.lots_per_token)
    world.run_to(SECOND)
    assert desk.holdings.units_of(ALICE) == 200 * desk.token.lots_per_token
    assert world.cash[ALICE] == (10_000_000 - 25_000) * ATOMS


@pytest.mark.parametrize("fee", ["0 bps", "10 bps"])
@pytest.mark.parametrize("ticks", [301_237, 298_811, 300_003])
def test_holders_who_ask_for_units_get_them_all_at_a_price_that_is_no_whole_atom(ticks: int, fee: str) -> None:
    world, desk, _ = opened({**NAV, "create_fee": fee})
    world.set_price(ticks)
    assert desk.primary is not None
    for lots in (1_000_001, 777_777_777, 3_333_333):
        before = desk.holdings.units_of(ALICE)
        desk.primary.ask_units(ALICE, lots)
        assert desk.holdings.units_of(ALICE) - before == lots
