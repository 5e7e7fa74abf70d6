"""The order book's stories: who trades first, what is left of an order, and where prices far away wait."""

import random

import pytest

from marketsim.kernel import codes
from marketsim.kernel.layout import TRADE_LOG
from tests.kernel.checks import check_book, check_world, resting
from tests.kernel.worlds import LOT, SECOND, MarketPlan, Plan, Session
from tests.reference.book import BUY, SELL, Book, Order

RICH = 10**6 * LOT


def floor_of(traders: int = 4, **market: object) -> Session:
    return Session(Plan((RICH,) * traders, (MarketPlan(maker_fee=0, taker_fee=0, **market),)))  # type: ignore[arg-type]


def trades(session: Session) -> list[dict[str, int]]:
    names = TRADE_LOG.names or ()
    return [dict(zip(names, row, strict=True)) for row in session.log("trades")]


def test_better_prices_trade_first_and_equal_prices_in_order_of_arrival() -> None:
    s = floor_of()
    late, early = s.order(0, -5, 10_002), s.order(1, -5, 10_001)
    behind = s.order(2, -5, 10_001)
    taker = s.order(3, 12, 10_002)
    assert [(t["maker_order"], t["price_ticks"], t["size_lots"]) for t in trades(s)] == [
        (early, 10_001, 5),
        (behind, 10_001, 5),
        (late, 10_002, 2),
    ]
    assert (s.resting(late), s.resting(taker), s.reason(taker)) == (3, 0, "filled")
    check_world(s.world)


def test_a_limit_order_trades_at_the_resting_price_and_rests_with_what_is_left() -> None:
    s = floor_of()
    s.order(0, -4, 10_000)
    bid = s.order(1, 10, 10_005)
    assert trades(s)[0]["price_ticks"] == 10_000
    assert s.resting(bid) == 6
    assert s.market("best_bid") == 10_005
    check_world(s.world)


def test_what_an_ioc_order_cannot_trade_at_once_is_cancelled() -> None:
    s = floor_of()
    s.order(0, -4, 10_000)
    ioc = s.order(1, 10, 10_000, codes.F_IOC)
    assert (s.lots(1), s.resting(ioc), s.reason(ioc)) == (4, 0, "ioc_remainder")
    alone = s.order(1, 10, 10_000, codes.F_IOC)
    assert s.reason(alone) == "empty_book"
    check_world(s.world)


def test_a_market_order_never_rests() -> None:
    s = floor_of()
    s.order(0, -4, 10_000)
    order = s.order(1, 10, flags=codes.F_MARKET)
    assert (s.lots(1), s.resting(order), s.reason(order)) == (4, 0, "ioc_remainder")
    assert s.market("best_bid") == codes.NO_BID
    check_world(s.world)


def test_a_post_only_order_that_would_trade_is_refused_and_a_sliding_one_steps_back_one_tick() -> None:
    s = floor_of()
    s.order(0, -4, 10_000)
    refused = s.order(1, 5, 10_000, codes.F_POST_ONLY)
    slid = s.order(1, 5, 10_050, codes.F_SLIDE)
    assert s.reason(refused) == "post_only"
    assert (s.market("best_bid"), s.resting(slid), s.lots(1)) == (9_999, 5, 0)
    check_world(s.world)


def test_a_sliding_bid_under_an_offer_of_one_tick_has_no_price_left() -> None:
    s = floor_of()
    s.order(0, -4, 1)
    assert s.reason(s.order(1, 5, 3, codes.F_SLIDE)) == "bad_price"


def test_a_reduce_only_order_is_clipped_to_the_position_and_refused_without_one() -> None:
    s = floor_of()
    s.order(0, 6, 10_000)
    s.order(1, -6, 10_000)
    s.order(2, 20, 9_990)
    closing = s.order(0, -50, 9_990, codes.F_REDUCE)
    assert (s.lots(0), s.resting(closing), s.reason(closing)) == (0, 0, "filled")
    assert s.reason(s.order(0, -5, 9_990, codes.F_REDUCE)) == "reduce_only"
    assert s.reason(s.order(1, -5, 9_990, codes.F_REDUCE)) == "reduce_only"  # short already
    check_world(s.world)


def test_a_resting_reduce_only_order_never_turns_a_position_round() -> None:
    s = floor_of()
    s.order(0, 6, 10_000)
    s.order(1, -6, 10_000)
    profit = s.order(0, -6, 10_100, codes.F_REDUCE)
    s.order(2, 4, 9_990)
    s.order(0, -4, 9_990, codes.F_IOC)  # two lots are left to be reduced
    s.order(3, 6, 10_100)
    assert (s.lots(0), s.lots(3)) == (0, 2)
    assert (s.resting(profit), s.reason(profit)) == (0, "reduce_only")
    check_world(s.world)


