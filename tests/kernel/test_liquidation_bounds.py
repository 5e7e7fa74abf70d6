"""Where a liquidation turns: sizes, fees, what is written down, cascades, the fund's limits, who is closed first."""

from typing import Any

import pytest

from marketsim.kernel import codes
from marketsim.kernel.layout import DELEVERAGING_LOG, LIQUIDATION_LOG
from tests.kernel.checks import check_world
from tests.kernel.worlds import LOT, ONE_TIER, SECOND, MarketPlan, Plan, Session

RICH = 10**6 * LOT
TERMS = dict(maker_fee=0, taker_fee=0, window=256, buckets=64, tiers=ONE_TIER)


def fallen(cash: tuple[int, ...], path: tuple[int, ...], fund: int = 0, **terms: Any) -> Session:
    market = MarketPlan(**{**TERMS, **terms})
    return Session(Plan(cash, (market,), fund=fund), [[*path, *[path[-1]] * 200]])


def rows(s: Session, name: str) -> list[dict[str, Any]]:
    names = (LIQUIDATION_LOG if name == "liquidations" else DELEVERAGING_LOG).names or ()
    return [dict(zip(names, row, strict=True)) for row in s.log(name)]


# ---- what is written down


@pytest.mark.parametrize(
    ("side", "mark", "leverage", "bankrupt"),
    [(1, 9_040, 226.0, 9_000), (-1, 10_960, 274.0, 11_000)],
)
def test_a_liquidation_is_written_down_as_it_was_when_it_began(
    side: int, mark: int, leverage: float, bankrupt: int
) -> None:
    """100 lots with 10 lots' worth: 40 ticks a lot are left of 100 x the mark."""
    s = fallen((10 * LOT, RICH), (10_000, 10_000, mark))
    s.start(0, side * 50, 9_990)
    s.start(0, side * 50, 10_010)
    s.order(1, side * 500, mark)
    s.advance(2 * SECOND)
    (row,) = rows(s, "liquidations")
    assert (row["entry_price"], row["leverage"], row["bankruptcy_price"]) == (10_000, leverage, bankrupt)
    assert (row["mark_ticks"], row["index_ticks"], row["account"], row["size_lots"]) == (mark, mark, 0, side * 100)
    assert (row["filled_lots"], row["filled_ticklots"], row["stage"]) == (100, 100 * mark, codes.L_PARTIAL)


@pytest.mark.parametrize(
    ("side", "index", "is_solvent"),
    [(1, 9_001, 1), (1, 9_000, 0), (1, 8_999, 0), (-1, 10_999, 1), (-1, 11_000, 0), (-1, 11_001, 0)],
)
def test_it_is_solvent_at_the_index_where_something_would_be_left_there(side: int, index: int, is_solvent: int) -> None:
    """Bankrupt at 10,000 -+ 1,000, liquidated by trades at 10,000 -+ 960 whatever the index says."""
    s = fallen((10 * LOT, RICH, RICH), (10_000, 10_000, index), rule="last")
    s.start(0, side * 100, 10_000)
    s.advance(SECOND + 1)
    price = 10_000 - side * 960
    s.order(1, side * 5_000, price)
    s.order(2, -side, price)
    s.order(2, -side * 5, price + side * 200)
    s.advance(2 * SECOND)
    row = rows(s, "liquidations")[0]
    assert (row["mark_ticks"], row["index_ticks"], row["solvent_at_index"]) == (price, index, is_solvent)


def test_without_equity_there_is_no_leverage() -> None:
    s = fallen((10 * LOT, RICH), (10_000, 10_000, 9_000))
    s.start(0, 100, 10_000)
    s.advance(2 * SECOND)
    assert rows(s, "liquidations")[0]["leverage"] == 0.0


# ---- fees


