"""What creation and redemption do to cash, units, perpetuals and to those who stay."""

from fractions import Fraction
from typing import Any

import pytest

from marketsim.issuers.books.claims import Claim
from marketsim.issuers.desk import TokenDesk
from marketsim.issuers.primary_market.nav_quote import NavQuote
from marketsim.messages import Fill, PrimaryRequest
from tests.issuers.fake_venue import (
    ALICE,
    ATOMS_PER_TICK_LOT,
    BOB,
    BTC,
    DAY,
    HOLDERS,
    HOUR,
    ISSUER,
    MINUTE,
    SECOND,
    Clients,
    World,
    check_books,
)

ATOMS = 10**8
FEES = {"create_fee": "10 bps", "redeem_fee": "10 bps"}
LADDER = {"algorithm": "ioc_ladder", "slice": "1 MUSDT", "every": "10s"}


def opened(
    primary: dict[str, Any], *, clients: int = 10_000_000, world: World | None = None, **declared: Any
) -> tuple[World, TokenDesk, int]:
    """A token with a primary market, two clients with cash and no fees at the venue, and all money there is."""
    world = world or World({BTC: 300_000})
    world.cash.update({ALICE: clients * ATOMS, BOB: clients * ATOMS})
    desk = world.issue(primary=primary, **declared)
    return world, desk, world.total_atoms()


def create(desk: TokenDesk, cash: int, account: int = ALICE) -> PrimaryRequest:
    assert desk.primary is not None
    return desk.primary.request("creation", account, cash_atoms=cash * ATOMS)


def redeem(desk: TokenDesk, units: int | Fraction, account: int = ALICE) -> PrimaryRequest:
    assert desk.primary is not None
    return desk.primary.request("redemption", account, units_lots=int(units * desk.token.lots_per_token))


def exact_nav(desk: TokenDesk) -> Fraction:
    return desk.books.nav()


def test_creation_at_nav_moves_cash_units_and_three_times_the_cash_in_perpetuals() -> None:
    """10,010 USDT less 10.01 USDT of fee buys 99.9999 tokens of NAV 100; 30,000 USDT of BTC at 30,000 is one BTC."""
    world, desk, deposits = opened({"mode": "cash_nav", **FEES})
    request = create(desk, 10_010)
    world.run_to(SECOND)
    net = 10_010 * ATOMS - 1_001_000_000
    assert (request.status, request.reason, request.price) == ("settled", None, 100)
    assert request.units_lots == net // 100 == desk.holdings.units_of(ALICE)
    assert request.units == pytest.approx(99.9999)
    assert world.cash[ISSUER] == 1_001_000_000
    assert world.position_lots(desk.token.account, BTC) == 5_000_000 + 1_000
    assert exact_nav(desk) == 100 * ATOMS
    check_books(world, desk, deposits)
    assert request.done.triggered


def test_redemption_is_the_mirror_of_creation() -> None:
    world, desk, deposits = opened({"mode": "cash_nav", **FEES})
    create(desk, 10_010)
    world.run_to(SECOND)
    before = world.cash[ALICE]
    request = redeem(desk, 50)
    world.run_to(2 * SECOND)
    assert (request.status, request.price, request.cash, request.fee_atoms) == ("settled", 100, 5_000, 5 * ATOMS)
    assert world.cash[ALICE] - before == 4_995 * ATOMS
    assert world.position_lots(desk.token.account, BTC) == 5_000_000 + 500
    assert exact_nav(desk) == 100 * ATOMS
    check_books(world, desk, deposits)


def test_rows_are_as_the_contract_says() -> None:
    world, desk, _ = opened({"mode": "cash_nav", **FEES})
    create(desk, 1_000)
    world.run_to(HOUR)
    redeem(desk, 5)
    world.run_to(HOUR + SECOND)
    redeem(desk, 6)
    world.run_to(2 * HOUR)
    made, sold, refused = world.rows["primary"]
    assert made == {
        "t_ns": 0, "t_request_ns": 0, "t_settle_ns": 0, "token": "BTC3L", "side": "creation", "account": ALICE,
        "cohort": "clients", "units": 9.99, "cash_atoms": 1_000 * ATOMS, "price": 100, "nav_true": 100,
        "fee_atoms": ATOMS, "queue_ahead": 0, "hedge_parent": 0, "status": "settled", "reason": None,
    }  # fmt: skip
    assert (sold["side"], sold["units"], sold["cash_atoms"], sold["hedge_parent"]) == ("redemption", 5, 500 * ATOMS, 1)
    assert (sold["t_request_ns"], sold["t_settle_ns"], sold["status"]) == (HOUR + 1, HOUR + 1, "settled")
    assert (refused["status"], refused["reason"], refused["price"]) == ("refused", "insufficient_units", None)
    assert (refused["t_settle_ns"], refused["hedge_parent"], refused["nav_true"]) == (-1, -1, None)


