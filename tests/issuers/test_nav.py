"""NAV arithmetic against what issuers published, and exact triggers at single ticks."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.issuers.fund.nav import (
    Direction,
    Holding,
    Leg,
    PriceTrigger,
    Rounding,
    desired_units,
    fall_trigger,
    lower_trigger,
    nav_per_token,
    position_for,
    rebalance_lots,
    rise_trigger,
    round_lots,
    upper_trigger,
)
from tests.reference.fund import (
    aggregate_flow,
    drifted_leverage,
    hedge_notional,
    move_to_leverage,
    nav_after_move,
    rebalance_notional,
    wipe_out_move,
)


def one_leg(cash: int, lots: int, price: int, target: int = 3, atoms: int = 1) -> Holding:
    return Holding(cash, (Leg("BTC-PERP", Fraction(target), lots, price, atoms),))


def test_ethbull_leverage_drifts_as_ftx_published() -> None:
    """A01, FTX text republished by AscendEX (360045965633): NAV 11500, exposure 31500, leverage 2.74 to 0.005."""
    fund = one_leg(cash=-20_000, lots=150, price=210)
    assert nav_per_token(fund.equity_atoms, 1) == 11_500
    assert fund.exposure_atoms == 31_500
    assert float(fund.leverage) == pytest.approx(2.74, abs=0.005)


def test_rebalance_size_follows_the_ftx_formula() -> None:
    """A02, the same page: DP = 3 NAV / P = 164.2857142857, size 14.2857142857 to 1e-6."""
    wanted = desired_units(3, 11_500, 210)
    assert float(wanted) == pytest.approx(164.2857142857, abs=1e-6)
    assert float(wanted - 150) == pytest.approx(14.2857142857, abs=1e-6)


def test_bull_token_triggers_near_the_move_ftx_published() -> None:
    """A03: 'roughly 11.15%' down for |L| = 4 from 3, tolerance 0.06 points; exactly -1/9."""
    assert float(move_to_leverage(3, 4)) == pytest.approx(-0.1115, abs=0.0006)
    assert move_to_leverage(3, 4) == Fraction(-1, 9)


@pytest.mark.parametrize(
    ("leverage", "bound", "move"),
    [
        (3, 4, Fraction(-1, 9)),
        (-3, 4, Fraction(1, 15)),
        (3, 2, Fraction(1, 3)),
        (-3, 2, Fraction(-1, 9)),
        (-1, Fraction(4, 3), Fraction(1, 7)),
    ],
)
def test_moves_to_a_bound_are_exact_and_drift_there(leverage: int, bound: Fraction, move: Fraction) -> None:
    """-11.11 %, +6.67 %, +33.3 %, -11.11 % by the ledger, and 14.29 % for -1 at 4/3."""
    assert move_to_leverage(leverage, bound) == move
    assert abs(drifted_leverage(leverage, move)) == bound


@pytest.mark.parametrize(("move", "leverage"), [(Fraction(-1, 10), 3.857), (Fraction(1, 10), 2.538)])
def test_long_three_drifts_as_on_the_ftx_march_12_page(move: Fraction, leverage: float) -> None:
    assert float(drifted_leverage(3, move)) == pytest.approx(leverage, abs=0.0005)


def test_creating_ten_thousand_of_a_three_times_token_buys_thirty_thousand_of_futures() -> None:
    """A12, FTX How Do Leveraged Tokens Work (360045965593)."""
    assert hedge_notional(3, 10_000) == 30_000


def test_gate_btc3l_after_five_percent_buys_thirty() -> None:
    """A15, Gate post 18769303: NAV 115, leverage 2.74 to 0.005, add 30, position 345."""
    fund = one_leg(cash=-20_000, lots=300, price=105)
    assert fund.equity_atoms == 11_500
    assert float(fund.leverage) == pytest.approx(2.74, abs=0.005)
    assert rebalance_notional(3, 100, Fraction(5, 100)) == 30
    assert 3 * fund.equity_atoms - fund.exposure_atoms == 3_000
    assert fund.exposure_atoms + 3_000 == 34_500


def test_gate_nav_is_the_last_nav_times_one_plus_three_times_the_change() -> None:
    """A49, Gate 44111: 1.0 and +4 % at 3x give 1.12, to 1e-12."""
    assert nav_after_move(Fraction(1), 3, Fraction(4, 100)) == Fraction(112, 100)


def test_amun_short_three_needs_minus_twelve_coins_for_four_tokens() -> None:
    """A48, Amun, How do leveraged tokens rebalance: -3 per token, -12 in all, to 1e-9."""
    assert desired_units(-3, 10_000, 10_000) == -3
    assert 4 * desired_units(-3, 10_000, 10_000) == -12


def test_up_and_down_tokens_both_buy_after_a_rise() -> None:
    """A51, Cheng and Madhavan 2009: 30 M + 60 M = 90 M after +5 % on 100 M each, to 0.001."""
    assert rebalance_notional(3, 100_000_000, Fraction(5, 100)) == 30_000_000
    assert rebalance_notional(-3, 100_000_000, Fraction(5, 100)) == 60_000_000
    assert aggregate_flow([(3, 100_000_000), (-3, 100_000_000)], Fraction(5, 100)) == 90_000_000


@pytest.mark.parametrize(
    ("leverage", "coefficient"),
    [(3, 6), (-3, 12), (2, 2), (-1, 2), (-2, 6), (5, 20), (-5, 30), (Fraction(1, 2), Fraction(-1, 4))],
)
def test_flow_coefficients_are_l_times_l_minus_one(leverage: Fraction, coefficient: Fraction) -> None:
    assert rebalance_notional(leverage, 1, 1) == coefficient


def test_three_times_is_wiped_out_by_a_third() -> None:
    assert wipe_out_move(3) == Fraction(-1, 3)
    assert wipe_out_move(-3) == Fraction(1, 3)
    assert nav_after_move(100, 3, wipe_out_move(3)) == 0


def test_lots_round_to_nearest_with_ties_to_even_towards_flat_or_away() -> None:
    assert [
        round_lots(x, Rounding.NEAREST) for x in (Fraction(5, 2), Fraction(7, 2), Fraction(-5, 2), Fraction(-13, 5))
    ] == [2, 4, -2, -3]
    assert [round_lots(x, Rounding.SMALLER) for x in (Fraction(5, 2), Fraction(-5, 2), Fraction(-2))] == [2, -2, -2]
    assert [round_lots(x, Rounding.LARGER) for x in (Fraction(5, 2), Fraction(-5, 2), Fraction(-2))] == [3, -3, -2]


def test_size_rounds_the_wished_position_not_the_order() -> None:
    assert position_for(3, 115, 10, 1) == 34  # 34.5, tie to even
    assert rebalance_lots(3, 115, 33, 10, 1) == 1
    with pytest.raises(ValueError, match="no leverage"):
        position_for(3, 0, 10, 1)


def test_upper_bound_is_crossed_strictly_beyond_for_a_long() -> None:
    """|L| = 4 at P = 1000 exactly for q = 1, C = -750; at P = 800/9 for q = 3, C = -200."""
    assert upper_trigger(-750, 1, 1, 4) == PriceTrigger(Direction.BELOW, 999)
    assert not one_leg(-750, 1, 1000).is_above(4)
    assert one_leg(-750, 1, 999).is_above(4)
    assert upper_trigger(-200, 3, 1, 4) == PriceTrigger(Direction.BELOW, 88)


def test_upper_bound_is_crossed_strictly_beyond_for_a_short() -> None:
    """q = -1, C = 1250: |L| = P / (1250 - P) = 4 exactly at P = 1000."""
    assert upper_trigger(1250, -1, 1, 4) == PriceTrigger(Direction.ABOVE, 1001)
    assert not one_leg(1250, -1, 1000, -3).is_above(4)
    assert one_leg(1250, -1, 1001, -3).is_above(4)


def test_lower_bound_is_crossed_strictly_beneath() -> None:
    """|L| = 2 at P = 1000 for a long q = 1, C = -500 (falls above) and a short q = -1, C = 1500 (falls below)."""
    assert lower_trigger(-500, 1, 1, 2) == PriceTrigger(Direction.ABOVE, 1001)
    assert lower_trigger(1500, -1, 1, 2) == PriceTrigger(Direction.BELOW, 999)
    assert not one_leg(-500, 1, 1000).is_beneath(2)
    assert one_leg(-500, 1, 1001).is_beneath(2)


def test_no_trigger_where_no_price_does_it() -> None:
    assert upper_trigger(100, 1, 1, 2) is None  # a long below one times never reaches two
    assert upper_trigger(0, 1, 1, 2) is None  # exactly one times at every price
    assert upper_trigger(100, 0, 1, 2) is None  # no position
    assert upper_trigger(-1, 1, 2, 4) is None  # the only such prices are below one tick
    assert fall_trigger(1, Fraction(1, 10)) is None


def test_moves_since_a_reset_trigger_strictly_beyond() -> None:
    assert rise_trigger(1000, Fraction(15, 100)) == PriceTrigger(Direction.ABOVE, 1151)
    assert fall_trigger(1000, Fraction(15, 100)) == PriceTrigger(Direction.BELOW, 849)
    assert rise_trigger(1001, Fraction(15, 100)).ticks == 1152  # 1151.15


def test_a_trigger_knows_the_prices_past_it() -> None:
    assert PriceTrigger(Direction.ABOVE, 10).is_reached(10)
    assert not PriceTrigger(Direction.ABOVE, 10).is_reached(Fraction(19, 2))
    assert PriceTrigger(Direction.BELOW, 10).is_reached(Fraction(19, 2))


@settings(derandomize=True, deadline=None)
@given(
    cash=st.integers(-(10**6), 10**6),
    lots=st.integers(-300, 300),
    atoms=st.integers(1, 7),
    bound=st.fractions(Fraction(1, 4), 8, max_denominator=20),
    price=st.integers(1, 5_000),
)
def test_triggers_agree_with_the_leverage_at_every_tick(
    cash: int, lots: int, atoms: int, bound: Fraction, price: int
) -> None:
    """The trigger is reached at a price exactly when leverage there is strictly beyond, wherever price matters."""
    fund = one_leg(cash, lots, price, atoms=atoms)
    upper, lower = upper_trigger(cash, lots, atoms, bound), lower_trigger(cash, lots, atoms, bound)
    flat = abs(lots) == bound * lots
    if upper is not None:
        assert upper.is_reached(price) == fund.is_above(bound)
    elif not flat:
        assert not fund.is_above(bound)
    if lower is not None and fund.equity_atoms > 0:
        assert lower.is_reached(price) == fund.is_beneath(bound)
    elif not flat:
        assert not fund.is_beneath(bound)


def test_a_basket_counts_gross_exposure_against_bands_and_net_leverage_with_a_sign() -> None:
    fund = Holding(-100, (Leg("BTC-PERP", Fraction(3), 3, 100, 1), Leg("ETH-PERP", Fraction(-1), -10, 10, 1)))
    assert fund.equity_atoms == 100
    assert fund.leverage == 2
    assert fund.gross_leverage == 4
    assert fund.leg_leverage(fund.legs[1]) == -1
    assert fund.is_above(Fraction(399, 100))
    assert not fund.is_above(4)


def test_a_fund_without_equity_has_no_leverage_and_is_beyond_every_upper_bound() -> None:
    fund = one_leg(-1000, 1, 900)
    assert fund.leverage is None
    assert fund.gross_leverage is None
    assert fund.leg_leverage(fund.legs[0]) is None
    assert fund.is_above(100)
    assert not fund.is_beneath(100)
