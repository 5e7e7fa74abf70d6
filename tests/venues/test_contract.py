"""Contracts: payoffs by hand, and worlds that cannot exist."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.venues.contract import contract_faults, trading_fee_atoms
from marketsim.venues.payoffs import (
    cash_after_fill_atoms,
    equity_atoms,
    inverse_profit,
    linear_profit,
    notional_atoms,
    quanto_profit,
)


def test_payoffs_of_the_three_kinds_of_contract() -> None:
    """From 100 to 110 two coins earn 20, 1,000 USD of inverse 1,000 (1/100 - 1/110) coins; a quanto dollar 1e-6 XBT."""
    assert linear_profit(2, 100, 110) == 20
    assert linear_profit(-2, 100, 110) == -20
    assert inverse_profit(1_000, 100, 110) == Fraction(10, 11)
    assert inverse_profit(-100, 100, 110, contract_size=10) == Fraction(-10, 11)
    assert quanto_profit(500, Fraction(1, 10**6), 200, 210) == Fraction(1, 200)


def test_notional_has_no_side() -> None:
    """0.5 BTC at 30,000 USDT is 15,000 USDT whichever way."""
    assert notional_atoms(-500, 300_000, 10_000) == notional_atoms(500, 300_000, 10_000) == 15_000 * 10**8


@settings(deadline=None, derandomize=True)
@given(
    st.integers(-(10**14), 10**14), st.integers(-(10**5), 10**5), st.integers(-(10**5), 10**5), st.integers(1, 10**6)
)
def test_a_fill_at_mark_never_changes_equity(cash: int, held: int, lots: int, mark: int) -> None:
    after = cash_after_fill_atoms(cash, lots, mark, 10_000)
    assert equity_atoms(after, held + lots, mark, 10_000) == equity_atoms(cash, held, mark, 10_000)


def test_fees_are_cut_to_whole_atoms_and_a_rebate_is_rounded_against_the_maker() -> None:
    assert trading_fee_atoms(19_999, 50_000) == 9
    assert trading_fee_atoms(19_999, -20_000) == -4
    assert trading_fee_atoms(19_999, 0) == 0


def test_a_possible_contract_has_no_faults() -> None:
    assert contract_faults(Decimal("0.1"), Decimal("0.001"), Decimal(30_000), Decimal(10_000)) == ()


def test_each_impossible_contract_is_named() -> None:
    too_fine = contract_faults(Decimal("0.00001"), Decimal("0.0001"), Decimal(30_000), Decimal(1))
    assert len(too_fine) == 1
    assert "tick x lot is not a whole number of atoms" in too_fine[0]
    below_tick = contract_faults(Decimal("0.1"), Decimal(1), Decimal("0.05"), Decimal(1))
    assert below_tick == ("the opening price 0.05 is below one tick of 0.1; take a finer tick",)
    too_large = contract_faults(Decimal("0.1"), Decimal("0.001"), Decimal(30_000), Decimal(10**7))
    assert len(too_large) == 1
    assert "leaves a 64-bit account" in too_large[0]
    assert "above zero" in contract_faults(Decimal(0), Decimal(1), Decimal(1), Decimal(1))[0]
