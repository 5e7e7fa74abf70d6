"""Margin's stories: what an account may send, and where its liquidation waits."""

import pytest

from marketsim.kernel import codes
from marketsim.venues.margin import liquidation_trigger_ticks
from tests.kernel.checks import check_trigger_lists, check_triggers, check_world, tiers_of
from tests.kernel.worlds import LOT, ONE_TIER, SECOND, MarketPlan, Plan, Session

FREE = dict(maker_fee=0, taker_fee=0)
RICH = 10**6 * LOT


def hold(s: Session, account: int, lots: int, price: int, market: int = 0) -> None:
    s.start(account, lots, price, market)


def test_an_order_that_cannot_be_afforded_is_refused_with_a_reason_and_nothing_else_happens() -> None:
    s = Session(Plan((LOT, RICH), (MarketPlan(**FREE, tiers=ONE_TIER),)))
    assert s.reason(s.order(0, 101, 10_000)) == "insufficient_margin"
    allowed = s.order(0, 100, 10_000)  # 100 times its money
    assert (s.resting(allowed), s.world.get("reject_count"), s.cash(0)) == (100, 1, LOT)
    assert s.reason(s.order(0, 1, 10_000)) == "insufficient_margin"  # what rests counts


def test_a_sell_below_the_mark_is_valued_at_the_mark_and_a_buy_at_its_limit() -> None:
    s = Session(Plan((LOT,), (MarketPlan(**FREE, tiers=ONE_TIER),)))
    assert s.reason(s.order(0, -101, 5_000)) == "insufficient_margin"
    assert s.resting(s.order(0, 200, 5_000)) == 200


def test_closing_an_account_that_is_too_small_is_always_allowed() -> None:
    s = Session(Plan((LOT, RICH), (MarketPlan(**FREE, tiers=ONE_TIER),)))
    hold(s, 0, 150, 10_000)
    assert s.reason(s.order(0, 1, 10_000)) == "insufficient_margin"
    assert s.resting(s.order(0, -150, 10_001)) == 150


def test_orders_resting_in_other_markets_need_margin_too() -> None:
    markets = (MarketPlan(**FREE, tiers=ONE_TIER),) * 3
    s = Session(Plan((LOT, RICH), markets))
    assert s.resting(s.order(0, 60, 10_000, market=0)) == 60
    assert s.resting(s.order(0, -40, 10_000, market=1)) == 40
    assert s.reason(s.order(0, 1, 10_000, market=2)) == "insufficient_margin"


def test_an_order_too_large_for_whole_numbers_is_refused_not_wrapped_round() -> None:
    s = Session(Plan((LOT, RICH), (MarketPlan(**FREE),)))
    assert s.reason(s.order(0, 2**31, 2**32)) == "insufficient_margin"  # 1e22 atoms
    assert s.reason(s.order(0, 2**40, 2**40)) == "insufficient_margin"


@pytest.mark.parametrize("cash", [1, 3, 10, 40, 200, 900])
@pytest.mark.parametrize("lots", [30, 199, 201, 950, 1_050, 3_000])
@pytest.mark.parametrize("side", [1, -1])
def test_a_position_waits_at_its_exact_liquidation_tick_whatever_its_tiers(cash: int, lots: int, side: int) -> None:
    s = Session(Plan((cash * LOT,), (MarketPlan(**FREE, buckets=1 << 14),)))
    s.start(0, side * lots, 10_000)
    exact = liquidation_trigger_ticks(s.cash(0), side * lots, 1_000, tiers_of(s.world, 0))
    check_triggers(s.world, 0)
    if int(s.position(0)["bucket"]) >= 0:  # one tick early at most; the check itself is exact
        assert exact is not None
        assert 0 <= side * (int(s.position(0)["trigger_ticks"]) - exact) <= 1


def test_a_mark_that_comes_back_over_a_trigger_leaves_nobody_filed_too_far() -> None:
    path = [10_000, 10_000, 10_060, 10_041, 10_040]
    s = Session(Plan((LOT, RICH), (MarketPlan(**FREE, tiers=ONE_TIER, buckets=1 << 14),)), [path])
    s.advance(SECOND)
    s.start(0, 100, 10_090)  # bought above the mark: under water at once, but not at the next mark
    assert liquidation_trigger_ticks(s.cash(0), 100, 1_000, tiers_of(s.world, 0)) == 10_040
    queued = []
    for second in range(2, 5):
        s.advance(second * SECOND, codes.PH_FUNDING)
        check_world(s.world, after_mark=True)
        queued.append(bool(s.world.accounts[0]["state"]))
    assert queued == [False, False, True]


def test_shares_of_one_cushion_are_filed_together_when_the_box_of_one_market_moves() -> None:
    # Market 1 falls, which is a gain; then market 0 rises out of its box. Were it filed anew alone, for half of a
    # cushion that counts the gain, market 1 could still lose the gain and its old half: more than there is.
    paths = [
        [10_000, 10_000, 10_000, 13_200, 13_200, 16_500, 16_500],
        [10_000, 10_000, 6_300, 6_300, 6_300, 6_300, 13_000],
    ]
    markets = (MarketPlan(**FREE, tiers=ONE_TIER),) * 2
    s = Session(Plan((203 * LOT, RICH), markets), paths)
    for market in (0, 1):
        s.start(0, -300, 10_000, market)
    for second in range(1, 7):
        s.advance(second * SECOND, codes.PH_FUNDING)
        check_world(s.world, after_mark=True)
    assert s.world.accounts[0]["state"]


def test_a_box_laid_at_the_opening_takes_positions_that_are_there_already() -> None:
    s = Session(Plan((LOT, RICH), (MarketPlan(**FREE), MarketPlan(**FREE))))
    s.start(0, 50, 10_000, market=1)
    for market in (0, 1):
        check_trigger_lists(s.world, market)
    assert int(s.position(0, 1)["bucket"]) >= 0


def test_a_reduced_position_keeps_its_average_entry_price_to_the_lot() -> None:
    for lots in (3, 49, 107, 251):
        s = Session(Plan((RICH, RICH), (MarketPlan(**FREE),)))
        s.start(0, lots, 10_007)
        for left in range(lots - 1, 0, -1):
            s.start(0, -1, 9_000)
            assert int(s.position(0)["entry_ticklots"]) == left * 10_007
        s.start(0, -5, 9_000)  # turned round: the new side enters at its own price
        assert int(s.position(0)["entry_ticklots"]) == 4 * 9_000


def test_funding_moves_no_more_than_it_takes_and_triggers_follow_the_cash() -> None:
    s = Session(Plan((10 * LOT, 10 * LOT, RICH), (MarketPlan(**FREE),)))
    s.start(0, 70, 10_000)
    s.start(1, -30, 10_000)
    assert s.fund(0, 1_234) == 70 * 1_234
    assert (s.cash(0), s.cash(1)) == (10 * LOT - 70 * LOT - 70 * 1_234, 10 * LOT + 30 * LOT + 30 * 1_234)
    check_world(s.world)
