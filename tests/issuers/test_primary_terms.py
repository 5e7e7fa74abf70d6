"""Creation and redemption by formula: what issuers published, and what rounding may and may not do."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import KernelError
from marketsim.issuers import random_draws
from marketsim.issuers.fees.management import ManagementFeeSpec, dilution_lots, management_fee_atoms, rate_of_charge
from marketsim.issuers.fund.holdings import HoldingsRegister, check_supply
from marketsim.issuers.life_cycle.unit_conversion import convert_units
from marketsim.issuers.primary_market.caps import DailyCapSpec, DayCount, RealisedVolatility, cap_atoms
from marketsim.issuers.primary_market.terms import (
    PrimarySpec,
    creation,
    gross_for,
    hedge_lots,
    primary_fee_atoms,
    redemption,
    share_lots,
)

ATOMS = 10**8
DAY = 86_400 * 10**9


def test_a_creation_of_ten_thousand_buys_three_times_as_much_as_ftx_published() -> None:
    """A12, FTX 360045965593: 10,000 USD into a 3x token buys 30,000 USD of futures; redemption sells the same."""
    lots = hedge_lots(3, 10_000 * ATOMS, 1, ATOMS)  # a price of 1 USD a lot
    assert lots == 30_000
    assert hedge_lots(3, -10_000 * ATOMS, 1, ATOMS) == -30_000


@pytest.mark.parametrize(
    ("units", "price", "rate", "fee"),
    [
        (200, 7, "0.0005", "0.7"),  # A22, Bybit help 000001481, subscription
        (100, 10, "0.0005", "0.5"),  # A23, the same, redemption
        (200, 7, "0.001", "1.4"),  # A24, Bybit help 4417792107801, subscription
        (100, 10, "0.001", "1.0"),  # A25, the same, redemption
    ],
)
def test_fees_are_those_bybit_published(units: int, price: int, rate: str, fee: str) -> None:
    assert primary_fee_atoms(units * price * ATOMS, Decimal(rate)) == int(Decimal(fee) * ATOMS)
    deal = redemption(units, price * ATOMS, Decimal(rate))
    assert (deal.cash_atoms, deal.fee_atoms) == (units * price * ATOMS, int(Decimal(fee) * ATOMS))


def test_management_fee_is_the_one_bybit_published() -> None:
    """A26, Bybit help 000001481: 200 tokens of NAV 10 at 0.005 % a day cost 0.1."""
    assert management_fee_atoms(200 * 10 * ATOMS, Decimal("0.00005")) == ATOMS // 10


def test_ten_basis_points_of_the_cash_are_the_fee_and_the_rest_buys_units() -> None:
    """1,000 USDT at NAV 99.9, 10 bps: fee 1, net 999, 10 tokens of 10,000 lots."""
    deal = creation(1_000 * ATOMS, Fraction(999 * ATOMS, 10 * 10_000), Decimal("0.001"))
    assert (deal.units_lots, deal.cash_atoms, deal.fee_atoms) == (100_000, 1_000 * ATOMS, ATOMS)


def test_cash_beyond_whole_lots_stays_with_the_client() -> None:
    """100.50 buys one lot of 100; only 100 is taken."""
    deal = creation(10_050_000_000, 100 * ATOMS, 0)
    assert (deal.units_lots, deal.cash_atoms, deal.fee_atoms) == (1, 100 * ATOMS, 0)
    assert creation(99 * ATOMS, 100 * ATOMS, 0).units_lots == 0


@given(
    cash=st.integers(1, 10**16),
    price=st.fractions(Fraction(1, 1000), 10**12, max_denominator=10**9),
    rate=st.integers(0, 10**7),
)
def test_a_creation_takes_no_more_than_was_offered_and_the_fund_no_less_than_the_units_are_worth(
    cash: int, price: Fraction, rate: int
) -> None:
    share = Fraction(rate, 10**8)
    deal = creation(cash, price, share)
    assert 0 <= deal.cash_atoms <= cash
    assert deal.fee_atoms == primary_fee_atoms(deal.cash_atoms, share)
    assert 0 <= deal.net_atoms - deal.units_lots * price < 1
    assert (deal.units_lots + 1) * price > cash - primary_fee_atoms(cash, share)


@given(offered=st.integers(1, 10**16), less=st.integers(0, 10**6), rate=st.integers(0, 10**7))
def test_gross_cash_leaves_exactly_the_net_sum_it_is_for(offered: int, less: int, rate: int) -> None:
    share = Fraction(rate, 10**8)
    net = max(offered - primary_fee_atoms(offered, share) - less, 0)
    gross = gross_for(net, share, offered)
    assert gross - primary_fee_atoms(gross, share) == net
    assert gross <= offered


def test_a_share_in_kind_is_to_the_nearest_lot() -> None:
    assert share_lots(5_000_001, 1, 10) == 500_000
    assert share_lots(-7, 1, 2) == -4  # ties to even


@pytest.mark.parametrize(
    ("nav", "units", "ratio", "nav_after", "units_after"),
    [
        ("0.03", 1_000, 10, "0.3", 100),  # A31, MEXC merge below 0.1
        ("0.03", 1_000, 50, "1.5", 20),  # A32, Pionex merge below 0.05
        ("0.05", 1_000, 10, "0.5", 100),  # A50, KuCoin
    ],
)
def test_a_merge_keeps_the_value_as_published(
    nav: str, units: int, ratio: int, nav_after: str, units_after: int
) -> None:
    swap = convert_units({1: units}, ratio, Fraction(nav) * ATOMS)
    assert swap.lots == {1: units_after}
    assert swap.paid_atoms == 0
    assert Fraction(nav) * ratio == Fraction(nav_after)
    assert units_after * Fraction(nav_after) == units * Fraction(nav)


@given(
    units=st.dictionaries(st.integers(0, 50), st.integers(0, 10**15), min_size=1),
    ratio=st.integers(2, 10**5),
    lot_value=st.fractions(Fraction(1, 10**6), 10**10, max_denominator=10**9),
)
def test_an_exchange_keeps_every_holders_worth_to_the_atom(
    units: dict[int, int], ratio: int, lot_value: Fraction
) -> None:
    swap = convert_units(units, ratio, lot_value)
    for account, lots in units.items():
        worth = swap.lots[account] * ratio * lot_value + swap.cash_atoms[account]
        assert 0 <= lots * lot_value - worth < 1
    assert 0 <= swap.rounding_atoms < len(units)
    left = sum(units.values()) * lot_value - swap.paid_atoms
    assert 0 <= left - swap.supply_lots * ratio * lot_value < 1


def test_units_are_created_moved_and_destroyed_and_never_lost() -> None:
    holdings = HoldingsRegister({7: 100})
    holdings.create(8, 50)
    holdings.move(7, 9, 30)
    holdings.destroy(8, 50)
    assert (holdings.units_of(7), holdings.units_of(8), holdings.free_of(9)) == (70, 0, 30)
    assert holdings.holders() == {7: 70, 9: 30}
    check_supply("T", 100, holdings)
    with pytest.raises(KernelError, match="have 100 lots, its supply is 99"):
        check_supply("T", 99, holdings)
    with pytest.raises(KernelError, match="holds 70 lots"):
        holdings.move(7, 8, 71)
    with pytest.raises(KernelError, match="cannot change by -1"):
        holdings.create(7, -1)
    assert holdings.total_lots == 100


def test_a_daily_cap_follows_volatility() -> None:
    """docs/products.md#primary-market: {base: 10 MUSDT, above_volatility: {100%/yr: 2 MUSDT}}."""
    spec = DailyCapSpec.model_validate(
        {"base": "10 MUSDT", "above_volatility": {"100%/yr": "2 MUSDT", "200%/yr": "500 kUSDT"}}
    )
    million = 10**6 * ATOMS
    assert [cap_atoms(spec, vol**2) for vol in (0.9, 1.0, 1.01, 2.5)] == [
        10 * million,
        10 * million,
        2 * million,
        million // 2,
    ]
    assert spec.model_dump(mode="json")["above_volatility"] == {"100%/yr": "2000000 USDT", "200%/yr": "500000 USDT"}


