"""Where an order's fate turns: at a price, a size, a cap, a coin of cash; each value worked by hand."""

from typing import Any

import pytest

from marketsim.kernel import codes
from marketsim.kernel.layout import QUOTE_LOG, TRADE_LOG
from tests.kernel.checks import check_world
from tests.kernel.worlds import LOT, SECOND, MarketPlan, Plan, Session

RICH = 10**6 * LOT
ANN, BEN, CAT = 0, 1, 2
SMALL = dict(window=256, buckets=64)


def floor_of(traders: int = 3, cash: int = RICH, **terms: Any) -> Session:
    return Session(Plan((cash,) * traders, (MarketPlan(**{"maker_fee": 0, "taker_fee": 0, **SMALL, **terms}),)))


def spot(*cash: int, **terms: Any) -> Session:
    return Session(Plan(cash, (MarketPlan(is_spot=True, rule="mid", **{**SMALL, **terms}),)))


# ---- which orders stand


@pytest.mark.parametrize(
    ("lots", "price", "reason"),
    [
        (2**40, 1, "none"),
        (2**40 + 1, 1, "bad_size"),
        (1, 2**40, "none"),
        (1, 2**40 + 1, "bad_price"),
        (1, 1, "none"),
        (1, 0, "bad_price"),
        (0, 1, "bad_size"),
    ],
)
def test_the_largest_size_and_price_stand_and_one_more_does_not(lots: int, price: int, reason: str) -> None:
    s = floor_of()
    assert s.reason(s.order(ANN, lots, price, codes.F_NO_MARGIN)) == reason


@pytest.mark.parametrize(
    ("side", "price", "post_only", "slid_to"),
    [(1, 9_999, "none", 9_999), (1, 10_000, "post_only", 9_999), (1, 10_001, "post_only", 9_999),
     (-1, 9_991, "none", 9_991), (-1, 9_990, "post_only", 9_991), (-1, 9_989, "post_only", 9_991)],
)  # fmt: skip
def test_a_post_only_order_may_come_within_a_tick_of_the_other_side_and_a_sliding_one_stops_there(
    side: int, price: int, post_only: str, slid_to: int
) -> None:
    s = floor_of()
    s.order(ANN, 5, 9_990)
    s.order(ANN, -5, 10_000)
    held_back = s.order(BEN, side, price, codes.F_POST_ONLY)
    assert s.reason(held_back) == post_only
    s.cancel(held_back)
    slid = s.order(BEN, side, price, codes.F_SLIDE)
    assert (s.resting(slid), s.lots(BEN)) == (1, 0)
    assert s.market("best_bid" if side > 0 else "best_ask") == slid_to


@pytest.mark.parametrize("side", [1, -1])
def test_a_limit_trades_at_its_own_price_and_not_a_tick_beyond(side: int) -> None:
    s = floor_of()
    s.order(ANN, -side * 4, 10_000)
    beyond = s.order(BEN, side * 4, 10_000 - side, codes.F_IOC)
    assert (s.lots(BEN), s.reason(beyond)) == (0, "ioc_remainder")
    s.order(BEN, side * 4, 10_000, codes.F_IOC)
    assert s.lots(BEN) == side * 4


@pytest.mark.parametrize("side", [1, -1])
def test_an_immediate_order_finds_an_empty_book_where_nobody_stands_against_it(side: int) -> None:
    s = floor_of()
    s.order(ANN, side * 4, 10_000)  # somebody stands on its own side
    for flags in (codes.F_IOC, codes.F_MARKET):
        assert s.reason(s.order(BEN, side * 3, 10_000, flags)) == "empty_book"
        assert s.reason(s.order(BEN, -side * 3, 10_000 + 50 * side, codes.F_IOC)) == "ioc_remainder"
    assert s.lots(BEN) == 0


