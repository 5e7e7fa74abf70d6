"""Liquidation's stories: who loses, who pays, and that the books close to the atom whatever happens."""

import random

import pytest

from marketsim.kernel import codes
from marketsim.kernel.layout import DELEVERAGING_LOG, LIQUIDATION_LOG
from tests.kernel.checks import check_world
from tests.kernel.commands import Twins
from tests.kernel.crowds import advance, crowd
from tests.kernel.worlds import LOT, ONE_TIER, SECOND, MarketPlan, Plan, Session

RICH = 10**6 * LOT
FREE = dict(maker_fee=0, taker_fee=0)


def rows(s: Session, name: str) -> list[dict[str, int]]:
    names = (LIQUIDATION_LOG if name == "liquidations" else DELEVERAGING_LOG).names or ()
    return [dict(zip(names, row, strict=True)) for row in s.log(name)]


def crash(
    cash: tuple[int, ...],
    path: list[int],
    fund: int = 0,
    tiers: tuple[tuple[int, int, int], ...] = ONE_TIER,
    per_step: int | None = None,
) -> Session:
    market = MarketPlan(**FREE, tiers=tiers, per_step=per_step)
    return Session(Plan(cash, (market,), fund=fund), [path + [path[-1]] * 400])


def test_a_liquidated_account_sells_into_the_book_and_pays_its_fee_from_what_is_left() -> None:
    s = crash((10 * LOT, RICH), [10_000, 10_000, 9_040])
    s.start(0, 100, 10_000)
    s.order(1, 100, 9_040)
    s.advance(2 * SECOND)
    # 100 lots bought at 10,000 sold at 9,040: 4,000,000 atoms left, less than 1.25% of 904,000,000
    assert (s.lots(0), s.lots(1), s.cash(0)) == (0, 100, 0)
    (row,) = rows(s, "liquidations")
    assert (row["stage"], row["filled_lots"], row["fee_atoms"], row["size_lots"]) == (
        codes.L_PARTIAL,
        100,
        4_000_000,
        100,
    )
    assert s.cash(s.plan.fund_of(0)) == 4_000_000
    check_world(s.world, after_mark=True)


def test_only_what_is_needed_to_fall_a_tier_is_sold_when_that_is_enough() -> None:
    tiers = ((0, 500_000, 100), (400 * LOT, 10_000_000, 20))  # above 400 lots' worth at 10,000: ten percent
    s = crash((60 * LOT, RICH), [10_000, 10_000, 9_500], tiers=tiers)
    s.start(0, 900, 10_000)
    s.order(1, 2_000, 9_500)
    s.advance(2 * SECOND)
    assert s.lots(0) == 4_000 * LOT // (9_500 * 1_000) // 10  # 421 lots are worth no more than the tier's end
    assert not s.world.accounts[0]["state"]
    check_world(s.world, after_mark=True)


def test_what_nobody_buys_the_fund_takes_over_at_the_bankruptcy_price_and_sells_slowly() -> None:
    s = crash((10 * LOT, RICH), [10_000, 10_000, 9_040], fund=500 * LOT)
    s.start(0, 100, 10_000)
    s.advance(2 * SECOND)
    fund = s.plan.fund_of(0)
    (row,) = rows(s, "liquidations")
    # bankrupt at 9,000: the fund gains 40 ticks on 100 lots at the mark
    assert (row["stage"], row["insurance_atoms"], s.lots(fund)) == (codes.L_TAKEOVER, 4_000_000, 100)
    assert (s.cash(0), s.lots(0)) == (0, 0)
    s.order(1, 500, 9_000)
    s.advance(100 * SECOND)
    assert s.lots(fund) == 0
    assert s.cash(fund) == 500 * LOT  # what it bought at 9,000 it sold at 9,000
    check_world(s.world, after_mark=True)


def test_without_a_fund_the_best_ranked_winner_is_deleveraged_at_the_bankruptcy_price() -> None:
    s = crash((10 * LOT, 1_000 * LOT, 12 * LOT, RICH), [10_000, 10_000, 8_900])
    s.start(0, 100, 10_000)
    s.start(1, -60, 10_000)  # the same profit share at little leverage
    s.start(2, -60, 10_000)  # and at much: first
    s.advance(2 * SECOND)
    assert [(r["account"], r["size_lots"], r["rank"]) for r in rows(s, "deleveragings")] == [(2, 60, 0), (1, 40, 1)]
    assert {r["price_ticks"] for r in rows(s, "deleveragings")} == {9_000}
    assert (s.lots(0), s.cash(0), s.cash(s.plan.fund_of(0))) == (0, 0, 0)
    check_world(s.world, after_mark=True)