def test_volatility_is_measured_over_its_window_only() -> None:
    """1 % every 5 minutes for an hour is 0.01 sqrt(105,120) = 324 % a year; an hour later it is forgotten."""
    measured = RealisedVolatility(window_ns=3_600 * 10**9)
    price = 1_000_000
    for step in range(13):
        measured.add(step * 300 * 10**9, price)
        price = price * 101 // 100
    assert measured.variance() ** 0.5 == pytest.approx(0.01 * 105_120**0.5, rel=1e-3)
    for step in range(13, 26):
        measured.add(step * 300 * 10**9, price)
    assert measured.variance() == 0
    assert RealisedVolatility(1).variance() == 0


def test_a_day_is_a_day_of_utc() -> None:
    count = DayCount(start_ns=DAY // 2)
    count.add(0, "creation", 5, 100)
    count.add(DAY // 2 - 1, "creation", 6, 20)
    assert count.dealt_atoms(DAY // 2 - 1, "creation", -1) == 120
    assert count.dealt_atoms(DAY // 2 - 1, "creation", 5) == 100
    assert count.dealt_atoms(DAY // 2 - 1, "redemption", 5) == 0
    assert count.next_day_ns(0) == DAY // 2
    assert count.dealt_atoms(DAY // 2, "creation", -1) == 0


def test_a_yearly_rate_is_charged_in_parts() -> None:
    """FLI: 1.95 % a year streaming; by the hour that is 1.95 % / 8,760."""
    spec = ManagementFeeSpec.model_validate({"rate": "1.95%", "per": "year", "every": "1h", "mode": "dilution"})
    assert rate_of_charge(spec, spec.every) == Fraction(195, 10_000) / 8_760
    assert dilution_lots(999, Fraction(1, 1000)) == 1  # one new unit in a thousand


def test_a_primary_market_in_a_file_may_be_none_in_two_ways() -> None:
    from tests.issuers.fake_venue import token_spec

    assert token_spec(primary="none").primary is None
    assert token_spec(primary={"mode": "none"}).primary is None
    spec = token_spec(primary={"mode": "cash_nav", "daily_cap": "10 MUSDT", "supply_cap": 400_000, "minimum": "none"})
    assert isinstance(spec.primary, PrimarySpec)
    dumped = spec.model_dump(mode="json")["primary"]
    assert (dumped["daily_cap"], dumped["supply_cap"], dumped["minimum"]) == ("10000000 USDT", "400000", "none")
    assert type(spec).model_validate(spec.model_dump(mode="json")) == spec


def test_limits_are_said_one_by_one() -> None:
    capped = PrimarySpec.model_validate(
        {
            "mode": "cash_nav",
            "minimum": "10 USDT",
            "daily_cap": "1 MUSDT",
            "account_cap": "5 kUSDT",
            "supply_cap": "600000",
        }
    )
    assert list(capped._limits()) == [
        "at least 10 USDT",
        "at most 1000000 USDT a day",
        "5000 USDT a day and account",
        "600000 tokens in all",
    ]
    assert list(PrimarySpec.model_validate({"mode": "cash_nav"})._limits()) == []


def test_no_two_things_of_a_token_are_decided_by_one_draw() -> None:
    """A slice's key is its own plus the number of its leg, so nothing else may stand behind it."""
    keys = {name: value for name, value in vars(random_draws).items() if name.isupper()}
    assert len(set(keys.values())) == len(keys) == 6
    assert max(keys, key=keys.__getitem__) == "SLICE_TIME"
