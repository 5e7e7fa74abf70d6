import pytest

from marketsim.report import numbers


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12_345_678.0, "USDT", "12.3 MUSDT"),
        (999_999.0, "USDT", "1.00 MUSDT"),
        (450.25, "USDT", "450 USDT"),
        (-25_000.0, "USDT", "−25.0 kUSDT"),
        (0.25, "BTC", "0.250 BTC"),
        (0.0, "USDT", "0 USDT"),
        (3.2e9, "", "3.20 G"),
        (None, "USDT", "–"),
        (float("nan"), "USDT", "–"),
    ],
)
def test_an_amount_carries_its_prefix_before_the_currency(value, unit, text):
    assert numbers.scaled(value, unit) == text


@pytest.mark.parametrize(
    ("atoms", "text"),
    [
        (5_000_000_000_000, "50.00 kUSDT"),
        (150_000_000, "1.500 USDT"),
        (78, "78 atoms"),
        (-999_999, "−999,999 atoms"),
        (0, "0 USDT"),
        (None, "–"),
    ],
)
def test_money_below_a_cent_is_counted_in_atoms(atoms, text):
    assert numbers.money(atoms, "USDT") == text


def test_a_gain_carries_its_plus_where_asked_for():
    assert numbers.money(150_000_000, "USDT", sign=True) == "+1.500 USDT"
    assert numbers.money(-150_000_000, "USDT", sign=True) == "−1.500 USDT"


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0.00012, "1.20 bps"), (-0.00004, "−0.40 bps"), (0.02, "200 bps"), (1e-8, "0.0001 bps"), (0.0, "0.00 bps")],
)
def test_rates_read_in_basis_points(rate, text):
    assert numbers.bps(rate) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (259_200_000_000_000, "3 d"),
        (129_600_000_000_000, "1 d 12 h"),
        (270_000_000_000, "4 min 30 s"),
        (250_000_000, "250 ms"),
        (0, "0 s"),
        (None, "–"),
    ],
)
def test_durations_are_told_in_their_two_largest_units(ns, text):
    assert numbers.duration(ns) == text


def test_an_instant_is_told_in_utc_and_minus_one_is_no_instant():
    start_ns = 1_704_067_200_000_000_000  # 2024-01-01T00:00:00Z
    assert numbers.instant(86_520_000_000_000, start_ns) == "2 Jan 00:02:00"
    assert numbers.instant(-1, start_ns) == "–"
    assert numbers.instant(120_000_000_000, None) == "2 min"


def test_a_price_has_the_decimals_of_its_tick():
    assert numbers.price(27_693.8499, 0.1) == "27,693.8"
    assert numbers.price(1_234.0, 1.0) == "1,234"
    assert numbers.price(0.123456, 0.0001) == "0.1235"
    assert numbers.price(None, 0.1) == "–"


def test_counts_are_exact_until_they_are_long():
    assert (numbers.count(99_999), numbers.count(1_234_567), numbers.count(None)) == ("99,999", "1.23 M", "–")