def test_hedges_say_why_they_trade_and_under_which_number() -> None:
    world, desk, _ = opened({"mode": "cash_nav"}, execution={"algorithm": "market"})
    create(desk, 10_000)
    world.run_to(SECOND)
    redeem(desk, 100)
    world.run_to(2 * SECOND)
    buy, sell = world.orders
    assert (buy.sent["lots"], buy.sent["purpose"], buy.sent["parent"]) == (1_000, 2, 0)
    assert (sell.sent["lots"], sell.sent["purpose"], sell.sent["parent"]) == (-1_000, 3, 1)


@pytest.mark.parametrize("bearer", ["issuer", "fund"])
def test_slippage_of_hedges_at_nav_is_the_issuers_unless_left_with_the_fund(bearer: str) -> None:
    """1,000 lots bought 30 ticks above the mark at 5 bp: 30 x 1,000 x 10,000 atoms and the fee."""
    world = World({BTC: 300_000}, slip_ticks=30, fee_parts=50_000)
    world, desk, deposits = opened(
        {"mode": "cash_nav", "hedge_costs": bearer}, world=world, execution={"algorithm": "market"}
    )
    create(desk, 10_000)
    world.run_to(SECOND)
    cost = 30 * 1_000 * ATOMS_PER_TICK_LOT + 1_000 * 300_030 * ATOMS_PER_TICK_LOT * 50_000 // 10**8
    if bearer == "issuer":
        assert world.cash[ISSUER] == -cost
        assert exact_nav(desk) == 100 * ATOMS
    else:
        assert exact_nav(desk) == 100 * ATOMS - Fraction(cost) / desk.token.supply
    check_books(world, desk, deposits)


def test_at_the_hedges_price_the_client_bears_what_it_costs_and_nobody_else() -> None:
    """The same hedge at its own price: 10,000 USDT less its cost, in tokens of 100."""
    world = World({BTC: 300_000}, slip_ticks=30, fee_parts=50_000)
    world, desk, deposits = opened({"mode": "cash_exec"}, world=world, execution={"algorithm": "market"})
    request = create(desk, 10_000)
    world.run_to(SECOND)
    cost = 30 * 1_000 * ATOMS_PER_TICK_LOT + 1_000 * 300_030 * ATOMS_PER_TICK_LOT * 50_000 // 10**8
    assert request.units_lots == (10_000 * ATOMS - cost) // 100
    assert request.price == pytest.approx(100 * 10_000 / (10_000 - cost / ATOMS))
    assert request.price is not None
    assert request.price > 100
    assert 0 <= exact_nav(desk) - 100 * ATOMS < 1
    before = world.cash[ALICE]
    sold = redeem(desk, 50)
    world.run_to(2 * SECOND)
    assert world.cash[ALICE] - before == sold.cash_atoms < 5_000 * ATOMS
    assert 0 <= exact_nav(desk) - 100 * ATOMS < 1
    check_books(world, desk, deposits)


@pytest.mark.parametrize("side", ["creation", "redemption"])
def test_while_a_hedge_is_worked_the_price_moves_and_those_who_stay_have_their_own_return_only(side: str) -> None:
    """A ladder of a minute through a rise of 3 %: NAV of 100 goes to 109 exactly, whoever comes or goes."""
    world = World({BTC: 300_000}, slip_ticks=50, fee_parts=50_000)
    world.follow([(15 * SECOND, 303_000), (35 * SECOND, 309_000)])
    world, desk, deposits = opened({"mode": "cash_exec", **FEES}, world=world, execution=LADDER)
    if side == "creation":
        request = create(desk, 2_000_000)
    else:
        desk.holdings.move(HOLDERS, ALICE, 20_000 * ATOMS)
        request = redeem(desk, 20_000)
    world.run_to(25 * SECOND)
    assert request.status == "sent"
    assert exact_nav(desk) == 103 * ATOMS
    world.run_to(2 * MINUTE)
    assert request.status == "settled"
    assert 0 <= exact_nav(desk) - 109 * ATOMS < 1
    if side == "redemption":  # two of six slices at each price, at 5 ticks and 5 bp worse
        shares = (300_000 - 50, 303_000 - 50, 309_000 - 50)
        got = sum(price * (1 - 0.0005) - 300_000 for price in shares) / 3 / 300_000
        assert request.cash == pytest.approx(2_000_000 * (1 + 3 * got), rel=1e-3)
    check_books(world, desk, deposits)


