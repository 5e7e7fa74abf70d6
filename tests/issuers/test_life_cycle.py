"""Reverse splits, suspension, delisting, dilution and absorbed funding, and what they do to holders."""

from fractions import Fraction
from json import loads
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.issuers.fake_venue import (
    ALICE,
    BOB,
    BTC,
    CAROL,
    DAY,
    HOLDERS,
    HOUR,
    ISSUER,
    MINUTE,
    ROUNDING,
    SECOND,
    World,
    check_books,
)
from tests.issuers.test_settlement import ATOMS, LADDER, create, opened, redeem

SPLIT = {"below": "40 USDT", "ratio": 10, "halt": "1h"}


def events(world: World, *names: str) -> list[tuple[str, dict[str, Any]]]:
    return [(row["event"], loads(row["detail"])) for row in world.rows.get("events", []) if row["event"] in names]


def test_a_token_beneath_the_threshold_becomes_one_of_ten_at_ten_times_the_nav() -> None:
    """-20.1 % leaves 39.7 of 100, beneath 40: 500,000 tokens of 39.7 become 50,000 of 397."""
    world = World({BTC: 300_000})
    world.follow([(HOUR, 240_000), (2 * HOUR, 239_700)])
    desk = world.issue(reverse_split=SPLIT)
    world.run_to(HOUR)
    assert events(world, "reverse_split") == []
    world.run_to(2 * HOUR)
    ((_, told),) = events(world, "reverse_split")
    assert told == {
        "ratio": 10, "nav_before": 39.7, "nav_after": 397.0, "supply_before": 500_000.0, "supply_after": 50_000.0,
        "cash_in_lieu_atoms": 0,
    }  # fmt: skip
    row, _ = desk.snapshot(world.now)
    assert (row["nav"], row["supply"], row["state"]) == (397, 50_000, "SPLITTING")
    assert desk.holdings.units_of(HOLDERS) == 50_000 * ATOMS
    world.run_to(3 * HOUR + 1)
    assert desk.snapshot(world.now)[0]["state"] == "TRADING"
    assert [loads(r["detail"])["to"] for r in world.rows["events"] if r["event"] == "state"] == ["SPLITTING", "TRADING"]


def test_the_counter_is_closed_while_a_token_splits() -> None:
    world, desk, _ = opened({"mode": "cash_nav"}, reverse_split=SPLIT)
    world.run_to(MINUTE)
    world.set_price(239_000)
    world.run_to(2 * MINUTE)
    assert create(desk, 1_000).reason == "splitting"
    world.run_to(2 * HOUR)
    request = create(desk, 1_000)
    assert (request.status, request.price) == ("settled", 390)


def test_a_fall_through_two_thresholds_splits_twice() -> None:
    world = World({BTC: 300_000})
    desk = world.issue(reverse_split={**SPLIT, "below": "100 USDT", "ratio": 2, "halt": "0s"})
    world.run_to(MINUTE)
    world.set_price(230_000)  # NAV 30, then 60, then 120
    world.run_to(MINUTE + 3 * SECOND)
    assert [told["nav_after"] for _, told in events(world, "reverse_split")] == [60, 120]
    assert desk.token.supply == 125_000


def test_fractions_are_paid_in_cash_at_nav_and_no_value_is_lost() -> None:
    """Units in lots of a hundred-millionth; 13 lots at 1/10 are one lot and three in cash at 3.97e-7 USDT a lot."""
    world = World({BTC: 300_000})
    desk = world.issue(reverse_split=SPLIT)
    holdings = desk.holdings
    holdings.move(HOLDERS, ALICE, 13)
    holdings.move(HOLDERS, BOB, 100_000_000_009)
    deposits = world.total_atoms()
    world.run_to(MINUTE)
    world.set_price(239_700)
    equity = desk.books.equity_atoms()
    world.run_to(2 * MINUTE)
    lot_value = Fraction(397, 10)  # atoms per old lot
    assert (holdings.units_of(ALICE), world.cash[ALICE]) == (1, int(3 * lot_value))
    assert (holdings.units_of(BOB), world.cash[BOB]) == (10_000_000_000, int(9 * lot_value))
    paid = equity - desk.books.equity_atoms()
    assert paid == world.cash[ALICE] + world.cash[BOB] + world.cash.get(HOLDERS, 0) + world.cash.get(ROUNDING, 0)
    check_books(world, desk, deposits)


