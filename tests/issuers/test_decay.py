"""The decay ledger by hand: terms, residual, splits, what is null."""

from decimal import Decimal
from fractions import Fraction
from math import log

import pytest

from marketsim.issuers.books.decay import DecayLedger, TokenSnapshot, log_ratio, variance_term
from marketsim.issuers.fund.token import LegTerms

LEG = LegTerms("BTC-PERP", Fraction(3), Decimal("0.1"), 10_000)
SHORT_LEG = LegTerms("ETH-PERP", Fraction(-1), Decimal("0.01"), 10_000)


def standing(t_ns: int, worth: str, mark: int, **others: int) -> TokenSnapshot:
    marks = {"BTC-PERP": mark, **{name.replace("_", "-"): ticks for name, ticks in others.items()}}
    return TokenSnapshot(t_ns, Fraction(worth), marks)


@pytest.mark.parametrize(("target", "coefficient"), [(3, -3.0), (-3, -6.0), (2, -1.0), (-1, -1.0), (1, 0.0)])
def test_variance_costs_half_of_b_squared_less_b(target: int, coefficient: float) -> None:
    """docs/products.md#volatility-decay: the half coefficient is 3 for +3 and 6 for -3; -1 loses too, 1 does not."""
    assert variance_term(Fraction(target), 1.0) == coefficient


def test_one_move_of_ten_percent_is_beta_variance_and_a_residual_of_third_order() -> None:
    """+10 % at 3x: ln 1.3 = 3 ln 1.1 - 3 (ln 1.1)^2 + 0.003686, typed in from 0.262364 - 0.285931 + 0.027252."""
    ledger = DecayLedger("UP", (LEG,), lambda: 0, standing(0, "1", 300_000))
    row = ledger.cut(standing(60, "1.3", 330_000))
    assert (row.t0_ns, row.t1_ns) == (0, 60)
    assert row.log_return == pytest.approx(0.26236426446749106, rel=1e-15)
    assert row.beta_term == pytest.approx(0.28593053941297, rel=1e-13)
    assert row.variance_term == pytest.approx(-0.02725209111, rel=1e-9)
    assert row.residual == pytest.approx(0.00368581616, rel=1e-8)


def test_the_way_between_two_resets_costs_nothing_and_each_reset_begins_a_new_move() -> None:
    """100 -> 110 -> 100 without a reset: nothing; with one at 110: (ln 1.1)^2 twice, 0.0181680607."""
    still = DecayLedger("UP", (LEG,), lambda: 0, standing(0, "1", 100_000))
    first = still.cut(standing(30, "1.3", 110_000))  # an interval may end between resets
    assert first.variance_term == pytest.approx(-3 * 0.00908403037, rel=1e-9)
    assert still.cut(standing(60, "1", 100_000)).variance_term == pytest.approx(3 * 0.00908403037, rel=1e-9)
    reset = DecayLedger("UP", (LEG,), lambda: 0, standing(0, "1", 100_000))
    reset.reset({"BTC-PERP": 110_000})
    assert reset.cut(standing(60, "1", 100_000)).variance_term == pytest.approx(-3 * 0.0181680607, rel=1e-8)


def test_two_hundred_steps_of_one_percent_have_the_variance_of_their_logs() -> None:
    """163 rises and 28 falls of 1 %, a reset at each: 163 x .0000990091 + 28 x .0001010093 = .0189667, not .0191."""
    ledger = DecayLedger("UP", (LEG,), lambda: 0, standing(0, "1", 10**12))
    mark = 10**12
    for k in range(191):
        mark = mark * (101 if k < 163 else 99) // 100
        ledger.reset({"BTC-PERP": mark})
    assert ledger.cut(standing(60, "1", mark)).variance_term == pytest.approx(-3 * 0.0189667397, rel=1e-8)