def test_a_reset_during_a_hedge_does_not_trade_it_twice() -> None:
    """6 MUSDT of hedge take a minute in slices; a reset in between leaves exactly three times the equity at its end."""
    world = World({BTC: 300_000})
    world, desk, deposits = opened(
        {"mode": "cash_nav"}, world=world, execution=LADDER, rebalance={"policy": "daily", "at": "00:00:20"}
    )
    create(desk, 2_000_000)
    world.run_to(HOUR)
    assert world.position_lots(desk.token.account, BTC) == 3 * 52_000_000 // 30
    assert [row["target_lots"] for row in world.rows["rebalances"]] == [0] if "rebalances" in world.rows else True
    check_books(world, desk, deposits)


def test_in_kind_the_client_hands_in_his_part_of_the_position() -> None:
    """10,000 USDT of a 3x token: one BTC long, and the fund's debt of 20,000 comes with it."""
    world, desk, deposits = opened({"mode": "in_kind", "create_fee": "10 bps"})
    world.positions[ALICE, BTC] = 5_000
    world.cash[ALICE] -= 5_000 * 300_000 * ATOMS_PER_TICK_LOT
    deposits = world.total_atoms()
    before = world.equity_atoms(ALICE)
    request = create(desk, 10_010)
    fee = request.fee_atoms
    assert request.status == "settled"
    assert world.positions[ALICE, BTC] == 5_000 - 1_000
    assert world.position_lots(desk.token.account, BTC) == 5_001_000
    assert before - world.equity_atoms(ALICE) == request.cash_atoms
    assert exact_nav(desk) == 100 * ATOMS
    assert (request.units_lots, fee) == (10_010 * ATOMS * 999 // 1000 // 100, 1_001_000_000)
    assert world.orders == []
    leverage = desk.books.holding().leverage
    assert leverage is not None
    assert float(leverage) == pytest.approx(3, abs=1e-6)
    desk.account_changed()
    assert desk.reconciliation.seizures == 0  # nothing moved that the venue took by itself
    check_books(world, desk, deposits)


def test_redemption_in_kind_hands_it_back() -> None:
    world, desk, deposits = opened({"mode": "in_kind"})
    desk.holdings.move(HOLDERS, ALICE, 100 * ATOMS)
    request = redeem(desk, 100)
    assert request.status == "settled"
    assert world.positions[ALICE, BTC] == 1_000
    assert world.equity_atoms(ALICE) == 10_010_000 * ATOMS
    assert world.cash[ALICE] == 10_010_000 * ATOMS - 30_000 * ATOMS
    assert exact_nav(desk) == 100 * ATOMS
    desk.account_changed()
    assert desk.reconciliation.seizures == 0
    check_books(world, desk, deposits)


def test_a_claim_moves_with_what_its_hedge_has_bought_or_has_still_to_sell() -> None:
    """A creation hedged by 10 lots, 4 of them bought; a redemption of 6, 2 of them sold."""
    fill = {"t_ns": 0, "price_ticks": 300_000, "fee_atoms": 0, "mark_ticks": 300_000, "index_ticks": 300_000}
    created, redeemed = Claim(0, None, bears_costs=True), Claim(0, {BTC: 300_000}, bears_costs=True)
    assert (created.exposure_lots(BTC), created.hedge_lots(BTC)) == (0, 0)
    created.expect({BTC: 10})
    redeemed.expect({BTC: -6})
    assert (created.exposure_lots(BTC), created.hedge_lots(BTC)) == (0, 10)
    assert (redeemed.exposure_lots(BTC), redeemed.hedge_lots(BTC)) == (6, 0)
    created.book(BTC, [Fill(lots=4, **fill)])
    redeemed.book(BTC, [Fill(lots=-2, **fill)])
    assert (created.exposure_lots(BTC), created.hedge_lots(BTC)) == (4, 10)
    assert (redeemed.exposure_lots(BTC), redeemed.hedge_lots(BTC)) == (4, 0)


def test_in_kind_nobody_is_handed_a_position_that_his_account_may_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    world, desk, deposits = opened({"mode": "in_kind"})
    desk.holdings.move(HOLDERS, ALICE, 100 * ATOMS)
    monkeypatch.setattr(Clients, "position_lots", lambda clients, account, market: None)
    assert redeem(desk, 100).reason == "insufficient_cash"
    assert create(desk, 10_000).reason == "insufficient_position"
    assert desk.holdings.units_of(ALICE) == 100 * ATOMS
    check_books(world, desk, deposits)


def test_in_kind_needs_the_position() -> None:
    world, desk, _ = opened({"mode": "in_kind"})
    assert create(desk, 10_000).reason == "insufficient_position"
    world.positions[ALICE, BTC] = -5_000
    assert create(desk, 10_000).reason == "insufficient_position"


def test_delivery_later_keeps_units_and_cash_in_trust() -> None:
    world, desk, deposits = opened({"mode": "cash_nav", "settle_after": "1h", **FEES})
    made = create(desk, 10_010)
    world.run_to(MINUTE)
    assert (made.status, made.reason) == ("queued", "settling")
    assert desk.holdings.units_of(ALICE) == 0
    assert desk.holdings.units_of(ISSUER) == made.units_lots
    world.set_price(303_000)
    world.run_to(HOUR)
    assert made.status == "settled"
    assert (made.price, desk.holdings.units_of(ALICE)) == (100, made.units_lots)
    before = world.cash[ALICE]
    sold = redeem(desk, 50)
    world.run_to(HOUR + MINUTE)
    assert world.cash[ALICE] == before
    world.run_to(2 * HOUR + SECOND)
    assert (sold.status, sold.price) == ("settled", pytest.approx(103))
    assert world.cash[ALICE] - before == pytest.approx(5_150 * ATOMS * 0.999, rel=1e-11)
    check_books(world, desk, deposits)
    assert [row["status"] for row in world.rows["primary"]] == ["queued", "settled"] * 2


def test_the_last_units_close_the_fund_and_what_is_left_is_the_issuers() -> None:
    """The price rises by 1 % while the ladder sells: without holders, 3 % of what it still holds is the issuer's."""
    world, desk, deposits = opened({"mode": "cash_nav"}, aum="1 MUSDT", execution=LADDER)
    desk.holdings.move(HOLDERS, ALICE, desk.token.supply_lots)
    world.follow([(5 * SECOND, 303_000)])
    request = redeem(desk, 10_000)
    world.run_to(HOUR)
    assert (request.status, request.cash) == ("settled", 1_000_000)
    assert desk.token.supply_lots == 0
    assert world.position_lots(desk.token.account, BTC) == 0
    assert world.cash[desk.token.account] == 0
    assert world.cash[ISSUER] > 0
    row, _ = desk.snapshot(world.now)
    assert (row["nav"], row["leverage"], row["state"]) == (100, None, "TRADING")
    check_books(world, desk, deposits)


def test_a_token_without_supply_can_be_created_and_then_rebalances() -> None:
    world, desk, deposits = opened({"mode": "cash_nav"}, aum="0 USDT", rebalance={"policy": "daily", "at": "00:02"})
    world.follow([(MINUTE, 303_000), (HOUR, 306_030)])
    world.run_to(2 * MINUTE)
    request = create(desk, 10_100)
    world.run_to(3 * MINUTE)
    assert (request.units, request.price) == (101, 100)
    assert world.position_lots(desk.token.account, BTC) == 1_000
    world.run_to(DAY + HOUR)
    desk.finish(DAY + HOUR + 1)
    (row,) = world.rows["rebalances"]
    assert (row["trigger"], row["t_decide_ns"]) == ("scheduled", DAY + 2 * MINUTE)
    check_books(world, desk, deposits)


def test_a_fund_is_not_paid_out_beyond_its_equity() -> None:
    """A quote an hour old still says 100 when NAV is 70: the last holder cannot take 100."""
    world, desk, _ = opened({"mode": "cash_nav"}, nav_quote={"every": "1min", "delay": "1h"})
    desk.holdings.move(HOLDERS, ALICE, desk.token.supply_lots)
    world.run_to(MINUTE)
    world.set_price(270_000)
    assert redeem(desk, 500_000).reason == "insufficient_equity"
    assert redeem(desk, 1_000).status == "sent"


def test_what_others_redeem_is_not_there_for_who_redeems_next() -> None:
    """At a stale 100 (NAV 70) Alice has a claim of 20 of the fund's 35 millions: Bob's 20 are not there."""
    world, desk, deposits = opened({"mode": "cash_nav"}, nav_quote={"every": "1min", "delay": "1h"}, execution=LADDER)
    desk.holdings.move(HOLDERS, ALICE, 200_000 * ATOMS)
    desk.holdings.move(HOLDERS, BOB, 200_000 * ATOMS)
    world.run_to(MINUTE)
    world.set_price(270_000)
    assert redeem(desk, 200_000).status == "sent"
    assert desk.books.equity_atoms() == 35_000_000 * ATOMS
    assert redeem(desk, 200_000, BOB).reason == "insufficient_equity"
    assert redeem(desk, Fraction(149_999), BOB).status == "sent"
    assert redeem(desk, 2, BOB).reason == "insufficient_equity"
    check_books(world, desk, deposits)


def test_the_last_hundred_of_a_fund_can_be_redeemed() -> None:
    """Exactly what is the holders' may go: at the quote of 100 and a NAV of 100, the last 100 of 100."""
    world, desk, _ = opened({"mode": "cash_nav"}, aum="100 USDT", nav_quote={"every": "1min", "delay": "1h"})
    desk.holdings.move(HOLDERS, ALICE, desk.token.supply_lots)
    world.run_to(MINUTE)
    assert redeem(desk, 1).status != "refused"


@pytest.mark.parametrize("ticks", [301_237, 298_811, 300_003])
def test_units_at_the_hedges_price_cost_those_who_stay_not_a_fraction_of_an_atom(ticks: int) -> None:
    """The new units are paid for up to the next whole atom: NAV is exactly what it was, or a hair more."""
    world, desk, deposits = opened({"mode": "cash_exec"})
    world.set_price(ticks)
    before, supply = desk.books.nav(), desk.token.supply
    for cash in (12_345, 777, 10_001):
        request = create(desk, cash)
        world.run_to(world.now + SECOND)
        assert request.status == "settled"
        assert before <= desk.books.nav()
        assert (desk.books.nav() - before) * supply < 4  # less than an atom each time
    check_books(world, desk, deposits)


def test_a_fund_whose_last_holder_leaves_before_a_creation_is_hedged_keeps_nothing() -> None:
    """Alice's creation at NAV still buys when she redeems all there is; whichever hedge ends last, nothing is left."""
    for second, price in ((5, 300_000), (15, 303_000), (45, 297_000)):
        world, desk, deposits = opened({"mode": "cash_nav"}, aum="100 kUSDT", execution=LADDER)
        desk.holdings.move(HOLDERS, ALICE, desk.token.supply_lots)
        create(desk, 2_000_000)
        world.run_to(second * SECOND)
        world.set_price(price)
        gone = redeem(desk, Fraction(desk.holdings.units_of(ALICE), desk.token.lots_per_token))
        assert desk.token.supply_lots == 0
        world.run_to(HOUR)
        assert gone.status == "settled"
        assert (world.position_lots(desk.token.account, BTC), world.cash[desk.token.account]) == (0, 0)
        assert world.total_atoms() == deposits


@pytest.mark.parametrize("first", ["creation", "redemption"])
def test_a_fund_that_all_have_left_is_swept_after_the_last_hedge_whichever_that_is(first: str) -> None:
    """Both hedges rest in the book: the purchase of the creation, and the sale of all that the fund will have."""
    resting = {"algorithm": "passive", "offset": "0 bps", "timeout": "1h", "reprice": "1h"}
    world, desk, deposits = opened({"mode": "cash_nav"}, aum="100 kUSDT", execution=resting)
    desk.holdings.move(HOLDERS, ALICE, desk.token.supply_lots)
    create(desk, 200_000)
    world.run_to(SECOND)
    gone = redeem(desk, Fraction(desk.holdings.units_of(ALICE), desk.token.lots_per_token))
    world.run_to(2 * SECOND)
    bought, sold = world.orders
    assert (bought.sent["lots"], sold.sent["lots"]) == (20_000, -30_000)
    for order in (bought, sold) if first == "creation" else (sold, bought):
        world.run_to(world.now + SECOND)
        world.hit(order, order.remaining_lots)
        world.set_price(300_300)
    world.run_to(2 * HOUR)
    assert gone.status == "settled"
    assert (world.position_lots(desk.token.account, BTC), world.cash[desk.token.account]) == (0, 0)
    assert world.total_atoms() == deposits


def test_a_creation_that_waits_behind_the_last_redemption_keeps_its_cash() -> None:
    """A fund of 4 USDT has no lot; it is empty for a moment, and the 10,000 in it then are the next client's."""
    world, desk, deposits = opened({"mode": "cash_exec", "queue": True}, aum="4 USDT")
    desk.holdings.move(HOLDERS, BOB, desk.token.supply_lots)
    desk.status.suspend(["primary"])
    gone = redeem(desk, Fraction(desk.token.supply_lots, desk.token.lots_per_token), BOB)
    made = create(desk, 10_000)
    desk.status.resume(["primary"])
    world.run_to(MINUTE)
    assert (gone.status, gone.cash_atoms) == ("settled", 4 * ATOMS)
    assert (made.status, made.units) == ("settled", 100)
    assert world.position_lots(desk.token.account, BTC) == 1_000
    check_books(world, desk, deposits)


def test_the_last_holder_gets_what_the_fund_has_where_it_fell_while_it_was_sold() -> None:
    """A third of 3 MUSDT is sold at 30,000, the rest a tenth lower: 0.8 of the million is left, and no issuer adds."""
    world, desk, deposits = opened({"mode": "cash_nav"}, aum="1 MUSDT", execution=LADDER)
    desk.holdings.move(HOLDERS, ALICE, desk.token.supply_lots)
    world.follow([(5 * SECOND, 270_000)])
    request = redeem(desk, 10_000)
    world.run_to(HOUR)
    assert (request.status, float(request.cash)) == ("settled", pytest.approx(800_000, rel=1e-4))
    assert world.cash.get(ISSUER, 0) == 0
    assert world.total_atoms() == deposits


def test_a_wipe_out_under_way_leaves_a_redemption_nothing() -> None:
    world, desk, deposits = opened({"mode": "cash_nav"}, execution=LADDER)
    desk.holdings.move(HOLDERS, ALICE, 400_000 * ATOMS)
    world.follow([(15 * SECOND, 150_000)])
    request = redeem(desk, 400_000)
    world.run_to(20 * SECOND)
    desk.account_changed()
    world.run_to(HOUR)
    assert (request.status, request.reason) == ("refused", "wiped")
    assert (create(desk, 1_000).reason, exact_nav(desk)) == ("wiped", 0)
    assert world.total_atoms() == deposits


def test_a_stale_quote_can_be_arbitraged_and_a_fresh_one_cannot() -> None:
    """BTC rises by 2 %, NAV from 100 to 106: a million at the old quote gets 10,000 of 510,000 tokens in 54 millions.

    Who redeems them at the new quote has gained 1,000,000 (54 / 51 - 1), and holders have lost it.
    """
    for delay, gain in (("10min", 1_000_000 * 3 / 51), ("0s", 0)):
        world, desk, deposits = opened({"mode": "cash_nav"}, nav_quote={"every": "1s", "delay": delay})
        world.run_to(HOUR)
        before = world.cash[ALICE]
        world.set_price(306_000)
        made = create(desk, 1_000_000)
        world.run_to(HOUR + 11 * MINUTE)
        redeem(desk, Fraction(made.units_lots, desk.token.lots_per_token))
        world.run_to(2 * HOUR)
        assert (world.cash[ALICE] - before) / ATOMS == pytest.approx(gain, abs=1e-3)
        lost = 106 - exact_nav(desk) * desk.token.supply / ATOMS / 500_000
        assert float(lost) == pytest.approx(gain / 500_000, abs=1e-6)
        check_books(world, desk, deposits)


def test_quotes_are_sampled_at_their_cadence_and_known_after_their_delay() -> None:
    world, desk, _ = opened({"mode": "cash_nav"}, nav_quote={"source": "mark", "every": "10s", "delay": "25s"})
    world.follow([(5 * SECOND, 303_000), (15 * SECOND, 306_000), (25 * SECOND, 309_000)])
    known = []
    for second in range(0, 70, 5):
        world.run_to(second * SECOND)
        known.append(int(desk.quote.published() / ATOMS))
    assert known == [100] * 7 + [103, 103, 106, 106, 109, 109, 109]
    row, _ = desk.snapshot(world.now)
    assert (row["nav"], row["nav_published"]) == (109, 109)


def test_a_quote_may_be_valued_at_the_index() -> None:
    world, desk, _ = opened({"mode": "cash_nav"}, nav_quote={"source": "index"})
    world.run_to(MINUTE)
    world.set_price(303_000, index=300_000)
    world.run_to(2 * MINUTE)
    assert isinstance(desk.quote, NavQuote)
    assert (desk.quote.published(), exact_nav(desk)) == (100 * ATOMS, 103 * ATOMS)


@pytest.mark.parametrize("mode", ["cash_nav", "cash_exec"])
def test_a_fee_of_notional_is_the_rate_times_the_target(mode: str) -> None:
    """TLX (docs/products.md#tlx): creation free, redemption 0.3 % x |L|: 0.9 % of the cash of a 3x token, short or
    long."""
    for target in (3, -3):
        primary = {"mode": mode, "redeem_fee": "30 bps", "fee_of": "notional"}
        world, desk, deposits = opened(primary, basket={BTC: target})
        made = create(desk, 10_000)
        world.run_to(SECOND)
        assert (made.status, made.fee_atoms, made.units) == ("settled", 0, 100)
        sold = redeem(desk, 100)
        world.run_to(MINUTE)
        assert (sold.status, sold.cash_atoms, sold.fee_atoms) == ("settled", 10_000 * ATOMS, 90 * ATOMS)
        assert world.cash[ALICE] == (10_000_000 - 90) * ATOMS
        check_books(world, desk, deposits)


def test_while_a_hedge_is_worked_nav_is_what_the_row_s_equity_less_claims_gives() -> None:
    """Table `tokens` by itself: (equity - claims) / supply, at every moment of a creation and of a redemption."""
    world = World({BTC: 300_000}, slip_ticks=50, fee_parts=50_000)
    world.follow([(15 * SECOND, 303_000), (95 * SECOND, 309_000)])
    world, desk, _ = opened({"mode": "cash_exec", **FEES}, world=world, execution=LADDER)
    desk.holdings.move(HOLDERS, BOB, 20_000 * ATOMS)
    create(desk, 2_000_000)
    claims = []
    for second in range(0, 200, 5):
        if second == 80:
            redeem(desk, 20_000, BOB)
        world.run_to(second * SECOND)
        row, _ = desk.snapshot(world.now)
        assert row["nav"] == pytest.approx(
            (row["equity_atoms"] - row["claims_atoms"]) / row["supply"] / ATOMS, rel=1e-12
        )
        claims.append(row["claims_atoms"])
    assert claims[2] > 1_990_000 * ATOMS
    assert claims[20] > 2_000_000 * ATOMS
    assert claims[14] == claims[-1] == 0


def test_clients_dealt_together_at_the_hedge_s_price_each_bear_their_own_hedge() -> None:
    """Both wait while the token rests; with 5 bp of fees on 3 x the cash each pays 15 bp of his own, not of both."""
    world = World({BTC: 300_000}, fee_parts=50_000)
    world, desk, deposits = opened({"mode": "cash_exec", "queue": True}, world=world, execution={"algorithm": "market"})
    desk.status.suspend(["primary"])
    requests = [create(desk, 1_000_000), create(desk, 3_000_000, BOB)]
    desk.status.resume(["primary"])
    world.run_to(MINUTE)
    assert [request.status for request in requests] == ["settled", "settled"]
    units = [float(request.units) for request in requests]
    assert units == [pytest.approx(9_985, rel=1e-6), pytest.approx(29_955, rel=1e-6)]  # 1 - 3 x .0005
    assert [order.sent["lots"] for order in world.orders] == [100_000, 300_000]
    check_books(world, desk, deposits)


def test_the_last_units_go_while_a_creation_is_hedged_and_only_the_holders_position_is_closed() -> None:
    """Half the creation's hedge is done when everybody else leaves: what stays is three times the creation's cash."""
    world, desk, deposits = opened({"mode": "cash_exec"}, execution=LADDER, aum="1 MUSDT")
    desk.holdings.move(HOLDERS, BOB, 10_000 * ATOMS)
    made = create(desk, 2_000_000)
    world.run_to(25 * SECOND)
    gone = redeem(desk, 10_000, BOB)
    assert desk.token.supply_lots == 0
    world.run_to(3 * MINUTE)
    assert (made.status, gone.status) == ("settled", "settled")
    assert gone.cash_atoms == 1_000_000 * ATOMS
    assert world.position_lots(desk.token.account, BTC) == 200_000
    assert float(desk.books.holding().leverage or 0) == pytest.approx(3, abs=1e-6)
    check_books(world, desk, deposits)


def test_an_order_in_work_ends_when_the_last_units_have_gone() -> None:
    """A purchase of ten minutes, all holders out after two: the fund has no position and no cash from there on."""
    world = World({BTC: 300_000})
    world.follow([(30 * SECOND, 303_000)])
    twap = {"algorithm": "twap", "over": "10min", "slices": 10}
    primary = {"mode": "cash_nav", "hedge": "off_book", "suspend_while_rebalancing": False}
    rebalance = {"policy": "daily", "at": "00:01"}
    world, desk, deposits = opened(primary, world=world, execution=twap, rebalance=rebalance, aum="1 MUSDT")
    desk.holdings.move(HOLDERS, BOB, 10_000 * ATOMS)
    world.run_to(3 * MINUTE + SECOND)
    request = redeem(desk, 10_000, BOB)
    assert len(world.orders) == 3
    world.run_to(HOUR)
    assert request.status == "settled"
    desk.finish(world.now)
    assert len(world.orders) == 3
    assert (world.position_lots(desk.token.account, BTC), world.cash[desk.token.account]) == (0, 0)
    assert world.rows["rebalances"][0]["status"] == "partial"
    assert world.total_atoms() == deposits


def test_a_redemption_takes_nothing_of_what_is_owed_to_another() -> None:
    """NAV is quoted at 100 and 40: of 400,000 one has 200,000 coming, so 300,000 more are not the holders'."""
    world = World({BTC: 300_000})
    quote = {"source": "mark", "every": "1h", "delay": "2h"}
    world, desk, _ = opened({"mode": "cash_nav"}, world=world, aum="1 MUSDT", nav_quote=quote, execution=LADDER)
    desk.holdings.move(HOLDERS, ALICE, 2_000 * ATOMS)
    desk.holdings.move(HOLDERS, BOB, 3_000 * ATOMS)
    world.set_price(240_000)
    redeem(desk, 2_000)
    assert desk.books.equity_atoms() == 400_000 * ATOMS
    assert desk.books.holders_atoms() == 200_000 * ATOMS
    assert redeem(desk, 3_000, BOB).reason == "insufficient_equity"


@pytest.mark.parametrize("cash_atoms", [10**12 + 12_345 * k for k in range(1, 12)])
def test_units_at_the_hedge_s_price_take_no_fraction_of_an_atom_from_those_who_stay(cash_atoms: int) -> None:
    """NAV is 100.001 atoms a lot: what whole lots cost is rounded up, and the rest goes back."""
    world = World({BTC: 300_000})
    world, desk, deposits = opened({"mode": "cash_exec"}, world=world, execution={"algorithm": "off_book"})
    world.set_price(300_001)
    deposits = world.total_atoms()
    before = exact_nav(desk)
    assert before / desk.token.lots_per_token == Fraction(100_001, 1_000)
    assert desk.primary is not None
    request = desk.primary.request("creation", ALICE, cash_atoms=cash_atoms)
    world.run_to(SECOND)
    assert request.status == "settled"
    assert exact_nav(desk) >= before
    assert world.total_atoms() == deposits


def test_a_holder_who_asks_for_units_gets_so_many_after_the_fee() -> None:
    """1,000 lots at 1 %: cash of 1,000 x 100 / .99, and not 1,000 x 100 x 1.01, which buys 999."""
    _, desk, _ = opened({"mode": "cash_nav", "create_fee": "1%"})
    assert desk.primary is not None
    desk.primary.ask_units(ALICE, 100_000)
    assert desk.holdings.units_of(ALICE) == 100_000


def test_an_issuer_who_bears_the_costs_of_rebalances_does_not_bear_those_of_hedges() -> None:
    """Creation of 1 MUSDT at 5 bp on 3 x the cash: 1,500 USDT that all holders bear, 51 MUSDT of them."""
    world = World({BTC: 300_000}, fee_parts=50_000)
    primary = {"mode": "cash_nav", "hedge_costs": "fund"}
    world, desk, _ = opened(primary, world=world, costs="absorb", execution={"algorithm": "market"})
    create(desk, 1_000_000)
    world.run_to(MINUTE)
    assert desk.books.equity_atoms() == (51_000_000 - 1_500) * ATOMS


def test_a_hedge_that_takes_time_is_no_rebalance_of_the_token() -> None:
    """30,000 USDT of BTC a creation, 10,000 every ten seconds: half a minute in which the token goes on trading."""
    ladder = {"algorithm": "ioc_ladder", "slice": "10 kUSDT", "every": "10s"}
    world, desk, _ = opened({"mode": "cash_exec"}, execution=ladder)
    request = create(desk, 10_000)
    world.run_to(15 * SECOND)
    assert (request.status, world.position_lots(desk.token.account, BTC)) == ("sent", 5_000_000 + 666)
    assert not [row for row in world.rows.get("events", []) if row["event"] == "state"]
    world.run_to(MINUTE)
    assert request.status == "settled"
    assert not [row for row in world.rows.get("events", []) if row["event"] == "state"]


def test_a_fund_that_begins_empty_resets_and_charges_from_its_first_creation_on() -> None:
    """100,000 USDT at the door of an empty fund; a rise of 2 %, at noon a reset, at midnight 1 bp of 106,000."""
    world, desk, _ = opened(
        {"mode": "cash_nav"},
        aum="0 USDT",
        rebalance={"policy": "daily", "at": "12:00"},
        management_fee={"rate": "1 bps", "at": "00:00"},
    )
    request = create(desk, 100_000)
    world.run_to(MINUTE)
    assert request.status == "settled"
    world.set_price(306_000)
    world.run_to(DAY + MINUTE)
    desk.finish(world.now)
    assert [row["t_decide_ns"] for row in world.rows["rebalances"]] == [12 * HOUR]
    assert [paid[3] for paid in world.paid] == [1_060_000_000]
