"""Units are exact in both directions, and what could be read in two ways is refused."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim import units
from marketsim.errors import UnitError
from marketsim.units import Money, Size

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("250ms", 250_000_000),
        ("5s", 5 * SECOND),
        ("2min", 120 * SECOND),
        ("8h", 28_800 * SECOND),
        ("3d", 259_200 * SECOND),
        ("1d12h", 129_600 * SECOND),
        ("1h 30min", 5_400 * SECOND),
        ("1.5s", 1_500_000_000),
        ("0.1ms", 100_000),
        ("7us3ns", 7_003),
        ("0s", 0),
    ],
)
def test_durations_are_read_as_whole_nanoseconds(text: str, ns: int) -> None:
    assert units.duration_ns(text) == ns


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("5 bps", "0.0005"),
        ("5bps", "0.0005"),
        ("0.05%", "0.0005"),
        ("-6%", "-0.06"),
        ("+6%", "0.06"),
        ("0", "0"),
        ("0.0001 bps", "0.00000001"),
    ],
)
def test_rates_are_read_as_fractions_of_one(text: str, rate: str) -> None:
    assert units.rate(text) == Decimal(rate)


def test_a_tenth_of_a_basis_point_is_not_a_binary_fraction() -> None:
    assert units.rate("0.1 bps") * 100_000 == 1
    assert units.rate_parts(units.rate("0.1 bps")) == 1_000


def test_yearly_rates_and_event_rates_keep_their_time() -> None:
    assert units.annual_rate("70%/yr") == Decimal("0.7")
    assert units.event_rate("6/h") == Fraction(1, 600)
    assert units.event_rate("30/h") == units.event_rate("0.5/min") == Fraction(1, 120)
    assert units.event_rate("1/d") == Fraction(1, 86_400)


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("0.1 USDT", "0.1", "USDT"),
        ("25 kUSDT", "25000", "USDT"),
        ("50 MUSDT", "50000000", "USDT"),
        ("1.5 GUSDT", "1500000000", "USDT"),
        ("50MUSDT", "50000000", "USDT"),
        ("-3 USDT", "-3", "USDT"),
        ("5 k DOGE", "5000", "DOGE"),
        ("7 MKR", "7", "MKR"),
    ],
)
def test_money_is_read_with_its_prefix(text: str, amount: str, currency: str) -> None:
    assert units.money(text) == Money(Decimal(amount), currency)


def test_a_size_is_counted_in_its_underlying() -> None:
    assert units.size("0.001 BTC") == Size(Decimal("0.001"), "BTC")
    assert units.size("-2 kBTC") == Size(Decimal(-2000), "BTC")


def test_a_currency_that_begins_like_a_prefix_is_refused_unless_it_is_known() -> None:
    with pytest.raises(UnitError, match="can be read as G ALA or as a currency GALA"):
        units.size("5 GALA")
    with pytest.raises(UnitError, match="neither is known here"):
        units.size("5 kPEPE")
    assert units.size("5 GALA", {"GALA"}) == Size(Decimal(5), "GALA")
    assert units.size("5 GGALA", {"GALA"}) == Size(Decimal(5_000_000_000), "GALA")
    assert units.size("5 G ALA") == Size(Decimal(5_000_000_000), "ALA")


@pytest.mark.parametrize(
    ("parse", "text", "words"),
    [
        (units.duration_ns, "60", "a bare number where a duration"),
        (units.duration_ns, "5m", "it could be minutes or months"),
        (units.duration_ns, "12h1d", "from long to short"),
        (units.duration_ns, "1h1h", "each unit once"),
        (units.duration_ns, "0.5ns", "whole number of nanoseconds"),
        (units.duration_ns, "-5s", "not a duration"),
        (units.duration_ns, "", "not a duration"),
        (units.duration_ns, "1e3s", "not a duration|no unit"),
        (units.rate, "5", "bare number"),
        (units.rate, "0.0005", "bare number"),
        (units.rate, "5 bp", "not a rate"),
        (units.annual_rate, "70%", "not a yearly rate"),
        (units.event_rate, "6", "not an event rate"),
        (units.event_rate, "6/m", "not an event rate"),
        (units.money, "100", "bare number"),
        (units.money, "1,000 USDT", "comma or underscore"),
        (units.money, "1_000 USDT", "comma or underscore"),
        (units.money, "1e6 USDT", "not a plain decimal"),
        (units.money, "50 mUSDT", "no prefix"),
        (units.money, "50 KUSDT", "no prefix"),
        (units.money, "five USDT", "not money"),
        (units.money, "1.5.2 USDT", "not a plain decimal"),
        (units.time_of_day_ns, "24:00", "not a time of day"),
        (units.time_of_day_ns, "0:02", "not a time of day"),
        (units.instant_ns, "2024-01-01", "not an instant"),
        (units.instant_ns, "2024-01-01T00:00:00", "not an instant"),
        (units.instant_ns, "2024-01-01T00:00:00+01:00", "not an instant"),
        (units.instant_ns, "2024-02-30T00:00:00Z", "no such instant"),
        (units.number, "1e3", "not a plain decimal"),
        (units.number, "1" * 30, "more than 25 digits"),
    ],
)
def test_what_is_ambiguous_or_without_unit_is_refused(parse, text: str, words: str) -> None:
    with pytest.raises(UnitError, match=words) as refused:
        parse(text)
    assert refused.value.allowed


@pytest.mark.parametrize(
    ("parse", "text", "meant"),
    [
        (units.duration_ns, "5m", "5min"),
        (units.duration_ns, "3 hours", "3 h"),
        (units.rate, "5 bp", "5 bps"),
        (units.annual_rate, "70%", "70%/yr"),
        (units.money, "1,000.5 USDT", "1000.5 USDT"),
        (units.money, "50 mUSDT", "50 MUSDT"),
        (units.instant_ns, "2024-01-01", "2024-01-01T00:00:00Z"),
    ],
)
def test_a_refusal_says_what_was_perhaps_meant(parse, text: str, meant: str) -> None:
    with pytest.raises(UnitError) as refused:
        parse(text)
    assert refused.value.suggestion == meant


def test_the_border_takes_whole_ticks_lots_and_atoms_only() -> None:
    assert units.to_ticks(Decimal("30000.1"), Decimal("0.1")) == 300_001
    assert units.to_lots(Decimal("-0.5"), Decimal("0.001")) == -500
    assert units.to_atoms(Decimal("0.00000001")) == 1
    assert units.atoms_per_tick_lot(Decimal("0.1"), Decimal("0.001")) == 10_000
    for refused in (
        lambda: units.to_ticks(Decimal("30000.05"), Decimal("0.1")),
        lambda: units.to_lots(Decimal("0.0005"), Decimal("0.001")),
        lambda: units.to_atoms(Decimal("0.000000001")),
        lambda: units.atoms_per_tick_lot(Decimal("0.00001"), Decimal("0.0001")),
        lambda: units.rate_parts(Decimal("0.000000001")),
    ):
        with pytest.raises(UnitError):
            refused()


@pytest.mark.parametrize(("price", "ticks"), [("30000.04", 300_000), ("30000.05", 300_001), ("30000.06", 300_001)])
def test_nearest_tick_rounds_a_half_upwards(price: str, ticks: int) -> None:
    assert units.nearest_ticks(Decimal(price), Decimal("0.1")) == ticks


def test_canonical_text_is_the_same_for_equal_quantities() -> None:
    assert units.format_duration(units.duration_ns("480min")) == "8h"
    assert units.format_rate(units.rate("5 bps")) == "0.05%"
    assert units.format_money(units.money("0.05 MUSDT")) == "50000 USDT"
    assert units.format_event_rate(units.event_rate("720/d")) == "30/h"
    assert units.format_annual_rate(units.annual_rate("70.0%/yr")) == "70%/yr"
    assert units.format_number(Decimal("1E+3")) == "1000"
    assert units.format_instant(units.instant_ns("2024-01-01T00:00:00.500Z")) == "2024-01-01T00:00:00.5Z"


decimals = st.decimals(min_value=-(10**12), max_value=10**12, places=8, allow_nan=False, allow_infinity=False)
names = st.sampled_from(["USDT", "USDC", "BTC", "ETH", "DOGE", "SOL", "kBONK", "X1"])


@given(st.integers(min_value=0, max_value=2**62))
def test_every_duration_comes_back_from_its_text(ns: int) -> None:
    assert units.duration_ns(units.format_duration(ns)) == ns


@given(decimals)
def test_every_rate_comes_back_from_its_text(value: Decimal) -> None:
    assert units.rate(units.format_rate(value)) == value
    assert units.annual_rate(units.format_annual_rate(value)) == value


@given(decimals, names)
def test_every_amount_comes_back_from_its_text(value: Decimal, name: str) -> None:
    money, size = Money(value, name), Size(value, name)
    assert units.money(units.format_money(money), {name}) == money
    assert units.size(units.format_size(size), {name}) == size


@given(decimals.filter(lambda value: value >= 0), st.sampled_from(["s", "min", "h", "d"]))
def test_every_event_rate_comes_back_from_its_text(value: Decimal, unit: str) -> None:
    rate = units.event_rate(f"{units.format_number(value)}/{unit}")
    assert units.event_rate(units.format_event_rate(rate)) == rate


@given(st.integers(min_value=0, max_value=86_399))
def test_every_time_of_day_comes_back_from_its_text(second: int) -> None:
    assert units.time_of_day_ns(units.format_time_of_day(second * SECOND)) == second * SECOND


@given(st.integers(min_value=-(60 * 10**18), max_value=250 * 10**18))
def test_every_instant_comes_back_from_its_text(ns: int) -> None:
    text = units.format_instant(ns)
    assert units.instant_ns(text) == ns


@given(st.text(max_size=20))
def test_any_text_is_either_read_or_refused_with_words(text: str) -> None:
    for parse in (units.duration_ns, units.rate, units.annual_rate, units.event_rate, units.money, units.size):
        refusal = None
        try:
            parse(text)
        except UnitError as error:
            refusal = error
        assert refusal is None or (refusal.message and refusal.allowed)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("67412,5", "67412.5"),
        ("1,5", "1.5"),
        ("12,345678", "12.345678"),
        ("1,234", ""),  # one thousand and more, or a little more than one
        ("1,234,567", "1234567"),
        ("1,234.5", "1234.5"),
        ("1_000", "1000"),
        ("1_00", ""),
        ("1.234,5", ""),
    ],
)
def test_a_suggestion_for_a_comma_never_changes_the_number(text: str, meant: str) -> None:
    with pytest.raises(UnitError) as refused:
        units.number(text)
    assert refused.value.suggestion == meant


def test_a_suggestion_keeps_the_unit_and_the_decimal_comma() -> None:
    with pytest.raises(UnitError) as refused:
        units.money("2,5 kUSDT")
    assert refused.value.suggestion == "2.5 kUSDT"


@pytest.mark.parametrize(
    ("text", "amount", "name"),
    [
        ("1 W", "1", "W"),
        ("1 kW", "1000", "W"),
        ("2 1INCH", "2", "1INCH"),
        ("3 k 1000SHIB", "3000", "1000SHIB"),
        ("+0.5 1INCH", "0.5", "1INCH"),
    ],
)
def test_names_of_real_coins_have_sizes(text: str, amount: str, name: str) -> None:
    assert units.size(text, ("W", "1INCH", "1000SHIB")) == units.Size(Decimal(amount), name)


@pytest.mark.parametrize("text", ["1 k", "5", "1 W"])
def test_a_letter_that_names_nothing_is_no_unit(text: str) -> None:
    with pytest.raises(UnitError):
        units.size(text, ("1INCH",))
