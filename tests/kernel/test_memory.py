"""Memory's stories: arrays that fill up, logs that are full in mid-run, orders that fill thousands."""

import numpy as np
import pytest

from marketsim.kernel import codes
from marketsim.kernel.layout import ORDER_LOG, TRADE_LOG
from tests.kernel.checks import check_world
from tests.kernel.crowds import advance, crowd
from tests.kernel.worlds import LOT, SECOND, MarketPlan, Plan, Session

RICH = 10**7 * LOT
MANY = 2 * codes.MAX_FILLS + 500


def full_book(**plan: int) -> Session:
    s = Session(Plan((RICH,) * 3, (MarketPlan(maker_fee=0, taker_fee=0),)), **plan)
    for number in range(MANY):
        s.post(s.world.next_order_id(), number % 2, -1, 10_000 + number % 400, delay=number)
        if number % 500 == 0:
            s.advance(s.now + MANY)
    s.advance(s.now + 2 * MANY)
    return s


def test_an_order_that_fills_thousands_keeps_its_id_and_fills_everything() -> None:
    s = full_book()
    assert s.world.get("live_orders") == MANY
    before = s.world.get("order_count"), s.world.get("micro_events")
    taker = s.order(2, MANY + 7, 10_400)
    assert s.world.get("live_orders") == 1  # the rest rests
    assert (s.lots(2), s.resting(taker), s.reason(taker)) == (MANY, 7, "none")
    assert (s.world.get("order_count"), s.world.get("micro_events")) == (before[0] + 1, before[1] + 1)
    names = TRADE_LOG.names or ()
    fills = [row for row in s.log("trades") if row[names.index("taker_order")] == taker]
    assert len(fills) == MANY
    prices = [row[names.index("price_ticks")] for row in fills]
    assert prices == sorted(prices)
    assert {row[names.index("t_ns")] for row in fills} == {s.now}
    check_world(s.world)


def test_an_order_admitted_once_is_not_refused_in_the_middle_of_its_fills() -> None:
    s = Session(Plan((RICH, RICH, 100 * LOT), (MarketPlan(tiers=((0, 500_000, 100),)),)))
    for number in range(MANY):
        s.post(s.world.next_order_id(), 0, -1, 10_000, delay=number)
        if number % 500 == 0:
            s.advance(s.now + MANY)
    s.advance(s.now + 2 * MANY)
    taker = s.order(2, MANY, 10_000)  # 86.9 times its money; the fees of the first fills leave too little for that
    assert (s.lots(2), s.reason(taker), s.world.get("reject_count")) == (MANY, "filled", 0)
    check_world(s.world)


def test_arrays_grow_when_they_are_full_and_nothing_is_lost() -> None:
    s = full_book()
    assert codes.STOP_SPACE in s.stops
    assert s.world.get("orders_capacity") > 4_096
    assert s.world.get("live_orders") == MANY
    check_world(s.world)


def test_thousands_of_messages_may_be_on_their_way_at_once() -> None:
    s = Session(Plan((RICH,) * 2))
    sent = [s.world.next_order_id() for _ in range(20_000)]
    for number in sent:
        s.post(number, number % 2, 1, 9_000 + number % 50, delay=1_000_000 - number)
    s.advance(2_000_000)
    assert s.world.get("live_orders") == len(sent)
    check_world(s.world)


def test_a_log_that_is_full_in_mid_run_loses_no_row() -> None:
    small, large = crowd(3, log_rows=2 * codes.MAX_FILLS), crowd(3, log_rows=1 << 18)
    stops = 0
    rows: dict[str, list[object]] = {"trades": [], "orders": [], "quotes": []}
    while (stop := small.advance(300 * SECOND, codes.PH_RECORD)) != codes.STOP_REACHED:
        assert stop in (codes.STOP_LOG, codes.STOP_SPACE)
        if stop == codes.STOP_SPACE:
            small.grow()
            continue
        stops += 1
        for name, kept in rows.items():
            kept.extend(small.take_log(name).tolist())
    for name, kept in rows.items():
        kept.extend(small.take_log(name).tolist())
    whole = advance(large, 300 * SECOND)
    assert stops > 1_000
    assert rows == {name: whole[name] for name in rows}
    assert small.digest() == large.digest()


def test_what_is_logged_moves_nothing() -> None:
    loud, silent = crowd(4), crowd(4)
    for name in ("log_trades", "log_orders", "log_quotes"):
        silent._set(**{name: 0})
    advance(loud, 100 * SECOND)
    advance(silent, 100 * SECOND)
    assert loud.digest() == silent.digest()


def test_an_account_with_more_orders_than_a_log_has_room_for_is_swept_in_several_passes() -> None:
    s = Session(Plan((RICH, RICH), (MarketPlan(),)), [[10_000] * 40])
    for number in range(MANY):
        s.post(s.world.next_order_id(), 0, 1, 5_000 + number % 900, delay=number)
        if number % 500 == 0:
            s.advance(s.now + MANY)
    s.advance(SECOND + 5)
    s.start(0, 10, 10_000)
    s.pay(0, 1, s.cash(0))  # a position and nothing else
    s.pay(0, 1, 10 * LOT)
    left = []
    for second in (2, 3, 4, 5):
        s.advance(second * SECOND)
        left.append(s.world.get("live_orders"))
    assert left == [MANY - codes.MAX_FILLS, MANY - 2 * codes.MAX_FILLS, 0, 0]
    names = ORDER_LOG.names or ()
    reasons = [row[names.index("reason")] for row in s.log("orders") if row[names.index("action")] == codes.A_CANCEL]
    assert reasons == [codes.R_LIQUIDATION] * MANY
    check_world(s.world)


@pytest.mark.parametrize("window", [64, 100, 1_000])
def test_a_window_that_could_not_hold_its_centre_is_refused(window: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        Session(Plan((RICH,), (MarketPlan(window=window),)))


def test_quotes_are_written_when_they_change_also_by_liquidations_in_another_market() -> None:
    world = crowd(3)
    rows = np.array(advance(world, 200 * SECOND)["quotes"])
    assert len(rows) > 100
    assert (rows[1:, 1:5] != rows[:-1, 1:5]).any(axis=1).all()
