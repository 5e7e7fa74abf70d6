"""An engine's orders on their way to the book: they arrive among the others, and close what is there by then."""

import pytest

from marketsim.kernel import codes
from marketsim.kernel.layout import LIQUIDATION_LOG, TRADE_LOG
from tests.kernel.checks import check_world
from tests.kernel.worlds import LOT, ONE_TIER, SECOND, MarketPlan, Plan, Session

RICH = 10**6 * LOT
MS = 1_000_000
LONG, SHORT, OTHER = 0, 1, 2


def fall(
    cash: tuple[int, ...] = (10 * LOT, 10 * LOT, RICH),
    path: tuple[int, ...] = (10_000, 10_000, 9_040),
    fund: int = 0,
    delay: int = 10 * MS,
) -> Session:
    """At 2 s the mark falls from 10,000 to 9,040: 100 lots long with 10 lots' worth of money is bankrupt at 9,000."""
    market = MarketPlan(maker_fee=0, taker_fee=0, tiers=ONE_TIER, delay=delay)
    return Session(Plan(cash, (market,), fund=fund), [[*path, *[path[-1]] * 400]])


def rows(s: Session, name: str) -> list[dict[str, int]]:
    names = {"liquidations": LIQUIDATION_LOG, "trades": TRADE_LOG}[name].names or ()
    return [dict(zip(names, row, strict=True)) for row in s.log(name)]


def is_waiting(s: Session, account: int) -> bool:
    return int(s.world.accounts[account]["state"]) == codes.S_QUEUED


def test_an_order_of_the_engine_trades_with_who_is_there_when_it_arrives() -> None:
    s = fall()
    s.start(LONG, 100, 10_000)
    own = s.order(LONG, 1, 8_000)
    early = s.order(OTHER, 100, 9_040)
    s.advance(2 * SECOND)
    assert (s.lots(LONG), s.reason(own), is_waiting(s, LONG)) == (100, "in_liquidation", True)
    assert s.world.liquidations_under_way(0) == 1
    s.advance(2 * SECOND + 5 * MS)
    s.cancel(early)
    s.order(OTHER, 100, 9_020)
    assert s.reason(s.order(LONG, -1, 9_100)) == "in_liquidation"
    s.advance(2 * SECOND + 10 * MS, codes.PH_ARRIVAL)
    assert s.lots(LONG) == 100
    s.advance(2 * SECOND + 10 * MS)
    (trade,), (row,) = rows(s, "trades"), rows(s, "liquidations")
    assert (trade["t_ns"], trade["price_ticks"], trade["size_lots"]) == (2 * SECOND + 10 * MS, 9_020, 100)
    # bought at 10,000 with 10 lots' worth of money: 20 ticks a lot are left, less than the fee of 1.25 %
    assert (row["t_ns"], row["stage"], row["filled_lots"], row["fee_atoms"]) == (trade["t_ns"], 0, 100, 2_000_000)
    assert (s.lots(LONG), s.cash(LONG), is_waiting(s, LONG)) == (0, 0, False)
    assert s.world.liquidations_under_way(0) == 0
    check_world(s.world)


def test_a_draw_decides_between_it_and_what_arrives_at_its_nanosecond() -> None:
    """60 marks at which an engine's order and a quote sent before it arrive together: either is first now and then."""
    first = []
    for second in range(2, 62):
        s = fall(path=(*[10_000] * second, 9_040))
        s.start(LONG, 100, 10_000)
        s.advance(SECOND)
        number = s.world.next_order_id()
        s.post(number, OTHER, 100, 9_040, delay=(second - 1) * SECOND + 10 * MS)
        s.advance(second * SECOND + 10 * MS)
        (row,) = rows(s, "liquidations")
        first.append(row["filled_lots"] == 0)
    # 60 fair draws: fewer than 15 or more than 45 have probability 1e-4
    assert 15 <= sum(first) <= 45


def test_it_comes_after_what_was_there_before_it_and_before_what_came_after_it() -> None:
    s = fall(fund=500 * LOT)
    s.start(LONG, 100, 10_000)
    sent = [s.world.next_order_id() for _ in range(2)]
    s.advance(SECOND)
    s.post(sent[0], OTHER, 50, 9_030, delay=SECOND + 10 * MS - 1)
    s.advance(2 * SECOND + MS)
    s.post(sent[1], OTHER, 50, 9_035, delay=9 * MS + 1)
    s.advance(2 * SECOND + 10 * MS + 1)
    (row,) = rows(s, "liquidations")
    assert (row["filled_lots"], row["stage"]) == (50, codes.L_TAKEOVER)
    assert (s.resting(sent[0]), s.resting(sent[1]), s.lots(s.plan.fund_of(0))) == (0, 50, 50)
    check_world(s.world)


def poor_short(s: Session, lots: int) -> None:
    """A short that a payment leaves with 1,000,000 atoms at a mark of 9,040: 100 lots are bankrupt 10 ticks above."""
    s.start(SHORT, -lots, 10_000)
    s.advance(SECOND + MS)
    s.pay(SHORT, s.plan.outside, s.cash(SHORT) - lots * 9_040 * 1_000 - 1_000_000)