def test_an_exact_split_makes_the_lot_smaller_and_pays_nobody() -> None:
    world = World({BTC: 300_000})
    desk = world.issue(reverse_split={**SPLIT, "fractions": "exact"})
    holdings = desk.holdings
    holdings.move(HOLDERS, ALICE, 13)
    deposits = world.total_atoms()
    world.run_to(MINUTE)
    world.set_price(239_700)
    world.run_to(2 * MINUTE)
    assert holdings.units_of(ALICE) == 13
    assert desk.token.supply == 50_000
    assert (desk.books.nav(), world.flows) == (397 * ATOMS, [])
    check_books(world, desk, deposits)


def test_what_waits_and_what_caps_are_counted_in_new_tokens() -> None:
    primary = {"mode": "cash_nav", "queue": True, "supply_cap": 600_000, "settle_after": "1d"}
    world, desk, deposits = opened(primary, reverse_split=SPLIT)
    desk.holdings.move(HOLDERS, BOB, 1_000 * ATOMS)
    made = create(desk, 100_000)
    world.run_to(MINUTE)
    desk.status.suspend(["primary"])
    waits = redeem(desk, 1_000, BOB)
    world.run_to(2 * MINUTE)
    world.set_price(239_000)
    world.run_to(3 * MINUTE)
    assert (made.status, desk.holdings.units_of(ALICE)) == ("settled", 100 * ATOMS)
    assert desk.primary is not None
    assert desk.primary.limits.supply_cap == 60_000
    desk.status.resume(["primary"])
    world.run_to(2 * DAY)
    assert (waits.status, waits.units, waits.cash) == ("settled", 100, 39_000)
    check_books(world, desk, deposits)


def test_what_waits_through_an_exact_split_is_as_many_smaller_lots() -> None:
    """1,000 old tokens wait and are 100 new ones, each of ten times the lots; the half that follows is told so too."""
    world, desk, deposits = opened({"mode": "cash_nav", "queue": True}, reverse_split={**SPLIT, "fractions": "exact"})
    desk.holdings.move(HOLDERS, BOB, 1_500 * ATOMS)
    world.run_to(MINUTE)
    desk.status.suspend(["primary"])
    waits = redeem(desk, 1_000, BOB)
    world.run_to(2 * MINUTE)
    world.set_price(239_000)
    world.run_to(3 * MINUTE)
    assert (waits.status, waits.units) == ("queued", 100)
    behind = redeem(desk, 50, BOB)
    assert (behind.units, behind.queue_ahead) == (50, 100)
    desk.status.resume(["primary"])
    world.run_to(DAY)
    assert (waits.status, waits.units, waits.cash) == ("settled", 100, 39_000)
    assert (behind.status, behind.units, behind.cash) == ("settled", 50, 19_500)
    check_books(world, desk, deposits)


def test_a_published_quote_is_in_new_tokens_after_a_split() -> None:
    world, desk, _ = opened({"mode": "cash_nav"}, reverse_split=SPLIT, nav_quote={"every": "1min", "delay": "10min"})
    world.run_to(MINUTE)
    world.set_price(239_000)
    world.run_to(2 * MINUTE)
    assert desk.quote.published() == 1_000 * ATOMS


def test_a_split_keeps_the_reference_of_the_losing_side() -> None:
    world = World({BTC: 300_000})
    desk = world.issue(reverse_split=SPLIT, rebalance={"policy": "band", "upper": "4.5", "side": "losing"})
    world.run_to(MINUTE)
    world.set_price(239_000)
    world.run_to(2 * MINUTE)
    assert desk.token.reset_nav == 390 * ATOMS


