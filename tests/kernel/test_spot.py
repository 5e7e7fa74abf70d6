"""A coin's spot market by hand: coin against cash, no margin, nobody with less than nothing."""

from dataclasses import replace

import numpy as np
import pytest

from marketsim.kernel import codes
from tests.kernel.checks import check_world, margin_equity
from tests.kernel.worlds import LOT, SECOND, MarketPlan, Plan, Session

ATOMS = 1_000  # of a tick and lot; LOT is one lot at 10,000 ticks
SPOT = MarketPlan(is_spot=True, maker_fee=20_000, taker_fee=50_000)  # 2 and 5 bps
ALICE, BOB, CAROL = 0, 1, 2


def alone(*cash: int, **terms: object) -> Session:
    return Session(Plan(cash or (100 * LOT, 100 * LOT, 100 * LOT), (replace(SPOT, **terms),)))  # type: ignore[arg-type]


def beside_a_perpetual(*cash: int, **terms: object) -> Session:
    """Market 0 is the perpetual, market 1 the spot market; everybody stands in both and pools cash."""
    return Session(Plan(cash, (MarketPlan(), replace(SPOT, **terms)), fund=10**4 * LOT))  # type: ignore[arg-type]


def test_coin_goes_one_way_and_cash_with_both_fees_the_other() -> None:
    market = alone()
    market.start(ALICE, 10, 10_000)
    offer = market.order(ALICE, -10, 10_000)
    market.order(BOB, +4, 10_000)
    assert (market.lots(ALICE), market.lots(BOB), market.resting(offer)) == (6, 4, 6)
    # Alice paid 10 lots, got 4 less 2 bps; Bob paid 4 and 5 bps: 4 lots are 40,000,000 atoms.
    assert market.cash(ALICE) == 90 * LOT + 40_000_000 - 8_000
    assert market.cash(BOB) == 100 * LOT - 40_000_000 - 20_000
    check_world(market.world)


def test_coin_is_equity_and_no_open_interest() -> None:
    market = alone()
    market.start(ALICE, 10, 10_000)
    assert market.world.account_equity(ALICE) == 100 * LOT
    assert margin_equity(market.world, ALICE) == 90 * LOT
    assert market.market("open_interest") == 0
    assert market.world.account_equity(market.plan.outside) == 0
    assert market.world.check_conserved() == 0


@pytest.mark.parametrize("flags", [0, codes.F_MARKET | codes.F_IOC, codes.F_IOC])
def test_nobody_sells_coin_he_has_not_or_has_on_offer_already(flags: int) -> None:
    market = alone()
    market.start(ALICE, 10, 10_000)
    assert market.reason(market.order(BOB, -1, 10_000, flags)) == "insufficient_funds"
    market.order(ALICE, -7, 10_100)
    assert market.reason(market.order(ALICE, -4, 10_000, flags)) == "insufficient_funds"
    assert market.resting(market.order(ALICE, -3, 10_000)) == 3


def test_a_bid_needs_its_price_and_its_fee_in_free_cash() -> None:
    # 50 lots at 10,000 ticks are 500,000,000 atoms, the dearer fee of 5 bps 250,000.
    for cash, lots in ((500_250_000, 50), (500_249_999, 0)):
        market = alone(cash)
        number = market.order(ALICE, +50, 10_000)
        assert market.resting(number) == lots
        assert market.reason(number) == ("none" if lots else "insufficient_funds")


def test_the_fees_of_many_bids_are_kept_back_so_that_none_of_them_ends_in_debt() -> None:
    market = alone(500_000_000, 100 * LOT)
    bids = [market.order(ALICE, +1, 10_000) for _ in range(50)]
    assert sum(market.resting(number) for number in bids) == 49  # 49 lots and 5 bps of them; without fees it were 50
    market.start(BOB, 60, 10_000)
    market.order(BOB, -60, 9_000)
    assert market.cash(ALICE) == 500_000_000 - 49 * (10_000_000 + 2_000)
    check_world(market.world)


def test_a_market_order_stops_where_its_cash_does() -> None:
    market = alone(100 * LOT, 20 * LOT)
    market.start(ALICE, 50, 10_000)
    market.order(ALICE, -10, 10_000)
    market.order(ALICE, -40, 20_000)
    # At the mark of 10,000 nineteen lots are covered; ten cost that, and of what is left four more at 20,000.
    number = market.order(BOB, +19, flags=codes.F_MARKET | codes.F_IOC)
    assert market.lots(BOB) == 14
    assert market.reason(number) == "insufficient_funds"
    assert market.cash(BOB) == 20 * LOT - 180_000_000 - 50_000 - 40_000
    assert market.cash(BOB) >= 0
    check_world(market.world)


def test_a_bid_whose_cash_a_perpetual_has_lost_is_cancelled_when_it_is_hit() -> None:
    path = [10_000, 10_000, 9_000, 9_000]
    market = beside_a_perpetual(100 * LOT, 100 * LOT, 10**4 * LOT)
    market.world.give_path(0, 0, np.array(path, float))
    market.start(ALICE, 400, 10_000)  # four times its equity, initial margin 4 lots or so
    bid = market.order(ALICE, +80, 10_000, market=1)
    assert market.resting(bid) == 80
    market.advance(2 * SECOND + 1)
    assert margin_equity(market.world, ALICE) == 60 * LOT  # it has lost 40; its maintenance is far below
    market.start(CAROL, 80, 10_000, market=1)
    market.order(CAROL, -80, 10_000, market=1)
    assert market.lots(ALICE, 1) == 0
    assert market.reason(bid) == "insufficient_funds"
    check_world(market.world)


def test_coin_is_no_collateral_and_survives_the_liquidation_of_a_perpetual() -> None:
    market = beside_a_perpetual(100 * LOT, 100 * LOT, 10**4 * LOT)
    market.world.give_path(0, 0, np.array([10_000, 10_000, 9_000, 9_000, 9_000], float))
    market.start(ALICE, 50, 10_000, market=1)
    assert market.reason(market.order(ALICE, +60_000, 10_000)) == "insufficient_margin"
    market.start(ALICE, 500, 10_000)  # cash of 50 lots is its margin
    market.advance(3 * SECOND)
    assert market.lots(ALICE) == 0
    assert market.lots(ALICE, 1) == 50
    assert market.cash(ALICE) >= 0
    assert market.world.accounts[ALICE]["liquidations"] >= 1
    check_world(market.world)


def test_spot_bids_leave_less_for_the_margin_of_a_perpetual() -> None:
    market = beside_a_perpetual(100 * LOT, 100 * LOT)
    market.order(ALICE, +99, 10_000, market=1)
    assert market.reason(market.order(ALICE, +150, 10_000)) == "insufficient_margin"  # 1.5 lots at 100 times
    assert market.reason(market.order(ALICE, +50, 10_000)) == "none"


def test_no_crash_touches_who_holds_coin_alone() -> None:
    market = alone()
    market.world.give_path(0, 0, np.array([10_000, 5_000, 1, 1, 1], float))
    market.start(ALICE, 99, 10_000)
    market.advance(4 * SECOND)
    assert (market.lots(ALICE), market.cash(ALICE)) == (99, LOT)
    assert market.world.get("liquidation_count") == 0
    assert market.world.account_equity(ALICE) == LOT + 99 * ATOMS