def test_who_was_closed_on_the_way_gets_no_new_position_from_it() -> None:
    s = fall()
    s.start(LONG, 100, 10_000)
    poor_short(s, 100)
    offer = s.order(OTHER, -100, 9_041)
    s.advance(2 * SECOND)
    assert s.world.liquidations_under_way(0) == 2
    s.advance(2 * SECOND + 10 * MS)
    # The long's order comes first and finds nobody; it is closed against the short at 9,000, whose order is late.
    (row,) = rows(s, "liquidations")
    assert (row["account"], row["stage"], row["deleveraged_lots"]) == (LONG, codes.L_DELEVERAGED, 100)
    assert [s.lots(a) for a in (LONG, SHORT, OTHER)] == [0, 0, 0]
    assert (s.resting(offer), s.cash(SHORT)) == (100, 1_000_000 + 100 * 40 * 1_000)
    assert s.reason(max(order[1] for order in s.log("orders"))) == "reduce_only"
    assert not is_waiting(s, SHORT)
    check_world(s.world, after_mark=True)


def test_who_was_closed_in_part_on_the_way_is_closed_for_the_rest() -> None:
    s = fall(cash=(6 * LOT, 10 * LOT, RICH))
    s.start(LONG, 60, 10_000)
    poor_short(s, 100)
    s.order(OTHER, -100, 9_041)
    s.advance(2 * SECOND + 10 * MS)
    assert [(row["account"], row["filled_lots"], row["size_lots"]) for row in rows(s, "liquidations")] == [
        (LONG, 0, 60),
        (SHORT, 40, -40),
    ]
    assert [s.lots(a) for a in (LONG, SHORT, OTHER)] == [0, 0, -40]
    check_world(s.world)


def test_who_was_turned_round_on_the_way_is_closed_on_neither_side() -> None:
    s = fall()
    s.start(LONG, 100, 10_000)
    s.order(OTHER, 500, 9_040)
    s.advance(2 * SECOND)
    s.start(LONG, -150, 9_040)
    s.pay(OTHER, LONG, 100 * LOT)
    s.advance(2 * SECOND + 10 * MS)
    assert (s.lots(LONG), s.lots(OTHER), is_waiting(s, LONG)) == (-50, 0, False)
    assert not rows(s, "liquidations")
    check_world(s.world)


def test_nobody_calls_an_order_back_when_the_mark_comes_back() -> None:
    s = fall(path=(10_000, 10_000, 9_040, 10_000), delay=1_500 * MS)
    s.start(LONG, 100, 10_000)
    s.order(OTHER, 300, 9_990)
    s.advance(3_400 * MS)
    assert (s.lots(LONG), s.market("mark_ticks"), is_waiting(s, LONG)) == (100, 10_000, True)
    s.advance(3_500 * MS)
    (row,) = rows(s, "liquidations")
    assert (row["mark_ticks"], row["stage"], s.lots(LONG)) == (10_000, codes.L_PARTIAL, 0)
    # 10 ticks a lot under what it paid, and 1.25 % of 999,000,000
    assert s.cash(LONG) == 10 * LOT - 1_000_000 - 12_487_500
    check_world(s.world)


def test_the_funds_slices_take_the_same_way() -> None:
    s = fall(fund=500 * LOT)
    s.start(LONG, 160, 10_000)
    s.pay(OTHER, LONG, 6 * LOT)
    s.advance(2 * SECOND + 10 * MS)
    fund = s.plan.fund_of(0)
    assert s.lots(fund) == 160
    s.order(OTHER, 1_000, 9_040)
    s.advance(3 * SECOND)
    assert s.lots(fund) == 160
    s.advance(3 * SECOND + 10 * MS)
    assert s.lots(fund) == 150  # a sixteenth
    assert rows(s, "trades")[-1]["t_ns"] == 3 * SECOND + 10 * MS
    check_world(s.world)


def test_a_slice_of_what_the_fund_has_no_more_is_refused() -> None:
    s = fall(fund=500 * LOT)
    s.start(LONG, 1, 10_000)
    s.pay(LONG, s.plan.outside, 9 * LOT + 9 * LOT // 10)
    s.advance(3 * SECOND)
    fund = s.plan.fund_of(0)
    assert s.lots(fund) == 1
    s.start(fund, -1, 9_040)
    s.order(OTHER, 10, 9_040)
    s.advance(3 * SECOND + 10 * MS)
    assert (s.lots(fund), s.lots(OTHER)) == (0, 0)
    assert s.reason(max(order[1] for order in s.log("orders") if order[5] == fund)) == "reduce_only"


@pytest.mark.parametrize("delay", [10 * MS, SECOND, 2_500 * MS])
def test_a_levered_crowd_on_both_sides_is_wound_up_to_the_atom_whatever_the_delay(delay: int) -> None:
    path = (10_000, 10_000, 9_700, 9_300, 8_500, 6_000, 9_000, 12_000, 15_000, 30)
    s = fall((10 * LOT,) * 60 + (RICH,) * 2, path, 30 * LOT, delay)
    for trader in range(60):
        s.start(trader, (20 + 5 * trader) * (1 if trader % 3 else -1), 10_000)
    for price in range(9_990, 9_000, -10):
        s.order(60, 15, price)
    s.order(61, -50, 10_010)
    for second in range(1, 60):
        s.advance(second * SECOND)
        check_world(s.world)
    assert {row["stage"] for row in rows(s, "liquidations")} == {0, codes.L_TAKEOVER, codes.L_DELEVERAGED}
    assert s.world.liquidations_under_way(0) == 0
    assert {(row["t_ns"] - delay) % SECOND for row in rows(s, "liquidations")} == {0}
    check_world(s.world, after_mark=True)