def test_a_delisted_token_pays_every_holder_at_nav_and_is_no_more() -> None:
    """Binance 2024: remaining tokens converted at NAV; here 106 a token after a rise of 2 %."""
    world, desk, deposits = opened({"mode": "cash_nav", "queue": True})
    desk.holdings.move(HOLDERS, ALICE, 1_000 * ATOMS)
    desk.holdings.move(HOLDERS, BOB, 7)
    world.run_to(MINUTE)
    world.set_price(306_000)
    desk.status.suspend(["primary"])
    waits = create(desk, 1_000)
    before = world.cash[ALICE], world.cash[BOB]
    world.process(desk.delisting.delist(is_off_book=True))
    world.run_to(2 * MINUTE)
    assert (world.cash[ALICE] - before[0], world.cash[BOB] - before[1]) == (106_000 * ATOMS, 7 * 106)
    assert world.cash[desk.token.account] == world.position_lots(desk.token.account, BTC) == 0
    assert (desk.token.supply_lots, desk.holdings.total_lots) == (0, 0)
    row, (leg,) = desk.snapshot(world.now)
    assert (row["state"], row["nav"], row["supply"], leg["position_lots"]) == ("DELISTED", 106, 0, 0)
    assert (waits.status, waits.reason, create(desk, 1_000).reason) == ("refused", "delisted", "delisted")
    ((_, told),) = events(world, "delisted")
    assert told == {"nav": 106.0, "paid_atoms": 53_000_000 * ATOMS}
    check_books(world, desk, deposits)
    world.run_to(3 * DAY)
    desk.finish(world.now)
    assert sum(row["primary_atoms"] for row in world.rows["attribution"]) == -53_000_000 * ATOMS


def test_delisting_through_the_book_costs_the_holders_what_it_costs() -> None:
    """A ladder sells for 25 minutes at 5 ticks below the mark; what it could not sell goes at the mark."""
    world = World({BTC: 300_000}, slip_ticks=5, depth=10_000)
    world, desk, deposits = opened({"mode": "cash_nav"}, world=world, execution=LADDER, aum="5 MUSDT")
    deposits = world.total_atoms()
    world.run_to(MINUTE)
    world.process(desk.delisting.delist(is_off_book=False))
    world.run_to(2 * MINUTE)
    assert desk.snapshot(world.now)[0]["state"] == "TRADING"
    assert create(desk, 1_000).reason == "delisted"
    world.run_to(3 * HOUR)
    cost = 500_000 * 5 * 10_000
    assert desk.token.final_nav == 100 * ATOMS - Fraction(cost, 50_000)
    check_books(world, desk, deposits)


def test_delisting_waits_for_a_rebalance_and_for_who_is_being_paid() -> None:
    world = World({BTC: 300_000})
    rule = {"policy": "daily", "at": "00:02"}
    world.follow([(MINUTE, 303_000)])
    world, desk, deposits = opened({"mode": "cash_nav"}, world=world, execution=LADDER, rebalance=rule)
    desk.holdings.move(HOLDERS, ALICE, 1_000 * ATOMS)
    world.run_to(MINUTE + 59 * SECOND)
    paid = redeem(desk, 1_000)
    world.run_to(2 * MINUTE + SECOND)
    world.process(desk.delisting.delist(is_off_book=True))
    world.run_to(HOUR)
    assert (paid.status, paid.cash) == ("settled", 103_000)
    assert desk.token.state == "DELISTED"
    assert events(world, "delisted")[0][1]["nav"] == 103
    check_books(world, desk, deposits)


def test_a_delisted_token_is_not_delisted_again() -> None:
    world = World({BTC: 300_000})
    desk = world.issue()
    for _ in range(2):
        world.process(desk.delisting.delist(is_off_book=True))
    world.run_to(HOUR)
    assert len(events(world, "delisted")) == 1


