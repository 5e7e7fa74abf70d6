"""Margin: the table of tiers, and the exact price at which an account falls below maintenance."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from marketsim.units import Money
from marketsim.venues.margin import (
    TIER_TABLES,
    UNLIMITED,
    MarginSpec,
    TierSpec,
    TierTable,
    bankruptcy_price_ticks,
    initial_margin_atoms,
    is_below_maintenance,
    liquidation_price,
    liquidation_trigger_ticks,
    maintenance_margin_atoms,
    margin_ratio,
    next_deduction,
    tier_faults,
    tier_table,
)

ATOMS = 10**8
PRINTED = TIER_TABLES["binance_btcusdt_2024"]
BTC = tier_table(PRINTED)


def atom_tiers(*rows: tuple[int, int, str]) -> tuple[TierSpec, ...]:
    """Tiers whose caps are counted in atoms."""
    return tuple(
        TierSpec(up_to=Money(Decimal(cap) / ATOMS, "USDT"), max_leverage=Decimal(leverage), maintenance=Decimal(rate))
        for cap, leverage, rate in rows
    )


# caps within a few hundred ticks of each other, so that a scan over ticks crosses all tiers
STEEP = tier_table(atom_tiers((1_000, 20, "0.025"), (3_000, 10, "0.05"), (10_000, 4, "0.125"), (40_000, 1, "0.5")))
exactly = settings(deadline=None, derandomize=True, max_examples=300)
tables = st.sampled_from([BTC, UNLIMITED, STEEP])
whole_lots = st.integers(-50, 50).filter(bool)


def test_deductions_of_the_2024_table_are_the_published_ones() -> None:
    """Binance BTCUSDT, October 2024, column `cum` [USDT] of github.com/freqtrade/freqtrade@c9ae5e1
    (docs/venues.md#margin-tiers)."""
    published = [0, 50, 950, 11_450, 131_450, 481_450, 2_981_450, 14_481_450, 26_481_450]
    published += [41_481_450, 121_481_450, 421_481_450]
    assert [tier.deduction for tier in BTC] == published


def test_rates_and_leverages_of_the_2024_table_are_the_published_ones() -> None:
    rates = ["0.004", "0.005", "0.0065", "0.01", "0.02", "0.025", "0.05", "0.1", "0.125", "0.15", "0.25", "0.5"]
    assert [tier.maintenance_rate for tier in BTC] == [Fraction(rate) for rate in rates]
    assert [tier.max_leverage for tier in BTC] == [125, 100, 75, 50, 25, 20, 10, 5, 4, 3, 2, 1]
    assert BTC[-1].cap_atoms == 1_800_000_000 * ATOMS


def test_deductions_of_solusdt_follow_from_its_bounds_and_rates() -> None:
    """SOLUSDT 2024, docs/venues.md#margin-tiers: 20k .5%, 100k .65%/30, 800k 1%/380, 4m 2%/8,380, 8m 2.5%/28,380, 40m
    5%/228,380."""
    floors = [20_000, 100_000, 800_000, 4_000_000, 8_000_000]
    rates = [Fraction(rate) for rate in ("0.005", "0.0065", "0.01", "0.02", "0.025", "0.05")]
    deductions = [Fraction(0)]
    for floor, (below, rate) in zip(floors, pairwise(rates), strict=True):
        deductions.append(next_deduction(floor, rate, below, deductions[-1]))
    assert deductions == [0, 30, 380, 8_380, 28_380, 228_380]


def test_named_tables_have_no_faults_and_serve_as_a_markets_tiers() -> None:
    assert [tier_faults(rows) for rows in TIER_TABLES.values()] == [()]
    assert tier_faults(()) == ()
    assert tier_table(MarginSpec(tiers=PRINTED).tiers) == BTC
    assert tier_table(MarginSpec().tiers) == UNLIMITED


def test_tiers_that_cannot_be_a_table_are_each_named() -> None:
    faults = tier_faults(atom_tiers((2_000, 10, "0.05"), (1_000, 10, "0.01"), (3_000, 50, "0.04")))
    assert faults == (
        "tier 2 ends at 0.00001; it must end above 0.00002",
        "tier 2 has maintenance 0.01; it must be 0.05 or more, below 1",
        "tier 3 allows leverage 50 at maintenance 0.04; an account opened with it would be below maintenance at once",
    )
    odd = tier_faults(atom_tiers((1_001, 20, "0.025"), (3_000, 10, "0.05")))
    assert odd == ("tier 2 would deduct 25.025 atoms; take a rounder notional or rate",)


def test_maintenance_and_initial_margin_of_a_million_usdt() -> None:
    """Tier 3 of the 2024 table: 1,000,000 x 0.65% - 950 = 5,550 USDT; 75x asks 13,333.33333334 USDT, rounded up."""
    assert maintenance_margin_atoms(1_000_000 * ATOMS, BTC) == 5_550 * ATOMS
    assert initial_margin_atoms(1_000_000 * ATOMS, BTC) == 1_333_333_333_334
    assert margin_ratio(5_550, 11_100) == Fraction(1, 2)
    assert margin_ratio(5_550, 0) is None


@exactly
@given(tables, st.integers(0, 3 * 10**17), st.integers(0, 10**13))
def test_maintenance_margin_never_falls_as_a_position_grows(table: TierTable, notional: int, more: int) -> None:
    smaller, larger = maintenance_margin_atoms(notional, table), maintenance_margin_atoms(notional + more, table)
    assert 0 <= smaller <= larger
    assert larger - smaller <= -(-more // 2)  # no jump: the steepest tier charges 50%


@exactly
@given(tables, st.integers(0, 3 * 10**17))
def test_maintenance_margin_is_the_largest_over_all_tiers(table: TierTable, notional: int) -> None:
    by_tier = [notional * tier.maintenance_parts // ATOMS - tier.deduction_atoms for tier in table]
    assert maintenance_margin_atoms(notional, table) == max(by_tier)


@exactly
@given(tables, st.integers(-60_000, 60_000), whole_lots, st.integers(1, 7))
@example(STEEP, -1_000, 10, 1)
@example(STEEP, -1, 1, 1)
@example(UNLIMITED, 0, 1, 1)
@example(UNLIMITED, -1, 1, 1)
@example(STEEP, -5, -3, 2)
def test_trigger_is_what_a_scan_over_all_ticks_finds(table: TierTable, cash: int, lots: int, atoms: int) -> None:
    trigger = liquidation_trigger_ticks(cash, lots, atoms, table)
    below = [price for price in range(1, 4_000) if is_below_maintenance(cash, lots, price, atoms, table)]
    assume(trigger is None or trigger < 4_000)
    found = (max(below) if lots > 0 else min(below)) if below else None
    assert trigger == found
    if trigger is not None:  # everything beyond the trigger is below maintenance too
        assert below == (list(range(1, trigger + 1)) if lots > 0 else list(range(trigger, 4_000)))


@exactly
@given(
    st.sampled_from([BTC, UNLIMITED]),
    st.integers(1, 50_000_000),
    st.integers(1, 2_000_000),
    st.booleans(),
    st.integers(1, 150),
)
def test_trigger_is_exact_at_the_size_of_real_accounts(
    table: TierTable, lots: int, entry_ticks: int, is_long: bool, leverage: int
) -> None:
    atoms = 10_000  # 0.1 USDT x 0.001 BTC
    position = lots if is_long else -lots
    cash = lots * entry_ticks * atoms // leverage - position * entry_ticks * atoms
    trigger = liquidation_trigger_ticks(cash, position, atoms, table)
    if trigger is None:
        assert is_long
        assert not is_below_maintenance(cash, position, 1, atoms, table)
        return
    safe = trigger + 1 if is_long else trigger - 1
    assert is_below_maintenance(cash, position, trigger, atoms, table)
    assert safe == 0 or not is_below_maintenance(cash, position, safe, atoms, table)


@exactly
@given(st.integers(1, 20_000), st.integers(1_000, 100_000), st.booleans(), st.integers(1, 125))
def test_exact_liquidation_price_lies_at_the_trigger(size: int, entry: int, is_long: bool, leverage: int) -> None:
    """The exact price takes no floors: it stands within a tick of the first whole tick below maintenance."""
    signed = size if is_long else -size
    wallet = Fraction(size * entry, leverage)
    price = liquidation_price(wallet, signed, entry, BTC)
    cash = int(wallet * ATOMS) - signed * entry * ATOMS
    trigger = liquidation_trigger_ticks(cash, signed, ATOMS, BTC)  # one tick = 1 USDT, one lot = 1 BTC
    if price is None or trigger is None:
        assert is_long
        assert price is None or price <= 1
        return
    assert abs(price - trigger) <= 1 + Fraction(1, 1_000)


@exactly
@given(st.integers(1, 20_000), st.integers(1_000, 100_000), st.booleans(), st.integers(1, 125))
def test_liquidation_price_belongs_to_the_tier_of_its_own_notional(
    size: int, entry: int, is_long: bool, leverage: int
) -> None:
    signed = size if is_long else -size
    price = liquidation_price(Fraction(size * entry, leverage), signed, entry, BTC)
    assume(price is not None)
    assert price is not None
    notional = size * price
    rate_and_cum = next(
        (tier.maintenance_rate, tier.deduction)
        for tier in BTC
        if notional * ATOMS <= (tier.cap_atoms or 0) or tier is BTC[-1]
    )
    equity = Fraction(size * entry, leverage) + signed * (price - entry)
    assert equity == notional * rate_and_cum[0] - rate_and_cum[1]


@exactly
@given(st.integers(-(10**15), 10**15), whole_lots, st.integers(1, 10**6))
def test_equity_is_zero_exactly_at_the_bankruptcy_price(cash: int, lots: int, atoms: int) -> None:
    price = bankruptcy_price_ticks(cash, lots, atoms)
    assert price is not None
    assert cash + lots * price * atoms == 0


@exactly
@given(st.integers(1, 10**6), st.integers(100, 10**6), st.booleans(), st.integers(1, 125))
def test_an_account_falls_below_maintenance_before_it_is_bankrupt(
    lots: int, entry: int, is_long: bool, leverage: int
) -> None:
    atoms, position = 10_000, lots if is_long else -lots
    cash = lots * entry * atoms // leverage - position * entry * atoms
    trigger, bankruptcy = (
        liquidation_trigger_ticks(cash, position, atoms, BTC),
        bankruptcy_price_ticks(cash, position, atoms),
    )
    assert bankruptcy is not None
    if trigger is None:
        assert bankruptcy <= 1
    else:
        assert trigger >= bankruptcy - 1 if is_long else trigger <= bankruptcy + 1


def test_a_long_paid_in_full_survives_any_price_and_one_a_dollar_short_of_it_does_not() -> None:
    """A coin bought at 30,000: nothing left but the coin, or a dollar owed: 1 / (1 - .004) in the lowest tier."""
    assert liquidation_price(40_000, 1, 30_000, BTC) is None
    assert liquidation_price(30_000, 1, 30_000, BTC) is None
    assert liquidation_price(29_999, 1, 30_000, BTC) == Fraction(1000, 996)
    assert liquidation_price(29_999, 1, 30_000, BTC, other_profit=1) is None
    assert liquidation_price(30_000, 1, 30_000, BTC, other_maintenance=1) == Fraction(1000, 996)


def test_the_lowest_trigger_is_a_tick() -> None:
    """A lot of 10,000 atoms a tick needs 40 at one tick; 9,961 owed leave 39, 9,960 leave 40."""
    assert liquidation_trigger_ticks(-9_961, 1, 10_000, BTC) == 1
    assert liquidation_trigger_ticks(-9_960, 1, 10_000, BTC) is None
    assert liquidation_trigger_ticks(0, 1, 10_000, BTC) is None
    assert liquidation_trigger_ticks(0, -1, 10_000, BTC) == 1


def test_no_position_has_no_trigger_and_no_bankruptcy_price() -> None:
    assert liquidation_trigger_ticks(-5, 0, 10_000, BTC) is None
    assert bankruptcy_price_ticks(-5, 0, 10_000) is None
    assert liquidation_price(100, 0, 30_000, BTC) is None