@pytest.mark.parametrize(
    ("price", "fee"),
    [(9_940, 12_425_000), (9_020, 2_000_000), (9_000, 0)],
)
def test_the_fee_is_a_share_of_what_was_closed_and_at_most_what_is_left(price: int, fee: int) -> None:
    """100 lots with 10 lots' worth: 1.25 % of 994,000,000 is 12,425,000 of 94 million; at 9,020 2 million are left."""
    s = fallen((10 * LOT, RICH), (10_000, 10_000, 9_030), taker_fee=50_000)
    s.start(0, 100, 10_000)
    s.order(1, 100, price)
    s.advance(2 * SECOND)
    (row,) = rows(s, "liquidations")
    left = 10 * LOT - (10_000 - price) * 100_000
    assert (row["fee_atoms"], s.cash(0), s.cash(s.plan.fund_of(0))) == (fee, left - fee, fee)
    assert s.cash(s.plan.venue) == 0  # and no taker's fee beside it
    check_world(s.world)


# ---- cascades


@pytest.mark.parametrize(("gap_s", "is_one"), [(59, True), (60, True), (61, False)])
def test_a_cascade_goes_on_for_a_minute_after_its_last_liquidation(gap_s: int, is_one: bool) -> None:
    path = (10_000, 10_000, *[9_040] * gap_s, 8_940)
    s = fallen((10 * LOT, 11 * LOT, RICH), path)
    s.start(0, 100, 10_000)
    s.start(1, 100, 10_000)
    s.advance((2 + gap_s) * SECOND)
    first, second = rows(s, "liquidations")
    assert second["t_ns"] - first["t_ns"] == gap_s * SECOND
    assert (first["cascade"], first["parent"]) == (0, -1)
    assert (second["cascade"], second["parent"]) == ((0, 0) if is_one else (1, -1))


def test_the_parent_is_the_liquidation_before_and_the_other_side_begins_another_cascade() -> None:
    s = fallen((10 * LOT, 11 * LOT, 12 * LOT, 10 * LOT, RICH), (10_000, 10_000, 9_040, 8_940, 8_840, 12_000))
    for trader in range(3):
        s.start(trader, 100, 10_000)
    s.start(3, -100, 10_000)
    s.order(4, 300, 9_040)  # who buys from the longs
    s.advance(5 * SECOND)
    told = [(row["account"], row["cascade"], row["parent"]) for row in rows(s, "liquidations")]
    assert told == [(0, 0, -1), (1, 0, 0), (2, 0, 1), (3, 3, -1)]


# ---- the fund


@pytest.mark.parametrize("mark", [9_000, 9_040])
@pytest.mark.parametrize(("short_by", "stage"), [(0, "takeover"), (1, "deleveraged")])
def test_the_fund_may_hold_as_much_as_it_owns_with_what_it_gains_and_not_an_atom_more(
    mark: int, short_by: int, stage: str
) -> None:
    """100 lots bankrupt at 9,000 are worth at the mark 900,000,000 atoms and what the fund gains by them."""
    s = fallen((10 * LOT, RICH), (10_000, 10_000, mark), fund=9_000_000 * 100 - short_by)
    s.start(0, 100, 10_000)
    s.advance(2 * SECOND)
    assert codes.STAGES[rows(s, "liquidations")[0]["stage"]] == stage


@pytest.mark.parametrize(("fund", "stage"), [(1, "takeover"), (0, "deleveraged")])
def test_a_fund_that_would_own_nothing_closes_not_even_its_own_position_by_taking(fund: int, stage: str) -> None:
    """Short 100 lots at 9,000 it has won at a mark of 8,900 what it loses with the 100 lots bankrupt at 9,000."""
    s = fallen((10 * LOT, RICH), (10_000, 10_000, 8_900), fund=fund)
    s.start(s.plan.fund_of(0), -100, 9_000)
    s.start(0, 100, 10_000)
    s.advance(2 * SECOND)
    assert codes.STAGES[rows(s, "liquidations")[0]["stage"]] == stage
    assert (s.lots(0), s.lots(s.plan.fund_of(0))) == (0, 0)