def test_when_no_trader_is_left_on_the_other_side_outside_closes_the_rest() -> None:
    s = crash((10 * LOT, RICH), [10_000, 10_000, 100])
    s.start(0, 100, 10_000)
    s.advance(2 * SECOND)
    assert [r["account"] for r in rows(s, "deleveragings")] == [s.plan.outside]
    assert (s.lots(0), s.cash(0), s.lots(s.plan.outside)) == (0, 0, 0)
    check_world(s.world, after_mark=True)


@pytest.mark.parametrize(("side", "last"), [(1, 8_000), (-1, 12_000)])
def test_whom_outside_closes_has_exactly_nothing_left_and_rounding_has_what_a_tick_leaves(side: int, last: int) -> None:
    # 7 lots with 0.1 lots' worth each and 1,234 atoms: bankrupt at 10,000 -+ 1,000.18 ticks, so 1,234 atoms are left
    # at the next whole tick that leaves no debt.
    s = crash((7 * LOT // 10 + 1_234, RICH), [10_000, 10_000, last])
    s.start(0, side * 7, 10_000)
    s.advance(2 * SECOND)
    (row,), (cut,) = rows(s, "liquidations"), rows(s, "deleveragings")
    assert (row["stage"], cut["account"], cut["price_ticks"]) == (
        codes.L_DELEVERAGED,
        s.plan.outside,
        10_000 - side * 1_000,
    )
    assert (s.lots(0), s.cash(0), s.cash(s.plan.outside + 1)) == (0, 0, 1_234)
    assert s.cash(s.plan.fund_of(0)) == 0
    check_world(s.world, after_mark=True)


def test_what_others_leave_of_a_tick_stays_with_the_account() -> None:
    s = crash((7 * LOT // 10 + 1_234, RICH), [10_000, 10_000, 8_000])
    s.start(0, 7, 10_000)
    s.start(1, -7, 10_000)
    s.advance(2 * SECOND)
    assert (s.lots(0), s.cash(0), s.cash(s.plan.outside + 1)) == (0, 1_234, 0)


def test_outside_pays_what_no_price_of_a_tick_or_more_can_make_good() -> None:
    s = crash((2 * LOT, RICH), [10_000, 10_000, 10_000], fund=LOT)
    s.start(0, -1, 10_000)
    s.advance(SECOND + 1)
    s.pay(0, 1, 5 * LOT)  # two lots' worth of debt, and a lot to buy back: its bankruptcy price is -20,000 ticks
    before = s.cash(s.plan.outside)
    s.advance(2 * SECOND)
    assert (s.lots(0), s.cash(0), s.cash(s.plan.fund_of(0))) == (0, 0, LOT)
    assert s.cash(s.plan.outside) == before - 2 * LOT
    assert [r["price_ticks"] for r in rows(s, "deleveragings")] == [1]
    assert [r["fee_atoms"] for r in rows(s, "liquidations")] == [0]
    check_world(s.world, after_mark=True)


def test_a_levered_crowd_in_a_crash_is_wound_up_and_the_books_close_to_the_atom() -> None:
    n = 150
    path = [10_000, 10_000, 9_700, 9_300, 8_500, 6_000, 3_000, 900, 30]
    s = crash((10 * LOT,) * n + (RICH,) * 2, path, fund=30 * LOT)
    for trader in range(n):
        s.start(trader, 20 + 5 * trader if trader % 3 else -20, 10_000)
    for price in range(9_990, 9_000, -10):
        s.order(n, 15, price)
    s.order(n + 1, -50, 10_010)
    for second in range(1, 40):
        s.advance(second * SECOND)
        check_world(s.world)
    stages = {r["stage"] for r in rows(s, "liquidations")}
    assert stages == {codes.L_PARTIAL, codes.L_TAKEOVER, codes.L_DELEVERAGED}
    assert s.world.get("deleveraging_count") == len(rows(s, "deleveragings")) > 0
    assert s.market("queue_head") == s.market("queue_tail")
    assert all(s.lots(trader) == 0 and s.cash(trader) >= 0 for trader in range(n) if trader % 3)
    check_world(s.world, after_mark=True)


def test_everybody_who_waits_at_a_mark_is_worked_on_at_that_mark() -> None:
    s = crash((10 * LOT,) * 150 + (RICH,), [10_000, 10_000, 8_000])
    for trader in range(150):
        s.start(trader, 100, 10_000)
    s.advance(2 * SECOND)
    assert s.world.get("liquidation_count") == 150
    assert [r["account"] for r in rows(s, "deleveragings")] == [s.plan.outside] * 150
    assert not any(s.lots(trader) or s.cash(trader) or s.world.accounts[trader]["state"] for trader in range(150))
    assert s.market("queue_head") == s.market("queue_tail")
    check_world(s.world, after_mark=True)


@pytest.mark.parametrize(("per_step", "done_by_then"), [(64, [64, 128, 150, 150]), (149, [149, 150]), (150, [150])])
def test_a_market_may_bound_how_many_are_worked_on_at_one_mark_and_first_come_first(
    per_step: int, done_by_then: list[int]
) -> None:
    s = crash((10 * LOT,) * 150 + (RICH,), [10_000, 10_000, 8_000], per_step=per_step)
    for trader in range(150):
        s.start(trader, 100, 10_000)
    s.advance(2 * SECOND, codes.PH_LIQUIDATION)
    assert s.market("queue_tail") - s.market("queue_head") == 150
    queue = s.world._kept[int(s.world.markets[0]["queue"])][:150].tolist()
    done = []
    for second in range(2, 2 + len(done_by_then)):
        s.advance(second * SECOND)
        done.append(s.world.get("liquidation_count"))
        assert s.market("queue_tail") - s.market("queue_head") == 150 - done[-1]
    assert done == done_by_then
    assert [r["account"] for r in rows(s, "liquidations")] == queue
    assert sorted(queue) == list(range(150))
    assert s.reason(s.order(150, 1, 10_000)) == "none"
    check_world(s.world, after_mark=True)


def test_who_comes_later_waits_behind_those_who_wait() -> None:
    # Bankrupt at 9,000 and 8,900: three fall at 9,040, the other two at 8,940, when two of the three still wait.
    cash = (10 * LOT, 11 * LOT, 10 * LOT, 11 * LOT, 10 * LOT)
    s = crash(cash, [10_000, 10_000, 9_040, 8_940], per_step=1)
    for trader in range(5):
        s.start(trader, 100, 10_000)
    s.advance(7 * SECOND)
    order = [r["account"] for r in rows(s, "liquidations")]
    assert (sorted(order[:3]), sorted(order[3:])) == ([0, 2, 4], [1, 3])
    assert [r["t_ns"] // SECOND for r in rows(s, "liquidations")] == [2, 3, 4, 5, 6]
    check_world(s.world, after_mark=True)


def test_an_empty_book_is_tried_once_an_entry_and_no_more() -> None:
    s = crash((10 * LOT,) * 20, [10_000, 10_000, 8_000])
    for trader in range(20):
        s.start(trader, 100, 10_000)
    before = s.world.get("order_count")
    s.advance(100 * SECOND)
    assert s.world.get("order_count") - before == 20  # the engine's orders: one an account, none of them filled
    assert s.world.get("liquidation_count") == 20


def test_many_are_deleveraged_in_the_order_of_a_full_sort_whatever_moves_between() -> None:
    luck = random.Random(3)
    markets = (MarketPlan(), MarketPlan(price=2_000, tiers=ONE_TIER, per_step=25))
    n = 240
    members = (*(((0,), (1,), (0, 1))[i % 3] for i in range(n)), (0, 1))
    plan = Plan((*(luck.randint(4, 40) * LOT for _ in range(n)), RICH), markets, 0, members)
    falls = [1, 1, 0.96, 0.9, 0.84, 0.95, 1.1, 1.25, 1.1, 0.9]
    paths = [[round(m.price * fall) for fall in [*falls, *[0.9] * 40]] for m in markets]
    both = Twins(plan, paths)
    for trader in range(n):
        for market in plan.markets_of(trader):
            # Equals are among them: the lower record comes first.
            size = luck.choice((20, 60, 60, 100, 300)) * (1 if market == 0 else 5)
            both.take(("coins", trader, market, size if luck.random() < 0.7 else -size))
    for step in range(30):
        both.take(("order", n, step % 2, luck.choice((-1, 1)) * 40, paths[step % 2][min(step // 2, 9)], 0))
        both.take(("wait", SECOND // 2))
        both.compare()
        check_world(both.kernel.world)
    assert both.kernel.world.get("deleveraging_count") > 150


def test_who_waits_to_be_liquidated_can_send_nothing_and_what_was_on_its_way_is_refused() -> None:
    s = crash((10 * LOT,) * 70 + (RICH,), [10_000, 10_000, 8_000], per_step=64)
    for trader in range(70):
        s.start(trader, 100, 10_000)
    waiting, late = s.order(0, 3, 7_000), s.world.next_order_id()
    s.post(late, 0, 3, 7_000, delay=2 * SECOND + 5 - s.now)
    s.advance(2 * SECOND)
    assert int(s.world.accounts[0]["state"]) == codes.S_QUEUED
    assert s.reason(s.order(0, 3, 7_000)) == "in_liquidation"
    s.order(70, -1, 7_000)  # what rests may still trade
    s.advance(2 * SECOND + 10)
    assert s.reason(late) == "in_liquidation"
    assert (s.lots(0), s.resting(waiting)) == (101, 2)
    check_world(s.world)
    s.advance(4 * SECOND)
    assert (s.lots(0), s.reason(waiting)) == (0, "in_liquidation")
    check_world(s.world, after_mark=True)


def test_an_account_in_several_markets_loses_its_largest_position_first_in_that_market() -> None:
    markets = (MarketPlan(**FREE, tiers=ONE_TIER), MarketPlan(**FREE, tiers=ONE_TIER, price=2_000))
    # Market 0 falls and finds the account; the larger position is in market 1.
    s = Session(Plan((20 * LOT, RICH), markets, fund=0), [[10_000, 10_000, 8_100, *[8_100] * 50], [2_000] * 60])
    s.start(0, 100, 10_000, 0)
    s.start(0, 900, 2_000, 1)
    s.order(1, 1_000, 1_990, market=1)
    s.advance(2 * SECOND)
    (row,) = rows(s, "liquidations")
    assert (row["market"], row["filled_lots"]) == (1, 900)
    assert s.lots(0, 1) == 0
    check_world(s.world)
    s.advance(10 * SECOND)
    check_world(s.world, after_mark=True)
    assert (s.lots(0, 0), int(s.world.accounts[0]["state"])) == (0, codes.S_NORMAL)
    assert s.cash(0) >= 0


def test_an_account_that_closes_itself_below_nothing_owes_nothing() -> None:
    s = crash((LOT, RICH), [10_000] * 3, fund=50 * LOT)
    s.start(0, 100, 10_000)
    s.order(1, 100, 9_000)
    s.order(0, -100, 9_000, codes.F_IOC)  # between two marks, far under its bankruptcy price of 9,900
    assert (s.lots(0), s.cash(0)) == (0, 0)
    assert s.cash(s.plan.fund_of(0)) == 50 * LOT - 90_000_000
    check_world(s.world)


@pytest.mark.parametrize("lots", [99, 7, 1])
def test_the_bankruptcy_price_leaves_no_debt_and_less_than_a_tick_a_lot(lots: int) -> None:
    cash = lots * LOT // 10 + 1_234
    s = crash((cash, RICH), [10_000, 10_000, 8_000])
    s.start(0, lots, 10_000)
    s.start(1, -200, 10_000)
    s.advance(2 * SECOND)
    assert s.lots(0) == 0
    assert 0 <= s.cash(0) < lots * 1_000


def test_a_market_whose_insurance_holds_no_position_record_deleverages() -> None:
    s = crash((10 * LOT, RICH), [10_000, 10_000, 8_900], fund=500 * LOT)
    s.world.accounts[s.plan.fund_of(0)]["first_position"] = -1
    s.start(0, 100, 10_000)
    s.start(1, -100, 10_000)
    s.advance(3 * SECOND)
    assert (s.lots(0), s.lots(1)) == (0, 0)
    check_world(s.world)


def test_a_crowd_in_a_long_fall_ends_with_every_atom_and_every_lot_in_its_place() -> None:
    world = crowd(7, fall=-0.01)
    for second in (5, 20, 60, 200, 700):
        advance(world, second * SECOND)
        check_world(world)
    assert world.market_int(0, "index_ticks") < 600  # from 300,000
    assert world.get("liquidation_count") > 0