@pytest.mark.parametrize("side", [1, -1])
def test_reduce_only_closes_what_there_is_and_turns_nobody_round(side: int) -> None:
    s = floor_of()
    s.start(ANN, -side * 6, 10_000)
    s.order(BEN, -side * 20, 10_000)
    assert s.reason(s.order(ANN, -side, 10_000, codes.F_REDUCE)) == "reduce_only"
    closing = s.order(ANN, side * 7, 10_000, codes.F_REDUCE)
    assert (s.lots(ANN), s.lots(BEN), s.reason(closing)) == (0, -side * 6, "filled")
    assert s.reason(s.order(ANN, side, 10_000, codes.F_REDUCE)) == "reduce_only"


@pytest.mark.parametrize("side", [1, -1])
def test_a_reduce_only_order_at_rest_gives_no_more_than_is_left_of_its_position(side: int) -> None:
    s = floor_of()
    s.start(ANN, -side * 6, 10_000)
    resting = s.order(ANN, side * 6, 10_000, codes.F_REDUCE)
    s.start(ANN, side * 4, 10_000)  # two lots are left
    s.order(BEN, -side * 6, 10_000, codes.F_IOC)
    assert (s.lots(ANN), s.lots(BEN)) == (0, -side * 2)
    assert (s.resting(resting), s.reason(resting)) == (0, "reduce_only")


def test_a_halted_market_takes_no_order_but_lets_them_be_cancelled() -> None:
    s = floor_of()
    resting = s.order(ANN, 1, 9_000)
    s.world.set_market(0, halted=1)
    assert s.reason(s.order(BEN, 1, 9_000)) == "halted"
    s.cancel(resting)
    assert (s.resting(resting), s.reason(resting)) == (0, "cancelled")


# ---- what a token's market asks beyond


@pytest.mark.parametrize(
    ("price", "reason"), [(11_000, "none"), (11_001, "price_band"), (9_000, "none"), (8_999, "price_band")]
)
@pytest.mark.parametrize("side", [1, -1])
def test_a_price_band_ends_at_its_share_of_the_index_on_either_side(price: int, reason: str, side: int) -> None:
    s = spot(RICH, RICH)
    s.world.set_market(0, price_band=0.1)
    s.start(ANN, 10, 10_000)
    assert s.reason(s.order(ANN, side, price)) == reason


def test_a_price_band_holds_no_market_order() -> None:
    s = spot(RICH, RICH)
    s.start(ANN, 10, 10_000)
    s.order(ANN, -1, 10_500)
    s.world.set_market(0, price_band=0.01)
    assert s.reason(s.order(BEN, 1, flags=codes.F_MARKET)) == "filled"


def test_a_holding_cap_counts_what_is_held_and_bid_for_and_may_be_met() -> None:
    s = spot(RICH, RICH)
    s.world.set_market(0, holding_cap=10)
    s.start(ANN, 3, 10_000)
    assert s.resting(s.order(ANN, 4, 9_000)) == 4
    assert s.reason(s.order(ANN, 4, 9_000)) == "holding_cap"
    assert s.resting(s.order(ANN, 3, 9_000)) == 3
    assert s.resting(s.order(ANN, -3, 11_000)) == 3  # a sale is under no cap


# ---- who pays what


@pytest.mark.parametrize(
    ("maker", "taker", "maker_pays", "taker_pays"),
    [(20_000, 50_000, 2_000, 5_000), (-5_000, 30_000, -501, 3_000), (1, 1, 0, 0), (-1, 0, -1, 0)],
)
def test_fees_are_whole_atoms_rounded_down_and_so_a_rebate_up(
    maker: int, taker: int, maker_pays: int, taker_pays: int
) -> None:
    """A lot at 10,001 ticks is 10,001,000 atoms: 2 bps are 2,000.2, 5 bps 5,000.5, a rebate of 0.5 bp 500.05."""
    s = floor_of(maker_fee=maker, taker_fee=taker)
    s.order(ANN, -1, 10_001)
    s.order(BEN, 1, 10_001)
    assert (RICH + 10_001_000 - s.cash(ANN), RICH - 10_001_000 - s.cash(BEN)) == (maker_pays, taker_pays)
    paid = s.world.accounts["fees_atoms"]
    assert (paid[ANN], paid[BEN]) == (maker_pays, taker_pays)
    assert s.cash(s.plan.venue) == maker_pays + taker_pays
    check_world(s.world)