def test_a_suspended_rebalance_is_left_out_and_not_made_up() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 303_000)])
    desk = world.issue(rebalance={"policy": "daily", "at": "00:02", "emergency": {"leverage": 4, "side": "delever"}})
    desk.status.suspend(["rebalance"])
    world.run_to(HOUR)
    assert desk.snapshot(world.now)[0]["trigger_down"] is None
    desk.status.resume(["rebalance"])
    world.run_to(DAY + HOUR)
    desk.finish(world.now)
    assert [row["t_decide_ns"] for row in world.rows["rebalances"]] == [DAY + 2 * MINUTE]


def test_a_fee_by_dilution_gives_the_issuer_its_share_and_moves_no_cash() -> None:
    """1 % a day: after two charges holders own 0.99 squared of the fund."""
    world = World({BTC: 300_000})
    desk = world.issue(management_fee={"rate": "1%", "mode": "dilution"})
    deposits = world.total_atoms()
    world.run_to(2 * DAY)
    assert float(desk.books.nav() / ATOMS) == pytest.approx(100 * 0.99**2)
    assert desk.holdings.units_of(ISSUER) / desk.token.supply_lots == pytest.approx(1 - 0.99**2)
    assert world.cash[desk.token.account] == 50_000_000 * ATOMS - 5_000_000 * 300_000 * 10_000
    check_books(world, desk, deposits)


def test_a_fee_may_be_charged_several_times_a_day() -> None:
    """AscendEX: 0.3 % in three equal charges at 00:00, 08:00, 16:00."""
    world = World({BTC: 300_000})
    desk = world.issue(management_fee={"rate": "10 bps", "every": "8h"})
    world.run_to(DAY)
    assert [paid[0] for paid in world.paid] == [8 * HOUR, 16 * HOUR, DAY]
    assert float(desk.books.nav() / ATOMS) == pytest.approx(100 * 0.999**3)


def test_funding_is_the_holders_or_the_issuers() -> None:
    """Gate's all-in fee: the issuer pays what the fund would have paid, and keeps what it would have got."""
    for who, nav, issuer in (("pass", 99.8, 0), ("absorb", 100, -100_000)):
        world = World({BTC: 300_000})
        desk = world.issue(funding=who)
        deposits = world.total_atoms()
        world.run_to(8 * HOUR)
        world.settle_funding(desk.token.account, -150_000 * ATOMS)
        world.run_to(16 * HOUR)
        world.settle_funding(desk.token.account, 50_000 * ATOMS)
        assert float(desk.books.nav() / ATOMS) == pytest.approx(nav)
        assert world.cash.get(ISSUER, 0) == issuer * ATOMS
        check_books(world, desk, deposits)


@settings(max_examples=60, deadline=None)
@given(
    held=st.lists(st.integers(1, 10**13), min_size=3, max_size=3),
    ratio=st.integers(2, 10_000),
    price=st.integers(201_000, 350_000),
)
def test_a_split_leaves_every_holders_worth_as_it_was_to_the_atom(held: list[int], ratio: int, price: int) -> None:
    world = World({BTC: 300_000})
    desk = world.issue()
    accounts = (ALICE, BOB, CAROL)
    for account, lots in zip(accounts, held, strict=True):
        desk.holdings.move(HOLDERS, account, lots)
    deposits = world.total_atoms()
    world.run_to(MINUTE)
    world.set_price(price)
    lot_value = desk.books.nav() / desk.token.lots_per_token
    desk.splits.split(ratio, "merge", 0, is_exact=False)
    after = desk.books.nav() / desk.token.lots_per_token
    assert abs(after - ratio * lot_value) * desk.token.supply_lots < 1
    for account, lots in zip(accounts, held, strict=True):
        worth = desk.holdings.units_of(account) * after + world.cash.get(account, 0)
        assert abs(worth - lots * lot_value) < 2
    assert [event for event, _ in events(world, "merge")] == ["merge"]
    check_books(world, desk, deposits)
