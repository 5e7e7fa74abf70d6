"""Funding: impact prices and the rate by hand, and payments that leave nothing over."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.venues.funding import (
    atoms_per_lot,
    average_premium,
    funding_rate,
    impact_price,
    payment_atoms,
    premium_index,
    premium_of_sums,
)

exactly = settings(deadline=None, derandomize=True)
rates = st.fractions(Fraction(-3, 1_000), Fraction(3, 1_000))
BPS = Fraction(1, 10_000)


def test_impact_price_is_the_notional_over_the_lots_it_buys() -> None:
    """100 lots at 1000 and 50 more of the 100 at 1020: 151,000 tick-lots for 150 lots."""
    assert impact_price([(1_000, 100), (1_020, 100)], 151_000) == Fraction(151_000, 150)


def test_impact_price_inside_the_best_level_is_the_best_price() -> None:
    assert impact_price([(1_000, 100), (1_020, 100)], 1_000) == 1_000
    assert impact_price([(1_000, 100)], 100_000) == 1_000


def test_a_side_too_thin_for_the_impact_notional_has_no_impact_price_and_no_premium() -> None:
    assert impact_price([(1_000, 100)], 100_001) is None
    assert impact_price([], 1) is None
    assert premium_index(None, 1_020, 1_000) == 0
    assert premium_index(None, 990, 1_000) == Fraction(-1, 100)
    assert premium_index(None, None, 1_000) == 0


def test_averages_weigh_later_samples_more_or_all_alike() -> None:
    samples = [Fraction(1), Fraction(2), Fraction(6)]
    assert average_premium(samples, "linear") == premium_of_sums(9, 23, 3) == Fraction(1 + 4 + 18, 6)
    assert average_premium(samples, "equal") == premium_of_sums(9, 23, 3, "equal") == 3
    assert average_premium([]) == 0


def test_a_rate_beyond_the_damper_is_premium_less_damper_and_never_beyond_the_cap() -> None:
    """Interest 1 bp, damper 5 bps, cap 30 bps: a premium of 20 bps pays 15 bps; of 100 bps, the cap."""
    assert funding_rate(20 * BPS, BPS, 5 * BPS, 30 * BPS) == 15 * BPS
    assert funding_rate(100 * BPS, BPS, 5 * BPS, 30 * BPS) == 30 * BPS
    assert funding_rate(-100 * BPS, BPS, 5 * BPS, 30 * BPS) == -30 * BPS
    assert funding_rate(0, BPS, 5 * BPS, 30 * BPS) == BPS


def test_a_lot_at_thirty_thousand_usdt_pays_one_bp_of_its_thirty_usdt() -> None:
    assert atoms_per_lot(BPS, 300_000, 10_000) == 300_000  # 0.003 USDT


@exactly
@given(rates, st.integers(1, 10**7), st.integers(1, 10**5))
def test_the_side_that_pays_and_the_side_that_receives_are_rounded_alike(rate: Fraction, mark: int, atoms: int) -> None:
    assert atoms_per_lot(-rate, mark, atoms) == -atoms_per_lot(rate, mark, atoms)
    assert abs(atoms_per_lot(rate, mark, atoms) - rate * mark * atoms) <= Fraction(1, 2)


@exactly
@given(rates, st.integers(1, 10**7), st.lists(st.integers(-(10**6), 10**6), min_size=1))
def test_funding_payments_sum_to_zero_over_all_accounts(rate: Fraction, mark: int, positions: list[int]) -> None:
    closed = [*positions, -sum(positions)]  # every long lot is somebody's short lot
    per_lot = atoms_per_lot(rate, mark, 10_000)
    assert sum(payment_atoms(lots, per_lot) for lots in closed) == 0


@exactly
@given(
    st.lists(
        st.tuples(st.integers(1, 1_000), st.integers(1, 100)), min_size=1, max_size=8, unique_by=lambda level: level[0]
    ),
    st.integers(1, 50_000),
)
def test_impact_price_lies_between_the_best_and_the_worst_level(levels: list[tuple[int, int]], notional: int) -> None:
    price = impact_price(sorted(levels), notional)
    worth = sum(ticks * lots for ticks, lots in levels)
    assert (price is None) == (worth < notional)
    if price is not None:
        assert min(levels)[0] <= price <= max(levels)[0]