def test_a_fund_is_measured_while_it_has_units() -> None:
    """Founded at 110, up a tenth and emptied at 121: 3 ln 1.1 of beta; before and after it is no one's."""
    empty = standing(0, "1", 100_000)
    ledger = DecayLedger("UP", (LEG,), lambda: 1_000, empty, ended=empty)
    ledger.enter("cost", -10)
    assert ledger.cut(standing(10, "1", 105_000)).beta_term == 0.0
    ledger.begin(standing(0, "1", 110_000))
    ledger.end(standing(0, "1.3", 121_000))
    ledger.enter("cost", -10)  # of the last hedge: the issuer's
    ledger.reset({"BTC-PERP": 100_000})  # an order that was in work ends
    row = ledger.cut(standing(60, "1", 90_000))
    assert (row.t0_ns, row.t1_ns, row.cost_term) == (10, 60, 0.0)
    assert row.beta_term == pytest.approx(3 * log(1.1), rel=1e-12)
    assert row.log_return == pytest.approx(log(1.3), rel=1e-12)
    assert row.variance_term == pytest.approx(-0.02725209111, rel=1e-9)
    after = ledger.cut(standing(90, "1", 80_000))
    assert (after.log_return, after.beta_term, after.variance_term) == (0.0, 0.0, 0.0)


def test_payments_are_logs_of_what_they_left_of_the_equity() -> None:
    """1 % paid out of 1000, then 90 received on 990: ln(990/1000), ln(1080/990)."""
    equity = [990, 1080]
    ledger = DecayLedger("UP", (LEG,), lambda: equity[0], standing(0, "1", 300_000))
    ledger.enter("fee", -10)
    equity.pop(0)
    ledger.enter("funding", 90)
    row = ledger.cut(standing(60, "1.08", 300_000))
    assert row.fee_term == pytest.approx(log(0.99), rel=1e-14)
    assert row.funding_term == pytest.approx(log(1080 / 990), rel=1e-14)
    assert row.cost_term == 0.0
    assert row.residual == pytest.approx(0.0, abs=1e-15)


def test_a_fee_taken_in_new_units_is_old_over_new_supply() -> None:
    ledger = DecayLedger("UP", (LEG,), lambda: 1_000, standing(0, "1", 300_000))
    ledger.multiply("fee", 1_000 / 1_001)
    row = ledger.cut(TokenSnapshot(60, Fraction(1_000, 1_001), {"BTC-PERP": 300_000}))
    assert row.fee_term == pytest.approx(log(1_000 / 1_001), rel=1e-12)
    assert row.residual == pytest.approx(0.0, abs=1e-15)


def test_the_next_interval_begins_with_nothing_paid() -> None:
    ledger = DecayLedger("UP", (LEG,), lambda: 990, standing(0, "1", 300_000))
    ledger.enter("cost", -10)
    assert ledger.cut(standing(60, "0.99", 300_000)).cost_term == pytest.approx(log(0.99), rel=1e-14)
    row = ledger.cut(standing(120, "0.99", 300_000))
    assert (row.t0_ns, row.cost_term, row.log_return, row.residual) == (60, 0.0, 0.0, 0.0)


def test_a_token_without_worth_has_no_log_return_and_no_residual() -> None:
    ledger = DecayLedger("UP", (LEG,), lambda: -5, standing(0, "1", 300_000))
    ledger.enter("cost", -10)  # nothing is left of which it could be a share
    row = ledger.cut(standing(60, "0", 190_000))
    assert (row.log_return, row.residual, row.cost_term) == (None, None, 0.0)
    assert row.beta_term == pytest.approx(3 * log(19 / 30), rel=1e-14)
    assert ledger.cut(standing(120, "0", 190_000)).log_return is None


def test_a_basket_sums_its_legs_and_leaves_its_covariances_to_the_residual() -> None:
    ledger = DecayLedger("PAIR", (LEG, SHORT_LEG), lambda: 0, standing(0, "1", 300_000, ETH_PERP=200_000))
    row = ledger.cut(standing(60, "1.2", 330_000, ETH_PERP=220_000))
    assert row.variance_term is None
    assert row.beta_term == pytest.approx(2 * log(1.1), rel=1e-14)
    assert row.residual == pytest.approx(log(1.2) - 2 * log(1.1), rel=1e-12)


def test_a_ratio_has_a_logarithm_only_between_positive_numbers() -> None:
    assert log_ratio(0, 1) is None
    assert log_ratio(1, Fraction(0)) is None
    assert log_ratio(-1.0, 1.0) is None
    assert log_ratio(1, 1) == 0.0
