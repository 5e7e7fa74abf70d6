"""The decay ledger by hand: terms, residual, splits, what is null."""

from decimal import Decimal
from fractions import Fraction
from math import log

import pytest

from marketsim.issuers.books.decay import DecayLedger, TokenSnapshot, log_ratio, variance_term
from marketsim.issuers.fund.token import LegTerms

LEG = LegTerms("BTC-PERP", Fraction(3), Decimal("0.1"), 10_000)
SHORT_LEG = LegTerms("ETH-PERP", Fraction(-1), Decimal("0.01"), 10_000)


def standing(t_ns: int, worth: str, mark: int, variance: float = 0.0, **others: int) -> TokenSnapshot:
    marks = {"BTC-PERP": mark, **{name.replace("_", "-"): ticks for name, ticks in others.items()}}
    return TokenSnapshot(t_ns, Fraction(worth), marks, dict.fromkeys(marks, variance))


@pytest.mark.parametrize(("target", "coefficient"), [(3, -3.0), (-3, -6.0), (2, -1.0), (-1, -1.0), (1, 0.0)])
def test_variance_costs_half_of_b_squared_less_b(target: int, coefficient: float) -> None:
    """docs/products.md#volatility-decay: the half coefficient is 3 for +3 and 6 for -3; -1 loses too, 1 does not."""
    assert variance_term(Fraction(target), 1.0) == coefficient


def test_one_move_of_ten_percent_is_beta_variance_and_a_residual_of_third_order() -> None:
    """+10 % at 3x: ln 1.3 = 3 ln 1.1 - 3 x 0.01 + 0.006434..., typed in from 0.262364 - 0.285931 + 0.03."""
    ledger = DecayLedger("UP", (LEG,), lambda: 0, standing(0, "1", 300_000))
    row = ledger.cut(standing(60, "1.3", 330_000, 0.01))
    assert (row.t0_ns, row.t1_ns) == (0, 60)
    assert row.log_return == pytest.approx(0.26236426446749106, rel=1e-15)
    assert row.beta_term == pytest.approx(0.28593053941297, rel=1e-13)
    assert row.variance_term == pytest.approx(-0.03, rel=1e-15)
    assert row.residual == pytest.approx(0.00643372505452, rel=1e-10)


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
    row = ledger.cut(TokenSnapshot(60, Fraction(1_000, 1_001), {"BTC-PERP": 300_000}, {"BTC-PERP": 0.0}))
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
    row = ledger.cut(standing(60, "0", 190_000, 0.1))
    assert (row.log_return, row.residual, row.cost_term) == (None, None, 0.0)
    assert row.beta_term == pytest.approx(3 * log(19 / 30), rel=1e-14)
    assert ledger.cut(standing(120, "0", 190_000, 0.1)).log_return is None


def test_a_basket_sums_its_legs_and_leaves_its_covariances_to_the_residual() -> None:
    ledger = DecayLedger("PAIR", (LEG, SHORT_LEG), lambda: 0, standing(0, "1", 300_000, ETH_PERP=200_000))
    row = ledger.cut(standing(60, "1.2", 330_000, 0.01, ETH_PERP=220_000))
    assert row.variance_term is None
    assert row.beta_term == pytest.approx(2 * log(1.1), rel=1e-14)
    assert row.residual == pytest.approx(log(1.2) - 2 * log(1.1), rel=1e-12)


def test_a_ratio_has_a_logarithm_only_between_positive_numbers() -> None:
    assert log_ratio(0, 1) is None
    assert log_ratio(1, Fraction(0)) is None
    assert log_ratio(-1.0, 1.0) is None
    assert log_ratio(1, 1) == 0.0