def test_what_the_fund_holds_already_counts_with_its_sign() -> None:
    """A short of the fund's makes room for as many lots more."""
    for held, stage in ((-20, "takeover"), (0, "deleveraged"), (20, "deleveraged")):
        s = fallen((10 * LOT, RICH), (10_000, 10_000, 9_000), fund=9_000_000 * 80)
        fund = s.plan.fund_of(0)
        if held:
            s.start(fund, held, 9_000)  # at what will be the mark
        s.start(0, 100, 10_000)
        s.advance(2 * SECOND)
        assert codes.STAGES[rows(s, "liquidations")[0]["stage"]] == stage, held


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("held", "slice_"), [(1, 1), (31, 1), (32, 2), (160, 10)])
def test_the_fund_sells_a_sixteenth_at_each_mark_and_at_least_a_lot(side: int, held: int, slice_: int) -> None:
    s = fallen((RICH,), (10_000,), fund=10**4 * LOT)
    fund = s.plan.fund_of(0)
    s.start(fund, side * held, 10_000)
    s.order(0, side * 1_000, 10_000)
    s.advance(SECOND)
    assert s.lots(fund) == side * (held - slice_)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("away", "sold"), [(50, 1), (51, 0)])
def test_the_fund_sells_at_most_half_a_percent_from_the_mark(side: int, away: int, sold: int) -> None:
    s = fallen((RICH,), (10_000,), fund=10**4 * LOT)
    fund = s.plan.fund_of(0)
    s.start(fund, side * 16, 10_000)
    s.order(0, side * 10, 10_000 - side * away)
    s.advance(SECOND)
    assert s.lots(fund) == side * (16 - sold)


def test_a_fund_that_would_own_nothing_takes_nothing() -> None:
    """It owns as much as it would lose: 100 lots bankrupt at 9,000 at a mark of 8,900 are 10 million atoms of loss."""
    for fund, stage in ((10_000_000, "deleveraged"), (10_000_000 + 890_000_000, "takeover")):
        s = fallen((10 * LOT, RICH), (10_000, 10_000, 8_900), fund=fund)
        s.start(0, 100, 10_000)
        s.advance(2 * SECOND)
        row = rows(s, "liquidations")[0]
        assert codes.STAGES[row["stage"]] == stage
        assert row["insurance_atoms"] == (-10_000_000 if stage == "takeover" else 0)


# ---- the size of its orders


@pytest.mark.parametrize("side", [1, -1])
def test_an_order_brings_the_position_to_the_end_of_the_tier_below(side: int) -> None:
    """A tier of 5 % up to 400 lots' worth at 10,000, and of 10 % above; at 9,900 as much is 404 lots."""
    tiers = ((0, 5_000_000, 20), (400 * LOT, 10_000_000, 10))
    mark = 10_000 - side * 100
    s = fallen((31 * LOT, RICH), (10_000, 10_000, mark), tiers=tiers)
    s.start(0, side * 500, 10_000)
    s.order(1, side * 5_000, mark)
    s.advance(2 * SECOND)
    kept = 400 * 10_000 // mark
    assert abs(s.lots(0)) == kept
    assert rows(s, "liquidations")[0]["filled_lots"] == 500 - kept


