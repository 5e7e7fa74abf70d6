"""Liquidation, insurance fund and deleveraging: sizes and limits by hand, and money that closes to the atom."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from marketsim.venues.deleveraging.bitmex import bitmex_score
from marketsim.venues.deleveraging.family import OUTSIDE, Counterparty, deleveraging_plan, ranked
from marketsim.venues.engines.binance import liquidation_order_lots
from marketsim.venues.insurance import fund_can_take_over
from marketsim.venues.liquidation import liquidation_fee_atoms, liquidation_limit_ticks
from marketsim.venues.margin import (
    TIER_TABLES,
    UNLIMITED,
    bankruptcy_price_ticks,
    is_below_maintenance,
    liquidation_trigger_ticks,
    tier_table,
)
from marketsim.venues.payoffs import cash_after_fill_atoms, equity_atoms, notional_atoms, position_value_atoms

UNIT = 10**8
ATOMS = 10_000  # 0.1 USDT x 0.001 BTC
BTC = tier_table(TIER_TABLES["binance_btcusdt_2024"])
exactly = settings(deadline=None, derandomize=True, max_examples=300)
any_lots = st.integers(-1_000, 1_000).filter(bool)


def levered_account(lots: int, entry_ticks: int, leverage: int) -> int:
    """Cash of an account that opened signed `lots` at `entry_ticks` with `leverage` [atoms]."""
    return cash_after_fill_atoms(abs(lots) * entry_ticks * ATOMS // leverage, lots, entry_ticks, ATOMS)


def test_liquidation_fee_is_charged_on_the_liquidated_amount_alone() -> None:
    """1.25% of 2 BTC at 30,000 USDT is 750 USDT."""
    assert liquidation_fee_atoms(60_000 * UNIT, 1_250_000, 10_000 * UNIT) == 750 * UNIT


def test_liquidation_fee_never_exceeds_the_equity_left() -> None:
    assert liquidation_fee_atoms(60_000 * UNIT, 1_250_000, 400 * UNIT) == 400 * UNIT
    assert liquidation_fee_atoms(60_000 * UNIT, 1_250_000, -1) == 0


def test_limit_is_the_bankruptcy_price_rounded_to_the_solvent_side() -> None:
    """3 lots bought at 100 with 50 ticks x lots of capital die at 83.33; sold short, at 116.67."""
    assert liquidation_limit_ticks(50 - 300, 3, 1) == 84
    assert liquidation_limit_ticks(50 + 300, -3, 1) == 116


def test_a_limit_is_never_below_a_tick() -> None:
    assert liquidation_limit_ticks(5, 3, 1) == 1
    assert liquidation_limit_ticks(2, -3, 1) == 1


@exactly
@given(st.integers(2, 10**6), st.integers(-(10**4), 10**4), any_lots, st.integers(1, 500))
def test_a_fill_at_the_limit_leaves_no_debt_and_one_tick_worse_does(
    price: int, off: int, lots: int, atoms: int
) -> None:
    """An account that is worth nothing at about `price`."""
    cash = off - lots * price * atoms
    limit = liquidation_limit_ticks(cash, lots, atoms)
    assume(limit > 1)
    worse = limit - 1 if lots > 0 else limit + 1
    assert cash_after_fill_atoms(cash, -lots, limit, atoms) >= 0
    assert cash_after_fill_atoms(cash, -lots, worse, atoms) < 0


def test_a_position_of_the_lowest_tier_is_closed_whole() -> None:
    """1 BTC at 29,750 is below 50,000 USDT; without tiers everything is the lowest tier."""
    assert liquidation_order_lots(1_000, 297_500, ATOMS, BTC) == -1_000
    assert liquidation_order_lots(-1_000, 297_500, ATOMS, BTC) == 1_000
    assert liquidation_order_lots(3_000_000, 300_000, ATOMS, UNLIMITED) == -3_000_000


def test_a_large_position_is_cut_to_the_cap_of_the_next_tier() -> None:
    """3,000 BTC at 30,000 is 90 million, tier 6; tier 5 ends at 70 million: 2,333.333 BTC are kept, 666.667 sold."""
    assert liquidation_order_lots(3_000_000, 300_000, ATOMS, BTC) == -666_667
    assert liquidation_order_lots(-3_000_000, 300_000, ATOMS, BTC) == 666_667


def test_who_owns_nothing_at_the_mark_counts_as_a_thousand_million_times_levered() -> None:
    """A profit of half the entry value first of all, a loss of half last but for nobody; 150 of equity: leverage 1."""
    assert bitmex_score(150, 150, 100) == bitmex_score(150, 160, 100) == 500_000_000
    assert bitmex_score(50, 60, 100) == -Fraction(1, 2 * 10**9)
    assert bitmex_score(150, 149, 100) == 75
    assert bitmex_score(150, 0, 0) == 0


@exactly
@given(st.integers(1, 10**8), st.integers(1, 10**7), st.booleans())
def test_orders_filled_whole_close_any_position_within_one_order_a_tier(lots: int, mark: int, is_long: bool) -> None:
    position, orders = lots if is_long else -lots, 0
    while position:
        order = liquidation_order_lots(position, mark, ATOMS, BTC)
        assert (order < 0) is (position > 0)
        assert 0 < abs(order) <= abs(position)
        position, orders = position + order, orders + 1
    assert orders <= len(BTC)


def test_a_cut_to_the_next_tier_makes_a_nearly_compliant_account_compliant() -> None:
    """90 million needs 1,768,550 USDT; with 1.75 million of equity 70 million (1,268,550 USDT) complies."""
    position, mark = 3_000_000, 300_000
    cash = 1_750_000 * UNIT - position_value_atoms(position, mark, ATOMS)
    assert is_below_maintenance(cash, position, mark, ATOMS, BTC)
    order = liquidation_order_lots(position, mark, ATOMS, BTC)
    after = cash_after_fill_atoms(cash, order, mark, ATOMS)
    assert not is_below_maintenance(after, position + order, mark, ATOMS, BTC)


@exactly
@given(st.integers(1, 50_000_000), st.integers(100_000, 1_000_000), st.booleans(), st.integers(1, 125))
def test_at_its_trigger_an_account_is_liquidated_before_its_limit_is_reached(
    lots: int, entry: int, is_long: bool, leverage: int
) -> None:
    position = lots if is_long else -lots
    cash = levered_account(position, entry, leverage)
    trigger = liquidation_trigger_ticks(cash, position, ATOMS, BTC)
    assume(trigger is not None)
    assert trigger is not None
    limit = liquidation_limit_ticks(cash, position, ATOMS)
    assert limit <= trigger + 1 if is_long else limit >= trigger - 1


def test_the_fund_takes_over_what_it_can_carry_without_leverage() -> None:
    """1 BTC at 30,000 USDT with no equity left needs a fund of 30,000 USDT."""
    lot_atoms = 300_000 * ATOMS
    assert fund_can_take_over(30_000 * UNIT, 0, 0, 1_000, lot_atoms)
    assert not fund_can_take_over(30_000 * UNIT - 1, 0, 0, 1_000, lot_atoms)
    assert not fund_can_take_over(30_000 * UNIT, 0, -1, -1_000, lot_atoms)
    assert not fund_can_take_over(0, 0, 0, 1_000, lot_atoms)


def test_the_fund_takes_over_more_of_what_reduces_its_own_position() -> None:
    lot_atoms = 300_000 * ATOMS
    assert fund_can_take_over(30_000 * UNIT, -1_000, 0, 2_000, lot_atoms)
    assert not fund_can_take_over(30_000 * UNIT, 1_000, 0, 1, lot_atoms)


@exactly
@given(st.integers(-(10**15), 10**15), any_lots, st.integers(1, 10**6))
def test_lots_and_cash_taken_over_are_worth_nothing_at_the_bankruptcy_price(cash: int, lots: int, mark: int) -> None:
    """So what the fund gains by the takeover is what its formula says for a fill at mark."""
    bankruptcy = bankruptcy_price_ticks(cash, lots, ATOMS)
    assert bankruptcy is not None
    assert Fraction(equity_atoms(cash, lots, mark, ATOMS)) == (mark - bankruptcy) * lots * ATOMS


def short(account: int, lots: int, entry: int, equity: int) -> Counterparty:
    """A short of `lots` from `entry` [ticks], marked at 100 with one atom per tick and lot."""
    return Counterparty(account, -lots, -lots * entry, -lots * 100, equity)


def test_winners_come_first_the_more_levered_the_sooner_and_losers_the_less_levered_the_later() -> None:
    quiet, bold = short(1, 10, 125, 1_000), short(2, 10, 125, 100)
    loser, bold_loser = short(3, 10, 80, 1_000), short(4, 10, 80, 100)
    penniless, even = short(5, 10, 125, 0), short(6, 10, 100, 50)
    queue = ranked([loser, quiet, even, bold_loser, bold, penniless])
    assert [one.account for one in queue] == [5, 2, 1, 6, 4, 3]


def test_equal_scores_are_served_by_account_number() -> None:
    assert [one.account for one in ranked([short(9, 5, 110, 50), short(3, 5, 110, 50)])] == [3, 9]


def test_a_partial_fill_goes_down_the_queue_and_the_rest_to_outside() -> None:
    """7 lots long: two shorts of 3 and 2 close, `outside` takes 2; a long in the queue is passed over."""
    queue = [short(1, 3, 120, 50), Counterparty(8, 4, 400, 400, 50), short(2, 2, 120, 90)]
    assert deleveraging_plan(7, queue) == [(1, 3), (2, 2), (OUTSIDE, 2)]
    assert deleveraging_plan(4, queue) == [(1, 3), (2, 1)]
    assert deleveraging_plan(-5, queue) == [(8, -4), (OUTSIDE, -1)]


@exactly
@given(st.integers(-(10**12), 10**12), any_lots, st.lists(st.integers(-100, 100).filter(bool), max_size=12))
def test_deleveraging_closes_every_lot_and_leaves_less_than_a_tick_a_lot_for_the_fund(
    cash: int, position: int, others: list[int]
) -> None:
    plan = deleveraging_plan(position, [Counterparty(i, lots, lots, lots, 1_000) for i, lots in enumerate(others)])
    assert sum(lots for _, lots in plan) == position
    for account, lots in plan:
        assert account == OUTSIDE or abs(lots) <= abs(others[account])
        assert account == OUTSIDE or lots * others[account] < 0
    price = liquidation_limit_ticks(cash, position, ATOMS)
    left = cash
    for _, lots in plan:  # each side's cash moves by the same amount, so what is left is all there is to hand on
        left = cash_after_fill_atoms(left, -lots, price, ATOMS)
    assert left == equity_atoms(cash, position, price, ATOMS)
    if price > 1:
        assert 0 <= left < notional_atoms(position, 1, ATOMS)
