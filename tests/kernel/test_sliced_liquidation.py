"""Liquidation in slices, and a cap on what the engine sends at one mark step; worked by hand."""

from tests.kernel.checks import check_world
from tests.kernel.worlds import LOT, ONE_TIER, SECOND, MarketPlan, Plan, Session

RICH = 10**6 * LOT
A_LOT = 9_040 * 1_000  # what a lot is worth at the mark to which the price falls [atoms]
FIRST, SECOND_ONE, OTHER = 0, 1, 2


def fall(
    cash: tuple[int, ...] = (10 * LOT, 10 * LOT, RICH), slice: int | None = None, cap: int | None = None, delay: int = 0
) -> Session:
    """At 2 s the mark falls from 10,000 to 9,040, where 1,000 lots are bid for; longs have the worth of 10 lots."""
    market = MarketPlan(maker_fee=0, taker_fee=0, liquidation_fee=0, tiers=ONE_TIER, slice=slice, cap=cap, delay=delay)
    s = Session(Plan(cash, (market,)), [[10_000, 10_000, *[9_040] * 400]])
    s.order(OTHER, 1_000, 9_040)
    return s


def start_both(s: Session) -> None:
    """Of two that a mark finds at one price the one who came last is first in the queue."""
    s.start(SECOND_ONE, 100, 10_000)
    s.start(FIRST, 100, 10_000)


def held(s: Session, account: int, until: int) -> list[int]:
    """Lots after each second from the second on."""
    lots = []
    for t in range(2, until + 1):
        s.advance(t * SECOND + SECOND // 2)
        lots.append(s.lots(account))
    return lots


def test_who_meets_the_margin_after_a_slice_keeps_the_rest() -> None:
    s = fall(slice=30 * A_LOT)
    s.start(FIRST, 100, 10_000)
    # Equity 100 M - 96 M = 4 M; maintenance 0.5 % of 904 M = 4.52 M, of 70 lots 3.16 M.
    assert held(s, FIRST, 5) == [70, 70, 70, 70]
    check_world(s.world, after_mark=True)


def test_an_account_has_one_slice_a_step_until_it_is_closed() -> None:
    s = fall(cash=(9_600_000 * 10 + 100_000, 10 * LOT, RICH), slice=30 * A_LOT + 5)
    s.start(FIRST, 100, 10_000)
    # Equity 0.1 M: below the maintenance of 30 lots (1.36 M), above that of 2 (0.09 M).
    assert held(s, FIRST, 6) == [70, 40, 10, 0, 0]
    assert [row[9] for row in s.log("liquidations")] == [30, 30, 30, 10]
    check_world(s.world)


def test_a_cap_holds_for_all_accounts_together() -> None:
    s = fall(cash=(96_100_000, 96_100_000, RICH), cap=120 * A_LOT)
    start_both(s)
    assert (held(s, FIRST, 2), s.lots(SECOND_ONE)) == ([0], 80)  # 100 lots of the first, 20 of the second
    s.advance(4 * SECOND)
    assert s.lots(SECOND_ONE) == 0
    check_world(s.world)


def test_slices_under_a_cap_go_round() -> None:
    s = fall(cash=(96_100_000, 96_100_000, RICH), slice=50 * A_LOT, cap=70 * A_LOT)
    start_both(s)
    found = []
    for t in range(2, 6):
        s.advance(t * SECOND + SECOND // 2)
        found.append((s.lots(FIRST), s.lots(SECOND_ONE)))
    # 50 of the first and 20 of the second; the first again, and 20; then what is left of the second
    assert found == [(50, 80), (0, 60), (0, 10), (0, 0)]
    check_world(s.world)


def test_a_cap_below_one_lot_lets_one_lot_through() -> None:
    s = fall(cash=(96_100_000, 10 * LOT, RICH), cap=1)
    s.start(FIRST, 100, 10_000)
    assert held(s, FIRST, 4) == [99, 98, 97]


def test_orders_under_way_count_when_they_are_sent() -> None:
    s = fall(cash=(96_100_000, 96_100_000, RICH), cap=120 * A_LOT, delay=10_000_000)
    start_both(s)
    s.advance(2 * SECOND + 5_000_000)
    assert (s.lots(FIRST), s.lots(SECOND_ONE)) == (100, 100)
    s.advance(2 * SECOND + 10_000_000)
    assert (s.lots(FIRST), s.lots(SECOND_ONE)) == (0, 80)


def test_a_price_that_nobody_pays_ends_in_a_takeover_as_without_slices() -> None:
    market = MarketPlan(maker_fee=0, taker_fee=0, liquidation_fee=0, tiers=ONE_TIER, slice=30 * A_LOT)
    s = Session(Plan((96_100_000, RICH), (market,), fund=500 * LOT), [[10_000, 10_000, *[9_040] * 400]])
    s.start(FIRST, 100, 10_000)
    s.advance(2 * SECOND + 1)
    assert (s.lots(FIRST), s.lots(s.plan.fund_of(0))) == (0, 100)
    check_world(s.world)