def test_own_orders_met_on_the_way_are_cancelled_and_the_rest_goes_on() -> None:
    s = floor_of()
    own, other = s.order(0, -5, 10_000), s.order(1, -5, 10_000)
    s.order(0, 5, 10_000)
    assert s.reason(own) == "self_trade"
    assert (s.lots(0), s.lots(1), s.resting(other)) == (5, -5, 0)
    check_world(s.world)


def test_orders_without_size_or_price_are_refused_with_a_reason() -> None:
    s = floor_of()
    cases = {(0, 10_000): "bad_size", (2**41, 1): "bad_size", (1, 0): "bad_price", (1, 2**40 + 1): "bad_price"}
    for (lots, price), reason in cases.items():
        assert s.reason(s.order(0, lots, price)) == reason
    assert s.world.get("reject_count") == len(cases)


def test_a_cancel_that_comes_too_late_does_nothing_even_when_the_record_serves_another_order() -> None:
    s = floor_of()
    first = s.order(0, 5, 10_000)
    record = int((s.world.orders["order_id"] == first).argmax())
    s.cancel(first)
    second = s.order(1, 5, 10_000)
    assert int(s.world.orders["order_id"][record]) == second
    s.cancel(first)
    assert (s.resting(second), s.world.get("cancel_count"), s.world.get("reject_count")) == (5, 1, 0)
    check_world(s.world)


def test_messages_arrive_by_time_and_then_in_the_order_in_which_they_were_sent() -> None:
    s = floor_of()
    sent = [s.world.next_order_id() for _ in range(4)]
    for number, delay in zip(sent, (30, 10, 20, 10), strict=True):
        s.post(number, 0, -1, 10_000, delay=delay)
    s.advance(100)
    s.order(1, 4, 10_000)
    assert [t["maker_order"] for t in trades(s)] == [sent[1], sent[3], sent[2], sent[0]]


@pytest.mark.parametrize("window", [128, 256, 4_096])
def test_a_crash_of_sixty_percent_and_a_fall_to_a_thousandth_keep_every_order_in_its_place(window: int) -> None:
    falls = [10_000, 9_000, 7_000, 4_000, 4_100, 1_500, 400, 90, 12, 10, 11, 300, 9_000]
    path = [price for price in falls for _ in range(20)]
    s = Session(Plan((RICH,) * 6, (MarketPlan(window=window),)), [path])
    twin, luck = Book(), random.Random(window)
    for second, price in enumerate(path[:-1]):
        s.advance((second + 1) * SECOND)
        for _ in range(8):
            side = luck.choice((BUY, SELL))
            far = luck.choice((1.0, 1.0, 1.02, 1.3, 4.0))
            limit = max(1, round(price / far if side == BUY else price * far) - side * luck.randint(0, 3))
            best = twin.best(-side)
            if best is not None and side * (limit - best) >= 0:
                s.order(5, 2 * side, flags=codes.F_MARKET)  # the market has to move there
                left = 2
                while left and twin.best(-side) is not None:
                    front = twin.front(-side)
                    lots = min(left, front.remaining)
                    left, front.remaining = left - lots, front.remaining - lots
                    if front.remaining == 0:
                        twin.remove(front)
            else:
                number = s.order(luck.randrange(5), side * 3, limit)
                twin.add(Order(number, 0, 0, side, limit, 3, 3))
        for side, code in ((BUY, codes.BUY), (SELL, codes.SELL)):
            kernel = [int(s.world.orders[i]["order_id"]) for i in resting(s.world, 0, code)]
            assert kernel == [order.number for order in twin.orders(side)]
        check_book(s.world, 0)
    check_world(s.world)
    assert len(list(twin.orders(BUY))) > 100  # bids of all heights are still there, in order


def test_impact_prices_reach_through_prices_that_lie_outside_the_window() -> None:
    s = floor_of(window=128, impact_ticklots=40_000, sample_every=SECOND)
    for price in (12_000, 13_000, 14_000):
        s.order(0, 1, price)
    s.order(1, 10, 11_000)
    s.order(2, -1, 20_000)
    s.advance(SECOND, codes.PH_FUNDING)
    # 14,000 + 13,000 + 12,000 take 3 lots and leave 1,000 tick-lots for 11,000: 40,000 / (3 + 1/11) = 12,941.2 ticks
    assert s.market("premium_sum") == pytest.approx(1e12 * (40_000 / (3 + 1 / 11) / 10_000 - 1), rel=1e-9)