def test_who_is_cut_and_still_below_maintenance_is_cut_again_at_the_next_mark_and_not_taken_over() -> None:
    """5 % up to 400 lots' worth and 10 % above, which with its deduction is 20 + 10 % of what lies above.

    500 lots bought at 10,000 with 31 lots' worth, at a mark of 9,700: 16 are left of 28.5 needed. Cut to 412 lots it
    needs almost 20, and is closed at the next mark.
    """
    tiers = ((0, 5_000_000, 20), (400 * LOT, 10_000_000, 10))
    s = fallen((31 * LOT, RICH), (10_000, 10_000, 9_700), fund=10**4 * LOT, tiers=tiers, liquidation_fee=0)
    s.start(0, 500, 10_000)
    s.order(1, 5_000, 9_700)
    s.advance(2 * SECOND)
    assert (s.lots(0), int(s.world.accounts[0]["state"])) == (412, codes.S_QUEUED)
    s.advance(3 * SECOND)
    assert (s.lots(0), int(s.world.accounts[0]["state"])) == (0, codes.S_NORMAL)
    assert [(row["filled_lots"], codes.STAGES[row["stage"]]) for row in rows(s, "liquidations")] == [
        (88, "partial"),
        (412, "partial"),
    ]


def test_of_two_positions_of_one_size_the_first_goes_first_and_the_account_waits_for_the_other() -> None:
    markets = (MarketPlan(**TERMS), MarketPlan(**TERMS))
    paths = [[10_000, 10_000, *[9_500] * 9], [10_000, 10_000, *[9_500] * 9]]
    s = Session(Plan((102 * LOT // 10, RICH), markets), paths)  # 0.2 lots' worth are left, the fee takes them
    for market in (0, 1):
        s.start(0, 100, 10_000, market)
        s.order(1, 1_000, 9_500, market=market)
    s.advance(2 * SECOND)
    assert [row["market"] for row in rows(s, "liquidations")][:1] == [0]
    assert (s.lots(0, 0), s.lots(0, 1), int(s.world.accounts[0]["state"])) == (0, 100, codes.S_QUEUED)


# ---- who is closed first


def closed_first(*others: tuple[int, int, int]) -> list[int]:
    """Accounts in the order in which they close 100 lots that are bankrupt at 9,000 when the mark is 8,900.

    others: cash [lots' worth], lots, entry price.
    """
    s = fallen((10 * LOT, *(cash * LOT for cash, _, _ in others)), (10_000, 10_000, 8_900))
    s.start(0, 100, 10_000)
    for number, (_, lots, price) in enumerate(others, 1):
        s.start(number, lots, price)
    s.advance(2 * SECOND)
    return [row["account"] for row in rows(s, "deleveragings")]


def test_the_larger_profit_share_comes_first_at_one_leverage_and_the_larger_leverage_at_one_share() -> None:
    # profit share (entry - 8,900) / entry of the shorts, leverage 60 x 8,900 / equity
    assert closed_first((100, -60, 9_500), (100, -60, 10_000)) == [2, 1]
    assert closed_first((100, -60, 10_000), (50, -60, 10_000)) == [2, 1]


def test_losers_come_last_and_of_them_who_has_the_least_leverage_last_of_all() -> None:
    """A short at 8,000 loses 11.25 % at 8,900: divided by a larger leverage it is a smaller loss."""
    assert closed_first((1_000, -40, 8_000), (100, -40, 8_000), (1_000, -40, 8_950)) == [3, 2, 1]


def test_equals_come_by_account_and_whoever_is_flat_or_long_not_at_all() -> None:
    assert closed_first((100, 5, 10_000), (100, -40, 10_000), (100, -40, 10_000), (100, -40, 10_000)) == [2, 3, 4]


def test_each_closes_no_more_than_it_holds_and_the_last_what_is_left() -> None:
    s = fallen((10 * LOT, 100 * LOT, 100 * LOT), (10_000, 10_000, 8_900))
    s.start(0, 100, 10_000)
    s.start(1, -30, 10_000)
    s.start(2, -90, 10_000)
    s.advance(2 * SECOND)
    told = [(row["account"], row["size_lots"], row["price_ticks"], row["rank"]) for row in rows(s, "deleveragings")]
    assert told == [(2, 90, 9_000, 0), (1, 10, 9_000, 1)]
    assert (s.lots(1), s.lots(2)) == (-20, 0)
    check_world(s.world)