def test_fees_add_up_trade_by_trade() -> None:
    s = floor_of(maker_fee=20_000, taker_fee=50_000)
    for _ in range(3):
        s.order(ANN, -1, 10_000)
        s.order(BEN, 1, 10_000)
    assert s.world.accounts["fees_atoms"][[ANN, BEN]].tolist() == [3 * 2_000, 3 * 5_000]


# ---- what is written down


def test_the_volume_before_an_instant_leaves_out_all_of_its_trades() -> None:
    s = floor_of()
    s.order(ANN, -20, 10_000)
    s.advance(10)
    s.order(BEN, 3, 10_000)
    s.order(BEN, 4, 10_000)
    assert (s.market("volume_lots"), s.market("volume_before")) == (7, 0)
    s.advance(20)
    s.order(CAT, 5, 10_000)
    s.order(CAT, 1, 10_000)
    assert (s.market("volume_lots"), s.market("volume_before")) == (13, 7)


def quotes(s: Session) -> list[tuple[int, ...]]:
    """Rows of the quote log: bid, its lots, ask, its lots."""
    names = QUOTE_LOG.names or ()
    where = [names.index(name) for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")]
    return [tuple(row[k] for k in where) for row in s.world.take_log("quotes").tolist()]


def test_a_quote_is_written_when_any_of_its_prices_or_sizes_changes_and_only_then() -> None:
    s = Session(Plan((RICH,) * 3, (MarketPlan(**SMALL),)), logs=("trades", "orders", "quotes"))
    s.order(ANN, 5, 9_990)
    s.order(ANN, -7, 10_000)
    assert quotes(s) == [(9_990, 5, 0, 0), (9_990, 5, 10_000, 7)]
    s.order(BEN, 1, 9_990)  # more at the best bid
    assert quotes(s) == [(9_990, 6, 10_000, 7)]
    s.order(BEN, -2, 10_000)  # more at the best ask
    assert quotes(s) == [(9_990, 6, 10_000, 9)]
    s.order(BEN, 1, 9_980)  # behind the best bid
    s.order(BEN, -1, 10_020)
    assert quotes(s) == []
    s.order(CAT, -6, 9_990)  # the best bid is taken; the next has as many lots as nobody saw before
    assert quotes(s) == [(9_980, 1, 10_000, 9)]
    s.order(CAT, 9, 10_000)
    assert quotes(s) == [(9_980, 1, 10_020, 1)]


def test_trades_have_the_side_of_who_came_and_a_number_of_their_market() -> None:
    s = floor_of()
    s.order(ANN, -2, 10_000)
    s.order(BEN, 1, 10_000)
    s.order(ANN, 2, 9_990)
    s.order(BEN, -1, 9_990)
    names = TRADE_LOG.names or ()
    rows = [dict(zip(names, row, strict=True)) for row in s.log("trades")]
    assert [(row["taker_side"], row["taker_account"], row["price_ticks"]) for row in rows] == [
        (codes.BUY, BEN, 10_000),
        (codes.SELL, BEN, 9_990),
    ]
    assert s.market("trade_seq") == 2


# ---- price triggers


@pytest.mark.parametrize(
    ("source", "above", "price", "fires"),
    [
        (codes.SRC_LAST, True, 10_000, True),
        (codes.SRC_LAST, True, 10_001, False),
        (codes.SRC_LAST, False, 10_000, True),
        (codes.SRC_LAST, False, 9_999, False),
        # the mid is 9,995.5
        (codes.SRC_MID, True, 9_995, True),
        (codes.SRC_MID, True, 9_996, False),
        (codes.SRC_MID, False, 9_996, True),
        (codes.SRC_MID, False, 9_995, False),
    ],
)
def test_a_price_trigger_fires_at_its_price_and_not_half_a_tick_before(
    source: int, above: bool, price: int, fires: bool
) -> None:
    s = floor_of()
    s.order(ANN, 5, 9_991)
    s.world.watch_crossing(0, source, above, price)
    s.order(ANN, -5, 10_000)
    s.order(BEN, 1, 10_000)
    assert bool(s.notices) is fires
    s.order(BEN, 1, 10_000)
    assert len(s.notices) == (1 if fires else 0)  # once


def test_no_trigger_on_the_last_price_fires_before_there_is_one() -> None:
    s = floor_of()
    s.world.watch_crossing(0, codes.SRC_LAST, False, 12_000)
    s.order(ANN, -5, 10_000)
    s.advance(2 * SECOND)
    assert not s.notices
    s.order(BEN, 1, 10_000)
    assert len(s.notices) == 1


@pytest.mark.parametrize(
    ("source", "above", "price", "second"),
    [
        (codes.SRC_INDEX, True, 10_050, 2),
        (codes.SRC_INDEX, True, 10_051, None),
        (codes.SRC_INDEX, False, 9_900, 3),
        (codes.SRC_INDEX, False, 9_899, None),
        (codes.SRC_MARK, True, 10_050, 2),
        (codes.SRC_MARK, True, 10_051, None),
        (codes.SRC_MARK, False, 9_900, 3),
        (codes.SRC_MARK, False, 9_899, None),
    ],
)
def test_triggers_on_index_and_mark_are_looked_at_with_every_mark(
    source: int, above: bool, price: int, second: int | None
) -> None:
    s = Session(Plan((RICH,), (MarketPlan(**SMALL),)), [[10_000, 10_000, 10_050, 9_900, *[10_000] * 5]])
    s.world.watch_crossing(0, source, above, price)
    s.advance(6 * SECOND)
    assert [notice["t_ns"] // SECOND for notice in s.notices] == ([] if second is None else [second])


# ---- cash in a spot market


def test_a_bid_at_rest_is_paid_where_its_cash_just_suffices_and_cancelled_an_atom_below() -> None:
    """10 lots at 10,000 with a maker's fee of 2 bps: 100,000,000 + 20,000 atoms."""
    for missing, held in ((0, 10), (1, 0)):
        s = spot(RICH, RICH, maker_fee=20_000, taker_fee=0)
        s.start(BEN, 10, 10_000)
        s.order(ANN, 10, 10_000)
        s.pay(ANN, s.plan.outside, s.cash(ANN) - 100_020_000 + missing)
        s.order(BEN, -10, 10_000)
        assert (s.lots(ANN), s.cash(ANN)) == (held, 0 if held else 100_020_000 - 1)
        check_world(s.world)


def test_a_maker_s_rebate_pays_for_nothing() -> None:
    """Of 10 lots at 10,000 it would be 5,000 atoms, but cash it has not yet is no cover."""
    for missing, held in ((0, 10), (1, 0)):
        s = spot(RICH, RICH, maker_fee=-5_000, taker_fee=0)
        s.start(BEN, 10, 10_000)
        s.order(ANN, 10, 10_000)
        s.pay(ANN, s.plan.outside, s.cash(ANN) - 100_000_000 + missing)
        s.order(BEN, -10, 10_000)
        assert s.lots(ANN) == held


def test_a_market_order_buys_what_cash_and_fee_allow() -> None:
    """9 lots at 10,000 and 5 bps of them are 90,045,000 atoms, ten are more than 100 million."""
    s = spot(100_000_000, RICH, maker_fee=0, taker_fee=50_000)
    s.start(BEN, 20, 10_000)
    s.order(BEN, -10, 10_000)
    assert s.reason(s.order(ANN, 10, flags=codes.F_MARKET)) == "insufficient_funds"
    s.order(ANN, 9, flags=codes.F_MARKET)
    assert (s.lots(ANN), s.cash(ANN)) == (9, 100_000_000 - 90_045_000)
